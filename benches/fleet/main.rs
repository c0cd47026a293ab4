//! Many organizations in one process, over loopback: memory, idle CPU, the way back after a cut, and what one member in
//! trouble does to the others.
//!
//! ```text
//! cargo bench --bench fleet                  # 2,000 organizations
//! cargo bench --bench fleet -- --members 200
//! cargo bench --bench fleet -- --smoke       # shows that it runs, nothing else
//! ```
//!
//! The platforms are processes of their own. Each side opens up to two sockets for an organization: `ulimit -n` must allow
//! that. The latencies mean something against each other only.

mod control;
mod figures;
mod members;
mod platform;

use std::error::Error;
use std::time::Duration;

use members::Members;
use platform::Process;

/// Whatever ends a measurement early.
type Failure = Box<dyn Error + Send + Sync>;

/// How much is measured.
struct Size {
    members: usize,
    idle: Duration,
    /// Events whose latency is measured, each time.
    events: usize,
    /// Events that a member that is not read has waiting.
    flood: u32,
}

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let Some(outcome) = platform::helper(&words) {
        return outcome;
    }
    let seconds = Duration::from_secs;
    let mut size = if words.contains(&"--smoke") {
        Size { members: 20, idle: seconds(1), events: 100, flood: 2_000 }
    } else {
        // Less than half of what the platform holds for one socket: beyond that it makes events more slowly.
        Size { members: 2_000, idle: seconds(35), events: 5_000, flood: 30_000 }
    };
    if let Some(place) = words.iter().position(|word| *word == "--members") {
        size.members = words.get(place + 1).ok_or("--members needs a number")?.parse()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(measure(&size))
}

async fn measure(size: &Size) -> Result<(), Failure> {
    let process = Process::start(size.members)?;
    let trouble = Process::start(1)?;
    let mut members = Members::new(&process).await?;
    println!("{} organizations in one process", size.members);

    // What is shared is there by then.
    members.add(size.members / 10).await?;
    members.highest_dial_rate();
    let before = figures::settled_kib().await;
    let rest = size.members - members.count();
    let took = members.add(rest).await?;
    let per_second = members.highest_dial_rate();
    let after = figures::settled_kib().await;
    print("resident", (after - before) / figures::real(rest), "KiB an organization");
    print("start", took.as_secs_f64(), &format!("s until {rest} more are live"));
    print("highest rate of dials", per_second, "in any second (50 allowed)");

    let cpu = figures::cpu_seconds();
    members.drain_for(size.idle).await?;
    let used = (figures::cpu_seconds() - cpu) / size.idle.as_secs_f64();
    print("idle", 100.0 * used, "% of one core, heartbeats included");

    let took = members.cut().await?;
    print("after a cut of all", took.as_secs_f64(), "s until all are live again");
    print("highest rate of dials", members.highest_dial_rate(), "in any second (50 allowed)");

    let quiet = members.latencies(size.events).await?;
    quiet.print("latency");
    members.add_throttled(&trouble).await?;
    members.latencies(size.events).await?.print("  one is answered 429");
    members.flood_one_that_is_not_read(size.flood).await?;
    members.latencies(size.events).await?.print("  one is not read");
    let taken = members.take_flood(size.flood).await?;
    print("  it is read again", figures::real(taken), "events were waiting, and none is lost");
    let took = members.shutdown().await?;
    print("shutdown", took.as_secs_f64(), "s until all are closed");
    Ok(())
}

fn print(what: &str, value: f64, unit: &str) {
    println!("  {what:<24}{value:>10.2} {unit}");
}
