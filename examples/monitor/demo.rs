//! The forced drops against the simulator.

use std::time::Duration;

use genesys_cloud::sim::Fault;
use tokio::time::{Instant, Interval, interval_at};

use crate::common::Place;

/// When the first drop comes: late enough that the screen has come to life.
const FIRST: Duration = Duration::from_secs(3);
/// Between the drops.
const EVERY: Duration = Duration::from_secs(15);

/// Cuts the connection to the embedded simulator from time to time; does nothing elsewhere.
pub(crate) struct Demo(Option<Interval>);

impl Demo {
    pub(crate) fn new(place: &Place) -> Self {
        let is_demo = matches!(place, Place::Embedded(_));
        Self(is_demo.then(|| interval_at(Instant::now() + FIRST, EVERY)))
    }

    /// Resolves when the next drop is due.
    pub(crate) async fn due(&mut self) {
        match &mut self.0 {
            Some(drops) => drop(drops.tick().await),
            None => std::future::pending().await,
        }
    }

    /// Cuts every socket by a TCP reset: no close frame, no notice.
    pub(crate) fn cut(place: &Place) -> genesys_cloud::Result<()> {
        if let Some(platform) = place.simulator() {
            platform.fault(Fault::Reset)?;
        }
        Ok(())
    }
}
