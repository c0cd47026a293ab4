//! Many organizations in one process, over loopback: memory, idle CPU, the way back after a restart of the platform, and
//! what members in trouble do to the others.
//!
//! ```text
//! cargo bench --bench fleet                  # 2,000 organizations, about six minutes
//! cargo bench --bench fleet -- --members 200
//! cargo bench --bench fleet -- --smoke       # shows that it runs, nothing else
//! ```
//!
//! The platforms are processes of their own: memory and CPU are those of the fleet alone. Each side opens up to two
//! sockets for an organization: `ulimit -n` must allow that. The latencies mean something against each other only.

mod control;
mod dials;
mod figures;
mod isolation;
mod members;
mod platform;

use std::error::Error;
use std::time::Duration;

use figures::{Latencies, real, row};
use isolation::{Isolation, Rounds};
use members::Members;
use platform::Process;

/// Whatever ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

/// How much is measured.
struct Size {
    members: usize,
    idle: Duration,
    /// For how long the platform is gone.
    gone: Duration,
    /// Rounds with and without members in trouble.
    rounds: usize,
    /// Events of a round.
    events: usize,
    /// Events that the member that is not read has waiting at the beginning of a round.
    flood: usize,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(outcome) = platform::helper(&words) {
        return outcome;
    }
    let seconds = Duration::from_secs;
    let mut size = if words.contains(&"--smoke") {
        let (idle, gone) = (seconds(1), Duration::from_millis(500));
        Size { members: 20, idle, gone, rounds: 1, events: 100, flood: 2_000 }
    } else {
        let (idle, gone) = (seconds(60), seconds(5));
        Size { members: 2_000, idle, gone, rounds: 20, events: 1_500, flood: 5_000 }
    };
    if let Some(place) = words.iter().position(|word| *word == "--members") {
        size.members = words.get(place + 1).ok_or("--members needs a number")?.parse()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&size))
}

async fn measure(size: &Size) -> Result<(), Failure> {
    let mut members = Members::new(Process::start(size.members)?).await?;
    println!("{} organizations in one process", size.members);

    // What is shared is there by then.
    members.add(size.members / 10).await?;
    members.dials.take()?;
    let before = (figures::settled_kib().await, figures::tasks());
    let rest = size.members - members.count();
    let took = members.add(rest).await?;
    let (_, most) = members.dials.take()?;
    let after = (figures::settled_kib().await, figures::tasks());
    row("resident memory", (after.0 - before.0) / real(rest), "KiB an organization");
    row("tasks", (after.1 - before.1) / real(rest), "an organization");
    row("start", took.as_secs_f64(), &format!("s until {rest} more are live"));
    row("  highest rate of dials", real(most), "in any second (50 allowed)");

    let cpu = figures::cpu_seconds();
    members.drain_for(size.idle).await?;
    let used = (figures::cpu_seconds() - cpu) / size.idle.as_secs_f64();
    row("idle", 100.0 * used, "% of one core, heartbeats included");

    let took = members.cut().await?;
    row("every connection cut", took.as_secs_f64(), "s until all are live again");
    let (all, most) = members.dials.take()?;
    row("  highest rate of dials", real(most), &format!("in any second, of {all}"));

    let gone = size.gone.as_secs_f64();
    let took = members.restart(size.gone).await?;
    row("platform restarted", took.as_secs_f64(), &format!("s until all are live, after {gone} s"));
    let (all, most) = members.dials.take()?;
    row("  highest rate of dials", real(most), &format!("in any second, of {all}"));
    let grown = figures::settled_kib().await - after.0;
    row("  memory since", grown / real(size.members), "KiB more an organization");

    let trouble = Process::start(1)?;
    let mut isolation = Isolation::new(&mut members, &trouble).await?;
    let (rounds, taken) = isolation.compare(size.rounds, size.events, size.flood).await?;
    print_isolation(&rounds);
    row("  of the one that was not read", real(taken), "events, none lost");
    let took = members.shutdown().await?;
    row("shutdown", took.as_secs_f64(), "s until all are closed");
    Ok(())
}

/// Latencies of the others with one that is answered 429 and one that is not read, against those without.
fn print_isolation(rounds: &Rounds) {
    println!(
        "  latency of the others                p50       p99   (ms; medians of {} rounds)",
        { rounds.with.len() }
    );
    let both = [("without two in trouble", &rounds.without), ("with two in trouble", &rounds.with)];
    for (what, rounds) in both {
        let of = |per_thousand| Latencies::median_of(rounds, per_thousand);
        println!("    {what:<32}{:>8.3}  {:>8.3}", of(500), of(990));
    }
    let ratio = |per_thousand| {
        let of = |rounds| Latencies::median_of(rounds, per_thousand);
        of(&rounds.with) / of(&rounds.without)
    };
    println!("    {:<32}{:>8.3}  {:>8.3}", "ratio", ratio(500), ratio(990));
    let pooled = |per_thousand| {
        let of = |rounds: &[Latencies]| Latencies::together(rounds).quantile(per_thousand);
        of(&rounds.with) / of(&rounds.without)
    };
    println!(
        "    {:<32}{:>8.3}  {:>8.3}",
        "ratio of all events together",
        pooled(500),
        pooled(990)
    );
}
