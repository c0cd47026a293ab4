//! How fast connections are opened, as the platform sees it.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Failure;
use crate::control::Control;

/// How often the platform is asked how many dials there were.
const LOOK: Duration = Duration::from_millis(50);

/// Counts of dials over time.
#[derive(Default)]
pub(crate) struct Dials(Vec<(Instant, u64)>);

impl Dials {
    /// Whether it is time to look again.
    pub(crate) fn is_due(&self) -> bool {
        self.0.last().is_none_or(|(at, _)| at.elapsed() >= LOOK)
    }

    /// Notes how many dials there were, and says how many sockets are open.
    pub(crate) async fn look(&mut self, control: &mut Control) -> Result<usize, Failure> {
        let stats = control.get("/_sim/stats").await?;
        let number = |name: &str| stats[name].as_u64().unwrap_or_default();
        self.0.push((Instant::now(), number("dials")));
        Ok(usize::try_from(number("sockets_open"))?)
    }

    /// All dials, and most of any second, since the last call.
    pub(crate) fn take(&mut self) -> Result<(usize, usize), Failure> {
        let mut window: VecDeque<(Instant, u64)> = VecDeque::new();
        let (mut all, mut most) = (0, 0);
        let first = self.0.first().map_or(0, |(_, count)| *count);
        for (at, count) in self.0.drain(..) {
            while window.front().is_some_and(|(from, _)| at - *from > Duration::from_secs(1)) {
                window.pop_front();
            }
            window.push_back((at, count));
            most = most.max(count - window.front().map_or(count, |(_, first)| *first));
            all = count - first;
        }
        Ok((usize::try_from(all)?, usize::try_from(most)?))
    }
}
