//! When the last byte came in, noted where bytes come in: below TLS and below frames, so that half a frame counts.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::core::clock::{Clock, Moment};

/// The time of the last inbound byte of one connection.
pub(super) struct Meter {
    clock: Arc<dyn Clock>,
    opened: Moment,
    /// Nanoseconds from `opened`, on the monotonic clock.
    mono: AtomicU64,
    /// Nanoseconds from the Unix epoch.
    wall: AtomicU64,
}

impl Meter {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let opened = clock.moment();
        let meter = Self { clock, opened, mono: AtomicU64::new(0), wall: AtomicU64::new(0) };
        meter.store(opened);
        meter
    }

    fn store(&self, at: Moment) {
        let mono = at.mono.saturating_duration_since(self.opened.mono);
        let wall = at.wall.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        self.mono.store(nanos(mono), Ordering::Relaxed);
        self.wall.store(nanos(wall), Ordering::Relaxed);
    }

    /// The last inbound byte; the opening of the connection when there was none yet.
    pub(super) fn last(&self) -> Moment {
        Moment {
            mono: self.opened.mono + Duration::from_nanos(self.mono.load(Ordering::Relaxed)),
            wall: SystemTime::UNIX_EPOCH + Duration::from_nanos(self.wall.load(Ordering::Relaxed)),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A byte stream that notes when bytes come in.
pub(super) struct Metered<S> {
    inner: S,
    meter: Arc<Meter>,
}

impl<S> Metered<S> {
    pub(super) fn new(inner: S, meter: Arc<Meter>) -> Self {
        Self { inner, meter }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.meter.store(self.meter.clock.moment());
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
