//! What happens in front of you, against the simulator.

use std::convert::Infallible;
use std::time::Duration;

use genesys_cloud::sim::{Fault, SocketKind};
use serde_json::json;
use tokio::time::{Instant, interval, sleep_until};

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
            output.tell("fault", text, json!({ "fault": fault }))?;
            simulator.fault(fault)?;
        }
    }
    std::future::pending().await
}

/// Has the embedded simulator send ten frames of the type `agent.score` a second, some of them bad, and a burst of heavy
/// ones after four seconds; does nothing elsewhere.
pub(crate) async fn scores(place: &Place) -> Infallible {
    let mut ticks = interval(Duration::from_millis(100));
    if let Some(simulator) = place.simulator() {
        for number in 0_i64.. {
            ticks.tick().await;
            let value = if number % 25 == 24 { -1 } else { number % 100 };
            simulator.emit_on(SocketKind::Frames, json!({ "type": "agent.score", "value": value }));
            for _ in 0..if number == 40 { 40 } else { 0 } {
                simulator.emit_binary_on(SocketKind::Frames, vec![0x80; 64 << 10]);
            }
        }
    }
    std::future::pending().await
}
