//! One member's part of the merged stream: its stream, and the one that takes over from it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;

use super::duplicates::Duplicates;
use super::events::FleetDelivery;
use super::seat::{About, Phase, Seat};
use super::state::MemberState;
use crate::error::Error;
use crate::events::{Event, Lifecycle};
use crate::streaming::delivery::Delivery;
use crate::streaming::stream::EventStream;

/// Duplicates that are taken out in one turn, before others get theirs.
const TURN: usize = 64;

/// What is to come after a member's present stream.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outlook {
    Alone,
    /// Another one is being started.
    Awaited,
    /// Another one flows, and this one is being closed.
    Succeeded,
}

/// One member's items. Ends with the member.
pub(super) struct Member {
    seat: Arc<Seat>,
    /// Which of the seat's members this is: an earlier one says nothing of how it stands.
    number: u64,
    stream: Option<EventStream>,
    /// What ended the stream: the last item, unless another one takes over.
    error: Option<Error>,
    /// What the stream before this one delivered.
    before: Option<Box<Duplicates>>,
    /// What this one delivers while another is about to take over.
    meanwhile: Option<Box<Duplicates>>,
    done: bool,
}

impl Member {
    /// The member of a stream that runs.
    pub(super) fn new(seat: &Arc<Seat>, about: &mut About, stream: EventStream) -> Self {
        about.phase = Phase::Running(stream.handle());
        about.members += 1;
        Self::of(seat, about.members, Some(stream), None)
    }

    /// A member that could not be started.
    pub(super) fn failed(seat: &Arc<Seat>, about: &mut About, error: Error) -> Self {
        about.phase = Phase::Ended(MemberState::ended_by(&error));
        about.members += 1;
        Self::of(seat, about.members, None, Some(error))
    }

    fn of(
        seat: &Arc<Seat>,
        number: u64,
        stream: Option<EventStream>,
        error: Option<Error>,
    ) -> Self {
        let (before, meanwhile) = (None, None);
        Self { seat: seat.clone(), number, stream, error, before, meanwhile, done: false }
    }

    fn delivery(&self, item: Result<Delivery, Error>) -> Poll<Option<FleetDelivery>> {
        let organisation = self.seat.organisation.clone();
        Poll::Ready(Some(FleetDelivery { organisation, item }))
    }

    /// Whether an item of the stream is one for the consumer.
    fn passes(&mut self, delivery: &Delivery, outlook: Outlook) -> bool {
        if let Some(before) = &mut self.before {
            if before.are_past(delivery) {
                self.before = None;
            } else if before.was_delivered(delivery) {
                self.seat.lock().duplicates_removed += 1;
                return false;
            }
        }
        if outlook == Outlook::Alone {
            self.meanwhile = None;
            return true;
        }
        self.meanwhile.get_or_insert_default().remember(delivery);
        // That the old one has ended as it was told to says nothing about coverage: the new one has it.
        outlook != Outlook::Succeeded
            || !matches!(
                &delivery.event,
                Event::Lifecycle(Lifecycle::Stopped { uncovered, .. }) if uncovered.is_empty()
            )
    }

    /// What comes after the end of a stream: another one, a wait for it, or the end.
    fn ended(&mut self, cx: &Context<'_>) -> Option<Poll<Option<FleetDelivery>>> {
        self.stream = None;
        // Before the look, so that what changes after it is not missed.
        self.seat.waker.register(cx.waker());
        let mut about = self.seat.lock();
        let is_current = about.members == self.number && matches!(about.phase, Phase::Running(_));
        if is_current && let Some(successor) = about.successor.take() {
            about.phase = Phase::Running(successor.handle());
            about.awaits_successor = false;
            drop(about);
            self.seat.news.notify_waiters();
            (self.stream, self.error) = (Some(successor), None);
            self.before = self.meanwhile.take();
            return None;
        }
        // One that was removed gets none, however long somebody tries to start it.
        if is_current && about.awaits_successor && !about.removed {
            return Some(Poll::Pending);
        }
        let error = self.error.take();
        if is_current {
            about.phase = Phase::Ended(match &error {
                Some(error) => MemberState::ended_by(error),
                None => MemberState::closed(),
            });
        }
        drop(about);
        self.done = true;
        Some(match error {
            Some(error) => self.delivery(Err(error)),
            None => Poll::Ready(None),
        })
    }
}

impl Stream for Member {
    type Item = FleetDelivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FleetDelivery>> {
        if self.done {
            return Poll::Ready(None);
        }
        for _ in 0..TURN {
            self.seat.waker.register(cx.waker());
            let (outlook, paused, abandoned) = {
                let about = self.seat.lock();
                let outlook = match &about.successor {
                    Some(_) => Outlook::Succeeded,
                    None if about.awaits_successor => Outlook::Awaited,
                    None => Outlook::Alone,
                };
                (outlook, about.paused, about.abandoned)
            };
            if abandoned {
                let successor = self.seat.lock().successor.take();
                drop(successor);
                self.seat.news.notify_waiters();
                (self.stream, self.done) = (None, true);
                return Poll::Ready(None);
            }
            if paused {
                return Poll::Pending;
            }
            let polled = match &mut self.stream {
                Some(stream) => std::task::ready!(Pin::new(stream).poll_next(cx)),
                None => None,
            };
            match polled {
                Some(Ok(delivery)) => {
                    if self.passes(&delivery, outlook) {
                        return self.delivery(Ok(delivery));
                    }
                }
                Some(Err(error)) => self.error = Some(error),
                None => {
                    if let Some(outcome) = self.ended(cx) {
                        return outcome;
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
