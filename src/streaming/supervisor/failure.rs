//! What a failure leads to: another try after a wait, or the end.

use std::time::{Duration, SystemTime};

use super::machine::{State, Supervisor};
use super::message::{Action, Now};
use crate::core::close::Gone;
use crate::error::{Error, ErrorKind};
use crate::events::{Lifecycle, StopReason};
use crate::streaming::policy::{Attempt, Overflow, Verdict};

impl Supervisor {
    /// A call that stands between us and a live link failed; `mended` says that the next attempt avoids its cause.
    pub(super) fn rest_failed(
        &mut self,
        now: Now,
        error: Error,
        mended: bool,
        out: &mut Vec<Action>,
    ) {
        let cause = Gone::Rest { status: error.status(), detail: error.summary() };
        if mended || is_passing(&error) {
            self.back_off(now, cause, None, Duration::ZERO, error.retry_after(), out);
        } else {
            self.fail(cause, None, Duration::ZERO, error, out);
        }
    }

    /// Ends the stream because of an error that no repetition mends.
    pub(super) fn fail(
        &mut self,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        error: Error,
        out: &mut Vec<Action>,
    ) {
        out.push(self.disconnected(cause, last_inbound, was_live, None));
        let text = error.to_string().into();
        let reason = match error.kind() {
            ErrorKind::Auth | ErrorKind::Forbidden => StopReason::Auth(text),
            _ => StopReason::Failed(text),
        };
        self.stop(reason, Some(error), out);
    }

    pub(super) fn back_off(
        &mut self,
        now: Now,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        retry_after: Option<Duration>,
        out: &mut Vec<Action>,
    ) {
        let stable = was_live > Duration::ZERO && was_live >= self.policy.stable_after();
        self.failures = if stable { 1 } else { self.failures.saturating_add(1) };
        let mut attempt = Attempt::new(self.failures, was_live, &cause, now.unit_random);
        attempt.retry_after = retry_after;
        match self.policy.decide(&attempt) {
            Verdict::GiveUp => {
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, None));
                let error = Error::new(
                    ErrorKind::Closed,
                    format!("the reconnect policy gave up at failure {}: {cause}", self.failures),
                );
                let attempts = self.failures;
                self.stop(StopReason::GaveUp { cause, attempts }, Some(error), out);
            }
            Verdict::RetryAfter(wait) => {
                let wait = wait.max(retry_after.unwrap_or_default());
                let held = cause == Gone::Overflow && self.overflow == Overflow::Disconnect;
                if !held && self.adopt_successor() {
                    let retry_in = Some(Duration::ZERO);
                    out.push(self.disconnected(cause, last_inbound, was_live, retry_in));
                    return;
                }
                self.give_up_successor(out);
                self.forget_renewal();
                let retry_in = (!held).then_some(wait);
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, retry_in));
                if held {
                    self.state = State::Held { cause, wait };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.state = State::Waiting { until: now.at.mono + wait, wait, cause };
                }
            }
        }
    }

    pub(super) fn disconnected(
        &self,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        retry_in: Option<Duration>,
    ) -> Action {
        let channel = self.channel_id();
        Action::Emit(Lifecycle::Disconnected { channel, cause, last_inbound, was_live, retry_in })
    }

    pub(super) fn stop(&mut self, reason: StopReason, error: Option<Error>, out: &mut Vec<Action>) {
        let uncovered = self.ledger.uncovered();
        self.state = State::Stopped(reason.clone());
        out.push(Action::Emit(Lifecycle::Stopped { reason, uncovered }));
        out.push(Action::Stop(error));
    }
}

/// Faults of the way to the platform pass, whatever the HTTP layer's own retries made of them; what the platform says
/// of our request does not.
pub(super) fn is_passing(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Transport | ErrorKind::Timeout | ErrorKind::Throttled | ErrorKind::Decode
    ) || error.is_retryable()
        || error.status().is_some_and(|status| status >= 500)
}
