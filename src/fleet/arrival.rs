//! The task that starts a member.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;

use super::member::Member;
use super::seat::{Phase, Seat};
use super::shared::Shared;
use crate::error::Error;
use crate::streaming::gate::DialGate as _;

/// Counts a starting task, however it ends.
struct Counted(Arc<Shared>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.lock().starting -= 1;
        self.0.waker.wake();
    }
}

/// Starts a member in its turn, on a task of its own.
pub(super) fn start(shared: &Arc<Shared>, seat: &Arc<Seat>) {
    shared.lock().starting += 1;
    let counted = Counted(shared.clone());
    let begun = seat.clone();
    let task = tokio::spawn(async move {
        let Counted(shared) = &counted;
        // The runtime's clock, as the timer below is.
        let now = tokio::time::Instant::now().into_std();
        tokio::time::sleep_until(shared.starts.turn(now).into()).await;
        let (client, settings) = {
            let about = begun.lock();
            (about.client.clone(), about.settings.clone())
        };
        // Code of a user, whose panic would leave the member starting for ever. Nothing of it is used after one.
        let started = async { settings(shared.stream(&client)).start().await };
        let started = AssertUnwindSafe(started).catch_unwind().await;
        let result = started.unwrap_or_else(|_| Err(panicked()));
        let member = {
            let mut about = begun.lock();
            if !matches!(about.phase, Phase::Starting(_)) {
                // Removed meanwhile, or replaced.
                return;
            }
            match result {
                Ok(stream) => Member::new(&begun, &mut about, stream),
                Err(error) => Member::failed(&begun, &mut about, error),
            }
        };
        shared.arrive(member);
    });
    let mut about = seat.lock();
    if let Phase::Starting(abort) = &mut about.phase {
        *abort = Some(task.abort_handle());
    } else if about.removed {
        task.abort();
    }
}

/// Without the panic's own text, which may have anything in it.
fn panicked() -> Error {
    Error::config("the settings of the organisation panicked, or what its stream starts with did")
}
