//! The four kinds of changes, one after another on one stream that is under load all the time.

use std::time::Duration;

use genesys_cloud::RenewalReason;
use genesys_cloud::sim::Fault;
use tokio::time::sleep;

use super::figures::{Latencies, Phase, Phases};
use super::rig::{OVERLAP, Rig};

/// Nothing happens for so long between two changes.
const PAUSE: Duration = Duration::from_millis(200);

fn size(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|size| size.parse().ok()).unwrap_or(default)
}

/// What a change is asked for by.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Change {
    Renewal,
    Closing,
    Rotation,
    Rebalance,
}

impl Change {
    /// Makes the change for the nth time; from when until when it went on.
    async fn make(self, nth: usize, rig: &Rig) -> (Duration, Duration) {
        let asked = rig.traffic.now();
        let reason = match self {
            Self::Renewal => {
                rig.handle.renew().await.unwrap();
                RenewalReason::Requested
            }
            Self::Closing => {
                rig.platform.fault(Fault::SocketClosing { after_ms: Some(60_000) }).unwrap();
                RenewalReason::Closing
            }
            Self::Rotation => {
                rig.tokens.rotate(&rig.platform).await;
                RenewalReason::Token
            }
            Self::Rebalance => return rig.rebalance(nth).await,
        };
        // Each of both channels.
        (asked, rig.traffic.until_renewed(reason, 2 * nth).await)
    }
}

/// A quiet time, and then changes with pauses.
async fn drive(what: Change, changes: usize, quiet: Duration, rig: &Rig) -> Phases {
    let mut phases = Phases::default();
    let began = rig.traffic.now();
    sleep(quiet).await;
    phases.add(Phase::Quiet, began..rig.traffic.now());
    for nth in 1..=changes {
        let (asked, done) = what.make(nth, rig).await;
        sleep(OVERLAP).await;
        phases.add(Phase::Change, asked..done + OVERLAP);
        if what == Change::Rebalance {
            rig.spread().await;
        }
        let began = rig.traffic.now();
        sleep(PAUSE).await;
        phases.add(Phase::Between, began..rig.traffic.now());
    }
    phases
}

async fn under_load(what: Change) {
    let (changes, rate) = (size("GENESYS_CLOUD_CHANGES", 3), size("GENESYS_CLOUD_RATE", 1_000));
    let quiet = Duration::from_secs(size("GENESYS_CLOUD_QUIET", 1) as u64);
    let (rig, mut load) = Rig::start(rate).await;
    let phases = tokio::select! {
        phases = drive(what, changes, quiet, &rig) => phases,
        () = load.failed() => unreachable!(),
    };
    let (sent, read) = load.end(&rig.traffic).await;
    let stats = rig.handle.stats();
    assert_eq!((stats.gaps, stats.reconnects), (0, 0));
    assert_eq!((stats.events - read.notices, read.samples.len()), (sent as u64, sent));
    assert_eq!(rig.platform.stats().evictions, 0);
    println!(
        "{what:?}: {changes} changes, {} renewals, {sent} events at {rate}/s, lost 0, duplicates 0, gaps 0, {} taken out",
        stats.renewals, stats.duplicates_removed,
    );
    let of = |phase| phases.latencies(phase, &read.samples);
    let (quiet, change, between) = (of(Phase::Quiet), of(Phase::Change), of(Phase::Between));
    let took = phases.durations(Phase::Change);
    let ms = |per_thousand| took.quantile(per_thousand).as_secs_f64() * 1e3;
    println!("  a change, overlap included, took {:.0} ms, at most {:.0} ms", ms(500), ms(1_000));
    println!("  quiet    {quiet}\n  change   {change}\n  between  {between}");
    let p99 = |of: &Latencies| of.quantile(990).as_secs_f64() * 1e3;
    let (added, ratio) = (p99(&change) - p99(&quiet), p99(&change) / p99(&quiet));
    let other = p99(&change) / p99(&between);
    println!("  p99 of a change: {added:+.3} ms, {ratio:.2} of quiet, {other:.2} of between");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Renewal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn announced_closes_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Closing).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn token_rotations_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Rotation).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rebalances_under_load_lose_nothing_and_repeat_nothing() {
    under_load(Change::Rebalance).await;
}
