//! When to dial again, and what to do when the consumer is slow.

use std::time::Duration;

use crate::core::backoff::full_jitter;
use crate::core::close::Gone;

/// What a [`ReconnectPolicy`] decides from.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// Consecutive failures, this one included: 1 after the first. It starts again only after a connection that was
    /// live for the policy's [`stable_after`](ReconnectPolicy::stable_after).
    pub number: u32,
    /// For how long the last connection was live; zero when it never was.
    pub was_live: Duration,
    /// Why it is gone.
    pub cause: &'a Gone,
    /// The server's `Retry-After`. Whatever the policy says, the wait is not shorter.
    pub retry_after: Option<Duration>,
    /// A random number in `0.0..1.0`, so that the policy itself stays a pure function.
    pub unit_random: f64,
}

impl<'a> Attempt<'a> {
    /// An attempt, to try a policy out.
    pub fn new(number: u32, was_live: Duration, cause: &'a Gone, unit_random: f64) -> Self {
        Self { number, was_live, cause, retry_after: None, unit_random }
    }
}

/// What to do after a connection was lost or could not be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Dial again after this wait.
    RetryAfter(Duration),
    /// End the stream with an error.
    GiveUp,
}

/// Decides whether and when to dial again: plain data in, plain data out.
///
/// A closure is a policy:
///
/// ```
/// use std::time::Duration;
/// use genesys_cloud::{Attempt, ReconnectPolicy, Verdict};
///
/// let five_times = |attempt: &Attempt<'_>| match attempt.number {
///     0..=5 => Verdict::RetryAfter(Duration::from_secs(2)),
///     _ => Verdict::GiveUp,
/// };
/// fn takes(_: impl ReconnectPolicy) {}
/// takes(five_times);
/// ```
pub trait ReconnectPolicy: Send + Sync {
    /// The verdict on one failure.
    fn decide(&self, attempt: &Attempt<'_>) -> Verdict;

    /// How long a connection must be live before earlier failures are forgotten. Default 60 s: two heartbeats.
    ///
    /// Forgetting at the moment of opening would turn a server that accepts and closes at once into a storm.
    fn stable_after(&self) -> Duration {
        Duration::from_secs(60)
    }
}

impl<F> ReconnectPolicy for F
where
    F: Fn(&Attempt<'_>) -> Verdict + Send + Sync,
{
    fn decide(&self, attempt: &Attempt<'_>) -> Verdict {
        self(attempt)
    }
}

const _: fn(&dyn ReconnectPolicy) = |_| {};

/// The default policy: a random share of an exponentially growing delay, so that many clients never return in step.
///
/// The default doubles from 2 s to 90 s, as Genesys' own streaming client does, and never gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FullJitter {
    base: Duration,
    cap: Duration,
    floor: Duration,
    stable_after: Duration,
    max_attempts: Option<u32>,
}

impl Default for FullJitter {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(90),
            floor: Duration::from_millis(100),
            stable_after: Duration::from_secs(60),
            max_attempts: None,
        }
    }
}

impl FullJitter {
    /// Delays between zero and `base`, doubled with every failure up to `cap`.
    pub fn new(base: Duration, cap: Duration) -> Self {
        Self { base, cap, ..Self::default() }
    }

    /// The shortest wait, so that no redial is immediate. Default 100 ms.
    pub fn floor(mut self, floor: Duration) -> Self {
        self.floor = floor;
        self
    }

    /// See [`ReconnectPolicy::stable_after`]. Default 60 s.
    pub fn stable_window(mut self, window: Duration) -> Self {
        self.stable_after = window;
        self
    }

    /// Gives up after this many consecutive failures. Default: never.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }
}

impl ReconnectPolicy for FullJitter {
    fn decide(&self, attempt: &Attempt<'_>) -> Verdict {
        if self.max_attempts.is_some_and(|max| attempt.number > max) {
            return Verdict::GiveUp;
        }
        let exponent = attempt.number.saturating_sub(1);
        Verdict::RetryAfter(full_jitter(
            self.base,
            self.cap,
            self.floor,
            exponent,
            attempt.unit_random,
        ))
    }

    fn stable_after(&self) -> Duration {
        self.stable_after
    }
}

/// Always the same wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FixedDelay {
    delay: Duration,
    max_attempts: Option<u32>,
}

impl FixedDelay {
    /// Waits `delay` before every dial.
    pub fn new(delay: Duration) -> Self {
        Self { delay, max_attempts: None }
    }

    /// Gives up after this many consecutive failures. Default: never.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = Some(attempts);
        self
    }
}

impl ReconnectPolicy for FixedDelay {
    fn decide(&self, attempt: &Attempt<'_>) -> Verdict {
        match self.max_attempts {
            Some(max) if attempt.number > max => Verdict::GiveUp,
            _ => Verdict::RetryAfter(self.delay),
        }
    }
}

/// Never dials again: the first loss ends the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoReconnect;

impl ReconnectPolicy for NoReconnect {
    fn decide(&self, _: &Attempt<'_>) -> Verdict {
        Verdict::GiveUp
    }
}

/// What happens when events come faster than they are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// Stop reading, so that TCP slows the platform down; nothing is dropped by us. Pings go on; silence is not held
    /// against a socket that we do not read. The platform may cut a reader that is too slow: that is a gap like any
    /// other.
    #[default]
    Wait,
    /// Drop the oldest events and say how many, in their place, with
    /// [`Lifecycle::Lagged`](crate::Lifecycle::Lagged). Lifecycle items are never dropped.
    DropOldest,
    /// Close the socket, and dial again when the consumer has caught up. What was missed is a
    /// [`Lifecycle::Gap`](crate::Lifecycle::Gap) with the cause [`Gone::Overflow`].
    Disconnect,
}

/// What a stream does when the platform has too few notification channels left for it.
///
/// A user and OAuth client have twenty channels together, and the platform answers a request for another by removing the
/// one that was used the longest ago, whoever's it is. Streams look first, and never take anybody else's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChannelPolicy {
    /// Wait until there is room, looking again by the reconnect policy. Each look that finds none is told as
    /// [`Lifecycle::ChannelsBusy`](crate::Lifecycle::ChannelsBusy). What can be had meanwhile is live.
    #[default]
    Wait,
    /// Use fewer channels, filled up to the platform's 1,000 topics, if the topics fit; else as [`Fail`](Self::Fail).
    /// Of use where [`topics_per_channel`](crate::StreamBuilder::topics_per_channel) leaves room.
    Share,
    /// End the stream with a [`Capacity`](crate::ErrorKind::Capacity) error that has the numbers. Topics that are added
    /// to a stream that runs are refused instead, with [`Lifecycle::Rejected`](crate::Lifecycle::Rejected).
    Fail,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delay(policy: &dyn ReconnectPolicy, number: u32, unit: f64) -> Verdict {
        policy.decide(&Attempt::new(number, Duration::ZERO, &Gone::HandshakeTimeout, unit))
    }

    #[test]
    fn full_jitter_doubles_to_the_cap_and_respects_the_floor() {
        let policy = FullJitter::default();
        let at = |number, unit| match delay(&policy, number, unit) {
            Verdict::RetryAfter(wait) => wait.as_millis(),
            Verdict::GiveUp => panic!("never gives up"),
        };
        assert_eq!(
            [at(1, 1.0), at(2, 1.0), at(6, 1.0), at(7, 1.0), at(u32::MAX, 1.0)],
            [2_000, 4_000, 64_000, 90_000, 90_000]
        );
        assert_eq!(at(1, 0.5), 1_000);
        assert_eq!(at(9, 0.0), 100);
    }

    #[test]
    fn a_limit_of_attempts_is_a_limit_of_redials() {
        let limited = FullJitter::default().max_attempts(2);
        assert_ne!(delay(&limited, 2, 0.5), Verdict::GiveUp);
        assert_eq!(delay(&limited, 3, 0.5), Verdict::GiveUp);
        assert_eq!(
            delay(&FixedDelay::new(Duration::ZERO).max_attempts(0), 1, 0.5),
            Verdict::GiveUp
        );
        assert_eq!(delay(&NoReconnect, 1, 0.5), Verdict::GiveUp);
    }
}
