//! A platform in memory, for tests under a paused clock: it runs on while a real socket is waited for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::SystemTime;

use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};

use super::builder::PlatformBuilder;
use super::frames::Event;
use super::handle::Command;
use super::io::Carrier;
use super::knobs::Knobs;
use super::platform::Platform;
use super::server;
use super::tap::Tap;
use crate::error::Result;

/// Bytes that may be under way in each direction.
const BUFFER: usize = 64 * 1024;

/// One end of a connection. After a reset the client's neither reads what was on its way nor writes.
struct End {
    io: DuplexStream,
    broken: Arc<AtomicBool>,
}

/// The client's end of a connection.
pub(crate) struct Near(End);

/// The platform's end of a connection.
struct Far(End);

impl Near {
    fn check(&self) -> io::Result<()> {
        if self.0.broken.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        Ok(())
    }
}

impl AsyncRead for Near {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.0.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Near {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check()?;
        Pin::new(&mut self.0.io).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.check())
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_shutdown(cx)
    }
}

impl AsyncRead for Far {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Far {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0.io).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.io).poll_shutdown(cx)
    }
}

impl Carrier for Far {
    fn at_once(&self) {}

    fn breaks(&self) {
        self.0.broken.store(true, Ordering::Relaxed);
    }
}

impl PlatformBuilder {
    /// Starts a platform that listens nowhere. By its own clock it starts at this time.
    pub(crate) fn start_in_memory(
        mut self,
        starts: SystemTime,
        tap: &Arc<Tap>,
    ) -> Result<Platform> {
        self.check()?;
        self.config.tap = Some((starts, Arc::clone(tap)));
        Platform::without_listener(self.config, "http://127.0.0.1:9".into(), None)
    }
}

impl Platform {
    /// A new connection.
    pub(crate) fn open(&self) -> Near {
        let (near, far) = duplex(BUFFER);
        let broken = Arc::<AtomicBool>::default();
        let far = Far(End { io: far, broken: Arc::clone(&broken) });
        self.shared.spawn(server::connection(Arc::clone(&self.shared), far, None));
        Near(End { io: near, broken })
    }

    /// Sends a frame to every open socket that listens to its topic, unless one of them has no room.
    pub(crate) fn emit_text(&self, topic: &str, text: String) -> bool {
        let event = Event::of_text(topic, text);
        let state = self.shared.lock();
        let room = state.channels.has_room(&event.topic);
        if room {
            state.channels.deliver(&event);
        }
        room
    }

    /// The channels that have an open socket.
    pub(crate) fn open_channels(&self) -> Vec<String> {
        let state = self.shared.lock();
        let open = state.channels.iter().filter(|channel| channel.socket.is_some());
        open.map(|channel| channel.id.to_string()).collect()
    }

    /// Ends everything that lasts, at the same place in what each socket has to send.
    pub(crate) fn lift(&self) {
        let mut state = self.shared.lock();
        state.faults.lift();
        for channel in state.channels.iter() {
            channel.send(Command::Knobs(Knobs::default()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn a_reset_takes_away_what_was_on_its_way() {
        let (near, far) = duplex(BUFFER);
        let broken = Arc::<AtomicBool>::default();
        let mut near = Near(End { io: near, broken: Arc::clone(&broken) });
        let mut far = Far(End { io: far, broken });
        far.write_all(b"read").await.unwrap();
        let mut seen = [0; 4];
        near.read_exact(&mut seen).await.unwrap();
        far.write_all(b"lost").await.unwrap();
        far.breaks();
        drop(far);
        let error = near.read(&mut seen).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert!(near.write(b"x").await.is_err());
    }
}
