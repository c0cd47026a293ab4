//! The quota of a token: a fixed window that begins with its first request.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// Length of a window. The platform does not say whether it is fixed; this one is.
const WINDOW: Duration = Duration::from_secs(60);

/// Windows kept before those that have ended are forgotten.
const KEPT: usize = 4_096;

/// Counts requests by token.
#[derive(Debug, Default)]
pub(super) struct Limiter {
    windows: HashMap<Arc<str>, Window>,
}

#[derive(Debug)]
struct Window {
    ends: Instant,
    count: u32,
}

/// What the limiter says about one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quota {
    /// Requests of this window, this one included.
    pub(super) count: u32,
    /// Whole seconds until the window ends, at least 1.
    pub(super) reset: u64,
    /// Whether the request is over the quota.
    pub(super) exceeded: bool,
}

impl Limiter {
    /// Counts one request.
    pub(super) fn count(&mut self, key: &Arc<str>, allowed: u32, now: Instant) -> Quota {
        if self.windows.len() >= KEPT {
            self.windows.retain(|_, window| window.ends > now);
        }
        let fresh = || Window { ends: now + WINDOW, count: 0 };
        let window = self.windows.entry(Arc::clone(key)).or_insert_with(fresh);
        if window.ends <= now {
            *window = fresh();
        }
        window.count = window.count.saturating_add(1);
        let left = window.ends.saturating_duration_since(now);
        Quota {
            count: window.count,
            reset: left.as_millis().div_ceil(1_000).max(1).try_into().unwrap_or(60),
            exceeded: window.count > allowed,
        }
    }

    /// Forgets every window.
    pub(super) fn clear(&mut self) {
        self.windows.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_window_is_fixed_and_its_end_is_told() {
        let mut limiter = Limiter::default();
        let key: Arc<str> = "token".into();
        let start = Instant::now();
        assert!(!limiter.count(&key, 2, start).exceeded);
        assert!(!limiter.count(&key, 2, start).exceeded);
        let late = limiter.count(&key, 2, start + Duration::from_millis(17_500));
        assert_eq!((late.exceeded, late.reset), (true, 43));
        let last = limiter.count(&key, 2, start + Duration::from_millis(59_990));
        assert_eq!((last.exceeded, last.reset), (true, 1));
        assert!(!limiter.count(&key, 2, start + WINDOW).exceeded);
    }
}
