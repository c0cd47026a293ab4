//! What a link writes.

use std::time::{Duration, Instant};

use super::Running;
use crate::core::close::Gone;
use crate::diagnostics::observer::Signal;
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;
use crate::streaming::protocol::{StreamEvent, SubscriptionContext};
use crate::streaming::report::Report;
use crate::streaming::session::Input;
use crate::transport::ws::Outbound;

/// Most bytes of a control frame (RFC 6455, section 5.5).
const MOST_OF_PING: usize = 125;
/// Shortest time between two pings of a monitor, whatever it says.
const MEASURE_PAUSE: Duration = Duration::from_millis(1);

impl<E: StreamEvent> Running<E> {
    /// Queues a message; a fault shows at the next read or flush.
    pub(super) fn send(&mut self, kind: &str, out: Outbound) {
        let _ = self.queue(kind, out);
    }

    /// Queues a first message, and tells of it.
    pub(super) fn greet(&mut self, out: Outbound) -> Result<(), Gone> {
        let bytes = out.bytes();
        if let Some(socket) = &mut self.socket {
            socket.greet(out)?;
            self.told_sent("greeting", bytes);
        }
        Ok(())
    }

    fn told_sent(&self, kind: &str, bytes: usize) {
        self.link.counters.sent(bytes);
        self.link.parts.observer.observe(&Signal::Sent { kind, bytes });
    }

    /// Queues a message, and tells of it.
    fn queue(&mut self, kind: &str, out: Outbound) -> Result<(), Gone> {
        let Some(socket) = &mut self.socket else { return Ok(()) };
        let bytes = out.bytes();
        socket.queue(out)?;
        self.told_sent(kind, bytes);
        Ok(())
    }

    /// Sends a ping whose answer repeats the id.
    pub(super) fn send_probe(&mut self, id: &str) {
        let parts = &self.link.parts;
        let ping = parts.protocol.probe(id, parts.connector.clock.wall());
        // A longer one would break the protocol.
        if !matches!(&ping, Outbound::Ping(payload) if payload.len() > MOST_OF_PING) {
            self.send("ping", ping);
        }
    }

    /// Makes topics the subscription, over the socket; one that is not open yet has them in its first messages.
    pub(super) async fn subscribe(&mut self, wanted: Vec<Topic>) -> Option<Input> {
        let answer = if self.session.is_open() {
            let parts = &self.link.parts;
            let now = parts.connector.clock.moment();
            let context = SubscriptionContext {
                wanted: &wanted,
                before: &self.wanted,
                now: now.wall,
                mono: now.mono,
            };
            parts.protocol.subscription(&context)
        } else if self.socket.is_none() {
            Ok(Vec::new())
        } else {
            return None;
        };
        let mut input = None;
        let answer = match answer {
            Ok(messages) => {
                for message in messages {
                    if let Err(gone) = self.queue("subscribe", message) {
                        return Some(Input::Gone(gone));
                    }
                }
                if self.session.is_open() && !wanted.is_empty() {
                    input = Some(Input::Asked);
                }
                self.want(wanted.clone());
                Ok(wanted)
            }
            Err(error) => Err(error),
        };
        let report = Report::Asked { link: self.link.key, answer };
        let _ = self.link.reports.send(Box::new(report)).await;
        input
    }

    /// Queues a message of the owner's.
    pub(super) fn send_own(&mut self, message: Outbound) -> Result<()> {
        if self.socket.is_none() || !self.session.is_open() {
            let text = "the connection is closing: nothing was sent";
            return Err(Error::new(ErrorKind::Closed, text).retryable(true));
        }
        self.queue("message", message).map_err(|gone| match gone {
            Gone::WriteTimeout => {
                let text = "too much waits to be written: send less, or raise Buffers::write_limit";
                Error::new(ErrorKind::Capacity, text).retryable(true)
            }
            gone => {
                Error::new(ErrorKind::Closed, format!("nothing was sent: {gone}")).retryable(true)
            }
        })
    }

    pub(super) fn measure(&mut self, now: Instant) {
        self.measure_from = now + MEASURE_PAUSE;
        if let Some(id) = self.probe.as_ref().and_then(|probe| probe.ping(now)) {
            self.send_probe(&id);
        }
    }
}
