//! What a driver does for a hand-over to another process, or from one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tokio::sync::oneshot;

use super::{Command, Driver, Next};
use crate::core::ports::ChannelInfo;
use crate::error::Result;
use crate::events::Lifecycle;
use crate::streaming::delivery::Counters;
use crate::streaming::ledger::{Covered, LinkKey};
use crate::streaming::overlap::Overlap;
use crate::streaming::supervisor::{Input, Snapshot};

/// What a driver shares with its stream.
#[derive(Clone, Default)]
pub(crate) struct Shared {
    pub(crate) counters: Arc<Counters>,
    /// Compares what connections deliver while one takes over from another.
    pub(crate) overlap: Arc<Overlap>,
    /// How far the stream had come when it ended.
    pub(crate) last: Arc<OnceLock<Snapshot>>,
    /// Whether the stream stands by: nobody has read from it.
    pub(crate) stands_by: Arc<AtomicBool>,
}

/// What another process covered, and its channels.
#[derive(Debug)]
pub(crate) struct Inheritance {
    pub(crate) covered: Covered,
    pub(crate) channels: Vec<ChannelInfo>,
}

impl<E: crate::streaming::protocol::StreamEvent> Driver<E> {
    /// A command of a hand-over.
    pub(super) fn hand_over(&mut self, command: Command) -> Next {
        match command {
            Command::Ready(answer) => {
                // Whoever asks again and again, and gives up each time, leaves nothing behind.
                self.waiters.retain(|waiter| !waiter.is_closed());
                self.waiters.push(answer);
            }
            Command::Snapshot(answer) => {
                self.shared.overlap.keep();
                let _ = answer.send(self.snapshot(false));
            }
            Command::TakeOver(inheritance, answer) => {
                return self.take_over(*inheritance, answer);
            }
            _ => {}
        }
        Next::Nothing
    }

    fn take_over(
        &mut self,
        inheritance: Inheritance,
        answer: oneshot::Sender<Vec<Lifecycle>>,
    ) -> Next {
        let Inheritance { covered, mut channels } = inheritance;
        // An address elsewhere would end the stream.
        let endpoints = &self.parts.endpoints;
        channels.retain(|one| endpoints.check_connect_uri(one.connect_uri.expose()).is_ok());
        let now = self.parts.connector.clock.moment();
        let mut gaps = self.supervisor.take_over(&covered, now);
        for gap in &mut gaps {
            self.account(gap);
        }
        let _ = answer.send(gaps);
        Next::Input(Input::Adopt(channels))
    }

    /// How far the stream has come.
    fn snapshot(&mut self, last: bool) -> Snapshot {
        let lines = &self.links;
        let now = self.parts.connector.clock.now();
        let handed_on = |link: LinkKey| lines.get(&link).and_then(|line| line.progress.get(now));
        self.supervisor.snapshot(handed_on, last)
    }

    /// Before the end is told: how far it came, for who asks later.
    pub(super) fn leave(&mut self) {
        let snapshot = self.snapshot(true);
        if self.shared.stands_by.load(Ordering::Relaxed) {
            self.clear(&snapshot);
        }
        let _ = self.shared.last.set(snapshot);
    }

    /// Unsubscribes the channels of a stream that stood by in vain: the platform gives those away first.
    fn clear(&self, snapshot: &Snapshot) {
        let channels = self.parts.channels.clone();
        let ids: Vec<_> = snapshot.channels.iter().map(|kept| kept.info.id.clone()).collect();
        if !ids.is_empty() {
            tokio::spawn(async move {
                for id in ids {
                    // One that cannot be unsubscribed ends by itself.
                    let _ = channels.clear(&id).await;
                }
            });
        }
    }

    /// Tells those who wait that all topics flow, once they do.
    pub(super) fn tell_ready(&mut self) {
        if !self.waiters.is_empty() && self.supervisor.is_ready() {
            for waiter in self.waiters.drain(..) {
                let _ = waiter.send(Ok(()));
            }
        }
    }
}

/// Those who wait until all topics flow.
pub(super) type Waiters = Vec<oneshot::Sender<Result<()>>>;
