//! What is left of a limit that somebody else uses, too.

use std::time::{Duration, Instant};

/// Longest step down at one refusal: to a half, as congestion control does.
const DEEPEST: u32 = 2;

/// Of what went well before a refusal, so much is tried again: a tenth of room for whoever else sends.
const KEPT: (u32, u32) = (9, 10);

/// In so many windows without a refusal a share grows from nothing to the whole limit. A step that turns out too large
/// costs one 429 or two, since requests are spaced: with one try every few minutes these stay far below one in a hundred.
const STEPS: u32 = 20;

/// The part of a limit that is ours, learnt from refusals: the platform answered 429 although our own count was under the
/// limit, so somebody else sends with the same token.
///
/// While there is a share, requests are spaced evenly: those that waited for the end of a refusal do not go all at once,
/// and if the share is still too large, one or two of them meet the next refusal and not all that are under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    limit: u32,
    /// When it shrank or grew last.
    changed: Instant,
    /// When it shrank last: what was sent before met the same refusal.
    refused: Instant,
}

impl Share {
    /// The share after a refusal at `now` of a request that was sent at `sent`. `fitted` is how many of ours went well in
    /// the platform's window before it, `limit` the whole limit.
    pub(crate) fn after_refusal(
        before: Option<Self>,
        limit: u32,
        fitted: u32,
        sent: Instant,
        now: Instant,
    ) -> Self {
        if let Some(share) = before.filter(|share| sent <= share.refused) {
            return share;
        }
        let last = before.map_or(limit, |share| share.limit).min(limit);
        let tried = u64::from(fitted) * u64::from(KEPT.0) / u64::from(KEPT.1);
        let tried = u32::try_from(tried).unwrap_or(u32::MAX);
        let limit = tried.clamp(last.div_ceil(DEEPEST).max(1), last.max(1));
        Self { limit, changed: now, refused: now }
    }

    /// The share some time later; `None` when it is everything again.
    pub(crate) fn later(mut self, limit: u32, window: Duration, now: Instant) -> Option<Self> {
        let since = now.saturating_duration_since(self.changed);
        let windows = since.as_nanos() / window.as_nanos().max(1);
        let windows = u32::try_from(windows).unwrap_or(u32::MAX);
        if windows > 0 {
            let step = limit.div_ceil(STEPS);
            self.limit = self.limit.saturating_add(step.saturating_mul(windows));
            self.changed = now;
        }
        (self.limit < limit).then_some(self)
    }

    /// Requests in a window.
    pub(crate) fn limit(&self) -> u32 {
        self.limit
    }

    /// The time between two requests.
    pub(crate) fn spacing(&self, window: Duration) -> Duration {
        window / self.limit.max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn refused(before: Option<Share>, fitted: u32, now: Instant) -> Share {
        Share::after_refusal(before, 300, fitted, now, now)
    }

    #[test]
    fn it_is_a_little_less_than_what_went_well_and_never_less_than_half_of_before() {
        let now = Instant::now();
        for (fitted, expected) in [(200, 180), (299, 269), (400, 300), (10, 150), (0, 150)] {
            assert_eq!(refused(None, fitted, now).limit(), expected, "{fitted}");
        }
        let mut share = Some(refused(None, 0, now));
        for minute in 1..20_u32 {
            share = Some(refused(share, 0, now + MINUTE * minute));
        }
        assert_eq!(share.map(|share| share.limit()), Some(1), "somebody has to find out");
    }

    #[test]
    fn those_that_were_under_way_meet_the_same_refusal_once() {
        let now = Instant::now();
        let share = refused(None, 200, now);
        let later = now + Duration::from_secs(1);
        let same = Share::after_refusal(Some(share), 300, 10, now, later);
        assert_eq!(same, share);
        assert_eq!(Share::after_refusal(Some(share), 300, 10, later, later).limit(), 90);
    }

    #[test]
    fn it_grows_by_a_twentieth_each_minute_until_it_is_all() {
        let now = Instant::now();
        let mut share = refused(None, 200, now);
        for minute in 1..8_u32 {
            share = share.later(300, MINUTE, now + MINUTE * minute).unwrap();
            assert_eq!(share.limit(), 180 + 15 * minute);
        }
        assert_eq!(share.later(300, MINUTE, now + MINUTE * 8), None);
        assert_eq!(refused(None, 0, now).later(300, MINUTE, now + MINUTE * 1000), None);
    }

    #[test]
    fn a_share_is_spread_over_the_window() {
        let now = Instant::now();
        assert_eq!(refused(None, 200, now).spacing(MINUTE), MINUTE / 180);
    }
}
