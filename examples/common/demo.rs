//! What goes wrong in front of you, against the simulator.

use std::convert::Infallible;
use std::time::Duration;

use genesys_cloud::sim::Fault;
use tokio::time::{Instant, sleep_until};

use super::connect::Place;
use super::failure::Failure;
use super::output::Output;

/// One fault: when, counted from the start, and in words.
pub(crate) type Mishap = (Duration, Fault, String);

/// A single cut of every connection, without a close frame.
pub(crate) fn cut(at: Duration) -> [Mishap; 1] {
    [(at, Fault::Reset, "every connection is cut".to_owned())]
}

/// Has the embedded simulator do these things wrong, and tells them; does nothing elsewhere. It resolves only when it
/// fails.
pub(crate) async fn demo(
    place: &Place,
    output: &Output,
    script: impl IntoIterator<Item = Mishap>,
) -> Result<Infallible, Failure> {
    let began = Instant::now();
    if let Some(simulator) = place.simulator() {
        for (at, fault, text) in script {
            sleep_until(began + at).await;
            output.tell("fault", text, serde_json::json!({ "fault": fault }))?;
            simulator.fault(fault)?;
        }
    }
    std::future::pending().await
}
