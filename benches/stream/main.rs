//! End to end over loopback: how fast an `EventStream` is, and how much memory an idle one takes.
//!
//! ```text
//! cargo bench --bench stream
//! cargo bench --bench stream -- --quick
//! cargo bench --bench stream -- --smoke # shows that it runs, nothing else
//! ```
//!
//! Everything is compared with a bare `tokio-tungstenite` reader of the same bytes in the same run: the ratios mean
//! something on any machine, the figures only on the one that they come from.

mod frames;
mod memory;
mod server;
mod speed;

use std::error::Error;

/// Whatever ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(outcome) = memory::helper(&words) {
        return outcome;
    }
    let (repeats, rounds, channels) = if words.contains(&"--smoke") {
        (2, 1, 20)
    } else if words.contains(&"--quick") {
        (50, 3, 200)
    } else {
        (200, 5, 500)
    };
    speed::measure(repeats, rounds)?;
    println!();
    memory::measure(channels)
}
