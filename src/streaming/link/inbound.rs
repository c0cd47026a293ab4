//! What a link does with what it reads: it is held until the link may speak, and delivered then.

use std::time::Instant;

use tokio::sync::oneshot;

use super::{Running, Voice};
use crate::core::clock::Moment;
use crate::core::close::{CloseCode, Gone};
use crate::diagnostics::observer::Signal;
use crate::streaming::burst::{Burst, Sign};
use crate::streaming::delivery::add;
use crate::streaming::driver::Item;
use crate::streaming::hold::Batch;
use crate::streaming::pings::Answer;
use crate::streaming::policy::Overflow;
use crate::streaming::proof::Proof;
use crate::streaming::protocol::{Health, Notice, StreamEvent};
use crate::streaming::report::Report;
use crate::streaming::session::{Action, Input};
use crate::streaming::supervisor::TokenUsed;

impl<E: StreamEvent> Running<E> {
    /// Says how far what was read is in the queue; a link that never delivers says nothing.
    pub(super) fn note_progress(&self) {
        let proof = self.proof.filter(|_| !matches!(self.voice, Voice::Mute));
        self.link.progress.set(proof, self.hold.oldest());
    }

    /// Delivers what is held as far as there is room, and stops reading when there is none.
    pub(super) fn pace(&mut self, now: Instant) {
        if !self.hold.is_empty() && !self.link.replaces.is_empty() {
            let removed = self.hold.sift(&self.link.overlap, self.link.key, now);
            add(&self.link.counters.duplicates_removed, removed);
        }
        let full = match &self.voice {
            Voice::Silent => {
                if self.hold.room().is_none() {
                    // Events of what was asked for are as good an answer as any.
                    self.session.step(now, Input::Answered, &mut self.actions);
                }
                false
            }
            Voice::Mute => false,
            Voice::Waiting(_) => {
                let full = self.hold.room().is_none();
                if full {
                    // Whoever wants to see that it flows would wait for an answer that is not read.
                    self.session.step(now, Input::Answered, &mut self.actions);
                }
                full
            }
            Voice::Speaking => {
                let mut room = self.link.events.room();
                while let Some(some) = room.filter(|_| !self.hold.is_empty()) {
                    let batch = self.hold.take(some);
                    self.deliver(batch, now);
                    room = self.link.events.room();
                }
                if room.is_none() && self.link.events.overflow() == Overflow::Disconnect {
                    self.session.step(now, Input::Gone(Gone::Overflow), &mut self.actions);
                    return;
                }
                // Who closes the stream does not read it: then the peer's answer has its time, and no more.
                room.is_none() && !self.link.events.is_unread()
            }
        };
        self.set_paused(full, now);
    }

    fn set_paused(&mut self, yes: bool, now: Instant) {
        if self.paused != yes {
            self.paused = yes;
            if yes && let Some(proof) = &mut self.proof {
                proof.looks_away(now);
            }
            if !self.link.replaces.is_empty() && matches!(self.voice, Voice::Speaking) {
                self.link.overlap.paused(self.link.key, yes, now);
            }
            self.session.step(now, Input::Paused(yes), &mut self.actions);
        }
    }

    /// What a pong, or the answer to a ping with an id, means.
    fn answered(&mut self, id: &str, at: Instant) -> Input {
        let (input, sent) = match self.pings.answered(id) {
            Answer::Mark(sent) => (Input::Answered, Some(sent)),
            Answer::OldMark => (Input::Message, None),
            Answer::Ping(sent) => {
                add(&self.link.counters.pongs, 1);
                (Input::Pong, Some(sent))
            }
            Answer::Other => {
                if let Some(probe) = &self.probe {
                    probe.pong(at, id);
                }
                (Input::Message, None)
            }
        };
        self.proves(sent);
        input
    }

    /// Hands a burst to the session, the supervisor and the consumer, in the order of its frames.
    pub(super) async fn take(&mut self, burst: Burst<E>, now: Instant) {
        let counters = &self.link.counters;
        add(&counters.frames, burst.frames);
        add(&counters.filtered, burst.filtered);
        for sign in burst.notices {
            let input = match sign {
                Sign::Answer(id, at) => self.answered(&id, at),
                Sign::Notice(notice) => {
                    let input = if notice == Notice::Pong { Input::Pong } else { Input::Message };
                    match &notice {
                        Notice::Heartbeat => add(&self.link.counters.heartbeats, 1),
                        Notice::Pong => {
                            add(&self.link.counters.pongs, 1);
                            let sent = self.pings.pong();
                            self.proves(sent);
                        }
                        _ => {}
                    }
                    if matches!(notice, Notice::Closing | Notice::ChannelGone(_)) {
                        let report = Report::Notice { link: self.link.key, notice };
                        let _ = self.link.reports.send(Box::new(report)).await;
                    }
                    input
                }
            };
            self.session.step(now, input, &mut self.actions);
        }
        let batch = (burst.items, burst.prints);
        // What the supervisor says of the first sign of life comes before the events that follow it.
        let flows = self.actions.contains(&Action::Flowing);
        match &self.voice {
            Voice::Mute => {}
            Voice::Speaking if !flows && self.hold.is_empty() => self.deliver(batch, now),
            _ => self.hold.add(batch),
        }
        if let Some(end) = burst.end {
            if let Gone::Closed { code, .. } = &end {
                self.drained = true;
                // The answer to a close frame has its code; one who closed of his own accord meanwhile mostly has another.
                if matches!(*code, CloseCode::NORMAL | CloseCode::NO_STATUS) {
                    self.proves(self.closed_at);
                }
            }
            self.session.step(now, Input::Gone(end), &mut self.actions);
        }
    }

    pub(super) fn deliver(&self, (mut items, mut prints): Batch<E>, now: Instant) {
        let link = &self.link;
        let removed = link.overlap.sift(link.key, &mut items, &mut prints, now);
        add(&link.counters.duplicates_removed, removed);
        link.overlap.note(link.key, &prints);
        if items.is_empty() {
            return;
        }
        self.count(&items);
        let dropped = link.events.push(items);
        if dropped > 0 {
            add(&link.counters.dropped, dropped);
            link.parts.observer.observe(&Signal::Lagged { dropped });
        }
    }

    fn count(&self, items: &[(Item<E>, usize)]) {
        let counters = &self.link.counters;
        add(&counters.events, items.len() as u64);
        for (item, _) in items {
            let Item::Event(delivery, health, _) = item else {
                continue;
            };
            match health {
                Health::Typed => {}
                Health::Unrecognized => add(&counters.unrecognized, 1),
                Health::Malformed => {
                    add(&counters.malformed, 1);
                    let topic = Some(delivery.topic.name());
                    self.link.parts.observer.observe(&Signal::Malformed { topic });
                }
            }
        }
    }

    /// Tells the supervisor; until it has answered, what comes in is held.
    pub(super) async fn flowing(&mut self) {
        let at = match &self.socket {
            Some(socket) => socket.last_inbound(),
            None => self.moment(),
        };
        // What was read before it was asked for shows nothing of what is covered since.
        let at = self.probed.filter(|probed| probed.mono > at.mono).unwrap_or(at);
        self.proof.get_or_insert_with(|| Proof::new(at));
        self.note_progress();
        let (go, gone) = oneshot::channel();
        let token = self
            .token
            .as_ref()
            .map(|token| TokenUsed { generation: token.generation, issued_at: token.issued_at });
        let report = Report::Flowing { link: self.link.key, at, token, go };
        if self.link.reports.send(Box::new(report)).await.is_ok() {
            self.voice = Voice::Waiting(gone);
        }
    }

    /// What is held, and what comes in from now on, is delivered.
    pub(super) fn speak(&mut self, now: Instant) {
        self.voice = Voice::Speaking;
        self.spoke = true;
        if !self.link.replaces.is_empty() {
            self.link.overlap.switch(self.link.key, now);
        }
        if self.probe.is_none() {
            self.probe.clone_from(&self.link.parts.probe);
            if let Some(probe) = &self.probe {
                probe.opened(now);
            }
        }
    }

    /// A link that is closed before it may speak leaves it to the other, which delivers the same. One that has no other is
    /// still answered.
    pub(super) fn stop_waiting(&mut self, now: Instant) {
        if let Voice::Waiting(go) = &mut self.voice {
            if self.spoke || go.try_recv().is_ok() {
                self.speak(now);
            } else if !self.link.replaces.is_empty() {
                self.hold.clear();
                self.voice = Voice::Mute;
            }
        }
    }

    /// The peer was there at this moment.
    fn proves(&mut self, then: Option<Moment>) {
        if let (Some(proof), Some(then)) = (&mut self.proof, then) {
            proof.answered(then);
        }
    }
}
