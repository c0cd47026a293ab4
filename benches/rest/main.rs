//! What a REST call costs, and reading a large answer.
//!
//! ```text
//! cargo bench --bench rest --features rest-analytics
//! cargo bench --bench rest --features rest-analytics -- --quick
//! cargo bench --bench rest --features rest-analytics -- --smoke # shows that it runs, nothing else
//! ```
//!
//! Calls are held against `reqwest` alone over loopback, answers against a tree of `serde_json`, each in the same run: the
//! ratios mean something on any machine, the figures only on the one that they come from.

mod calls;
mod page;
mod reading;
mod server;

use std::error::Error;

/// Whatever ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().collect();
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let (calls, rounds, megabytes) = if has("--smoke") {
        (20, 1, 1)
    } else if has("--quick") {
        (500, 3, 10)
    } else {
        (5_000, 9, 10)
    };
    calls::measure(calls, rounds)?;
    println!();
    reading::measure(megabytes, rounds)
}

/// The one in the middle.
fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}
