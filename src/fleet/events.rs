//! The merged stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::Stream;
use futures::stream::{FusedStream, SelectAll};

use super::member::Member;
use super::seat::Phase;
use super::shared::Shared;
use crate::error::Error;
use crate::streaming::delivery::Delivery;

/// One item of one organization.
#[derive(Debug)]
#[non_exhaustive]
pub struct FleetDelivery {
    /// The key that its member was added with.
    pub organisation: Arc<str>,
    /// What its stream yielded. An `Err` is the member's last item; the others go on.
    pub item: Result<Delivery, Error>,
}

/// The items of every member of a [`Fleet`](super::Fleet), in one stream.
///
/// Members take turns: one that has much to say gives way to the others after each item. Order is kept within a member. Nothing is held here: what is not taken waits in its member's own queue, up to
/// [`member_capacity`](super::FleetBuilder::member_capacity), and then does what the member's
/// [`Overflow`](crate::Overflow) says.
///
/// It ends, with `None`, when the fleet's handle is gone or was shut down and every member has ended. Dropping it ends
/// every member.
///
/// # Cancel safety
/// Dropping the future of `next()` loses nothing.
pub struct FleetEvents {
    shared: Arc<Shared>,
    members: SelectAll<Member>,
    ended: bool,
}

const _: fn() = || {
    fn can_be_sent<T: Send + Unpin>() {}
    can_be_sent::<FleetEvents>();
};

impl FleetEvents {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, members: SelectAll::new(), ended: false }
    }
}

impl Stream for FleetEvents {
    type Item = FleetDelivery;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<FleetDelivery>> {
        if self.ended {
            return Poll::Ready(None);
        }
        // Before the look, so that what arrives after it is not missed.
        self.shared.waker.register(cx.waker());
        let (arrivals, is_last) = {
            let mut state = self.shared.lock();
            (std::mem::take(&mut state.arrivals), state.closed && state.starting == 0)
        };
        self.members.extend(arrivals);
        match Pin::new(&mut self.members).poll_next(cx) {
            Poll::Ready(None) if is_last => {
                self.ended = true;
                Poll::Ready(None)
            }
            Poll::Ready(None) => Poll::Pending,
            polled => polled,
        }
    }
}

impl FusedStream for FleetEvents {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for FleetEvents {
    fn drop(&mut self) {
        let (seats, arrivals) = {
            let mut state = self.shared.lock();
            (state.closed, state.unheard) = (true, true);
            let seats: Vec<_> = state.members.values().cloned().collect();
            (seats, std::mem::take(&mut state.arrivals))
        };
        // Outside the lock: to drop a stream ends its tasks.
        drop(arrivals);
        for seat in seats {
            let mut about = seat.lock();
            about.removed = true;
            let successor = about.successor.take();
            if let Phase::Starting(Some(task)) = &about.phase {
                task.abort();
            }
            drop(about);
            drop(successor);
            seat.news.notify_waiters();
        }
    }
}

impl fmt::Debug for FleetEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FleetEvents").field("members", &self.members.len()).finish_non_exhaustive()
    }
}
