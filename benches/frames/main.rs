//! Frames of media sockets: how fast a pipeline is, and that its memory does not grow.
//!
//! ```text
//! cargo bench --bench frames
//! cargo bench --bench frames -- --quick
//! cargo bench --bench frames -- --smoke # shows that it runs, nothing else
//! ```
//!
//! Over loopback everything is compared with a bare `tokio-tungstenite` reader of the same bytes in the same run: the
//! ratios mean something on any machine, the figures only on the one that they come from.

mod frames;
mod interactions;
mod long_run;
mod server;
mod speed;

use std::error::Error;

/// Whatever ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

const GIB: u64 = 1 << 30;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let is = |word: &str| arguments.iter().any(|argument| argument == word);
    let (bytes, repeats, rounds) = if is("--smoke") {
        (GIB / 64, 2, 1)
    } else if is("--quick") {
        (GIB, 50, 3)
    } else {
        (10 * GIB, 300, 5)
    };
    long_run::measure(bytes)?;
    println!();
    speed::measure(repeats, rounds)
}
