//! What a failure leads to: another try after a wait, or the end.

use std::time::{Duration, SystemTime};

use super::common::Common;
use super::message::{Action, Now};
use super::shard::{Shard, State};
use crate::core::clock::later;
use crate::core::close::Gone;
use crate::error::{Error, ErrorKind};
use crate::events::{Lifecycle, StopReason};
use crate::streaming::policy::{Attempt, Overflow, Verdict};

impl Shard {
    /// A call that stands between us and a live link failed; `mended` says that the next attempt avoids its cause.
    pub(super) fn rest_failed(
        &mut self,
        cx: &mut Common,
        now: Now,
        error: Error,
        mended: bool,
        out: &mut Vec<Action>,
    ) {
        let cause = Gone::Rest { status: error.status(), detail: error.summary() };
        if mended || is_passing(&error) {
            self.back_off(cx, now, cause, None, Duration::ZERO, error.retry_after(), out);
        } else {
            self.fail(cx, cause, None, Duration::ZERO, error, out);
        }
    }

    /// Ends the stream because of an error that no repetition mends.
    pub(super) fn fail(
        &mut self,
        cx: &mut Common,
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
        self.state = State::Over;
        cx.stop(reason, Some(error));
    }

    #[allow(clippy::too_many_arguments, reason = "what a failure is made of")]
    pub(super) fn back_off(
        &mut self,
        cx: &mut Common,
        now: Now,
        cause: Gone,
        last_inbound: Option<SystemTime>,
        was_live: Duration,
        retry_after: Option<Duration>,
        out: &mut Vec<Action>,
    ) {
        let stable = was_live > Duration::ZERO && was_live >= cx.policy.stable_after();
        self.failures = if stable { 1 } else { self.failures.saturating_add(1) };
        let mut attempt = Attempt::new(self.failures, was_live, &cause, now.unit_random);
        attempt.retry_after = retry_after;
        match cx.policy.decide(&attempt) {
            Verdict::GiveUp => {
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, None));
                let error = Error::new(
                    ErrorKind::Closed,
                    format!("the reconnect policy gave up at failure {}: {cause}", self.failures),
                );
                let attempts = self.failures;
                self.state = State::Over;
                cx.stop(StopReason::GaveUp { cause, attempts }, Some(error));
            }
            Verdict::RetryAfter(wait) => {
                let wait = wait.max(retry_after.unwrap_or_default());
                let held = cause == Gone::Overflow && cx.overflow == Overflow::Disconnect;
                // Named before the successor's channel is ours.
                let at_once = Some(Duration::ZERO);
                let ended = self.disconnected(cause.clone(), last_inbound, was_live, at_once);
                if !held && self.adopt_successor(cx, out) {
                    out.push(ended);
                    return;
                }
                self.give_up_successor(cx, out);
                self.forget_renewal();
                let retry_in = (!held).then_some(wait);
                out.push(self.disconnected(cause.clone(), last_inbound, was_live, retry_in));
                if held {
                    self.state = State::Held { cause, wait };
                    out.push(Action::AwaitConsumer);
                } else {
                    self.state = State::Waiting { until: later(now.at.mono, wait), wait, cause };
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
