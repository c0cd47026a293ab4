//! What a driver tells: lifecycle items, counters, signals and the state that a handle sees.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::{Driver, Item};
use crate::core::close::Gone;
use crate::core::ids::{ChannelId, GapId};
use crate::diagnostics::observer::Signal;
use crate::events::Lifecycle;
use crate::streaming::delivery::{ConnectionState, add};
use crate::streaming::protocol::StreamEvent;

impl<E: StreamEvent> Driver<E> {
    pub(super) fn emit(&mut self, mut lifecycle: Lifecycle) {
        self.account(&mut lifecycle);
        self.events.push_fixed(Item::Own(lifecycle, self.parts.connector.clock.wall()));
    }

    /// Counts what happened, numbers gaps, and tells observers.
    pub(super) fn account(&mut self, lifecycle: &mut Lifecycle) {
        if let Lifecycle::Gap { gap, .. } = lifecycle {
            *gap = GapId::new(self.shared.counters.gaps.load(Ordering::Relaxed) + 1);
        }
        let observer = &self.parts.observer;
        let now = self.parts.connector.clock.now();
        match &*lifecycle {
            Lifecycle::Connected { channel, .. } => {
                self.shared.counters.mark_live();
                self.told.insert(channel.clone(), now);
                let channel = channel.as_ref();
                observer.observe(&Signal::Connected { channel });
            }
            Lifecycle::Stopped { .. } => {
                // Closed by their owner: there is no other item that says that the connections are gone.
                for (channel, since) in std::mem::take(&mut self.told) {
                    self.tell_end(channel.as_ref(), &Gone::Requested, now, since);
                }
            }
            Lifecycle::Released { channel } => {
                if let Some(since) = self.told.remove(channel) {
                    self.tell_end(channel.as_ref(), &Gone::Requested, now, since);
                }
            }
            Lifecycle::Disconnected { channel, cause, was_live, .. } => {
                // One that observers were told of is no failed dial, however soon it was lost.
                let told = self.told.remove(channel);
                let least = told.map_or(Duration::ZERO, |_| Duration::from_nanos(1));
                let (channel, was_live) = (channel.as_ref(), (*was_live).max(least));
                observer.observe(&Signal::Disconnected { channel, cause, was_live });
            }
            Lifecycle::Renewed { channel, overlap, .. } => {
                add(&self.shared.counters.renewals, 1);
                self.told.retain(|told, _| self.supervisor.is_current(told.as_ref()));
                self.told.insert(channel.clone(), now);
                let (channel, overlap) = (channel.as_ref(), *overlap);
                observer.observe(&Signal::Renewed { channel, overlap });
            }
            Lifecycle::Gap { topics, duration, .. } => {
                add(&self.shared.counters.gaps, 1);
                observer.observe(&Signal::Gap { topics: topics.len(), duration: *duration });
            }
            Lifecycle::Subscribed { topics, .. } => {
                observer.observe(&Signal::Subscribed { topics: topics.len() });
            }
            Lifecycle::Resubscribed { topics, .. } => {
                observer.observe(&Signal::Subscribed { topics: *topics });
            }
            Lifecycle::Rejected { topic, .. } => {
                observer.observe(&Signal::Rejected { topic: topic.name() });
            }
            _ => {}
        }
    }

    fn tell_end(&self, channel: Option<&ChannelId>, cause: &Gone, now: Instant, since: Instant) {
        let was_live = now.saturating_duration_since(since).max(Duration::from_nanos(1));
        self.parts.observer.observe(&Signal::Disconnected { channel, cause, was_live });
    }

    /// Makes the supervisor's state visible.
    pub(super) fn publish(&self) {
        self.shared.counters.reconnects.store(self.supervisor.reconnects(), Ordering::Relaxed);
        let state = self.supervisor.connection_state();
        self.state.send_if_modified(|shown| {
            let live = |state: &ConnectionState| matches!(state, ConnectionState::Live { .. });
            if live(&state) {
                self.shared.counters.mark_live();
            }
            let changed = *shown != state;
            *shown = state;
            changed
        });
    }
}
