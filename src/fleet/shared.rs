//! What a fleet's handle, its merged stream and its starting tasks share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::task::AtomicWaker;

use super::member::Member;
use super::rate::DialRate;
use super::seat::Seat;
use crate::client::Client;
use crate::error::{Error, Result};
use crate::streaming::builder::StreamBuilder;
use crate::streaming::queue::Capacity;

pub(super) struct Shared {
    state: Mutex<State>,
    /// Wakes the merged stream for arrivals.
    pub(super) waker: AtomicWaker,
    /// Paces first starts: their REST calls come before their dials.
    pub(super) starts: DialRate,
    pub(super) dials: DialRate,
    pub(super) capacity: Capacity,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) members: HashMap<Arc<str>, Arc<Seat>>,
    /// Members on their way into the merged stream.
    pub(super) arrivals: Vec<Member>,
    /// Tasks that start a member.
    pub(super) starting: usize,
    /// Whether no member is added any more: the handle is gone, or it was shut down.
    pub(super) closed: bool,
    /// Whether the merged stream is gone.
    pub(super) unheard: bool,
}

impl Shared {
    pub(super) fn new(starts: DialRate, dials: DialRate, capacity: Capacity) -> Arc<Self> {
        let (state, waker) = (Mutex::default(), AtomicWaker::new());
        Arc::new(Self { state, waker, starts, dials, capacity })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No code of a user runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seat(&self, organisation: &str) -> Result<Arc<Seat>> {
        let found = self.lock().members.get(organisation).cloned();
        found
            .ok_or_else(|| Error::config(format!("the fleet has no organisation {organisation:?}")))
    }

    /// Settings of a stream of the fleet's.
    pub(super) fn stream(&self, client: &Client) -> StreamBuilder {
        client.stream().capacity(self.capacity).dial_gate(self.dials.clone())
    }

    /// Puts a member into the merged stream.
    pub(super) fn arrive(&self, member: Member) {
        {
            let mut state = self.lock();
            if !state.unheard {
                state.arrivals.push(member);
            }
        }
        self.waker.wake();
    }
}
