//! Days of virtual time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use fastrand::Rng;

use crate::diagnostics::latency_config::{DriftCompensation, LatencyConfig};
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::latency_report::LatencyReport;
use crate::diagnostics::link_probe::LinkProbe;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const MS: fn(u64) -> Duration = Duration::from_millis;

/// What a day did, as the one who made it knows it.
#[derive(Default)]
struct Truth {
    answered: Vec<Duration>,
    late: u64,
    never: u64,
    repeated: u64,
}

/// The value that so many percent do not exceed, by nearest rank.
fn exact(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).max(1) - 1]
}

/// Runs a monitor for a day over a link with these delays; wake-ups are late, pongs are lost, late, or come twice.
fn day(
    config: &LatencyConfig,
    seed: u64,
    mut delay: impl FnMut(&mut Rng) -> Duration,
) -> (LatencyMonitor, Truth) {
    let monitor = LatencyMonitor::new(config.clone()).unwrap();
    let mut rng = Rng::with_seed(seed);
    let mut truth = Truth::default();
    let start = Instant::now();
    let mut pongs: BinaryHeap<Reverse<(Instant, Box<str>)>> = BinaryHeap::new();
    monitor.opened(start);
    let mut footprint_after_an_hour = None;
    loop {
        // The monitor wakes up a little late, now and then by a lot more.
        let late =
            if rng.u32(..100) == 0 { MS(30) } else { Duration::from_micros(rng.u64(..4_000)) };
        let wake = monitor.next_ping().unwrap() + late;
        while let Some(Reverse((at, _))) = pongs.peek()
            && *at <= wake
        {
            let Reverse((at, id)) = pongs.pop().unwrap();
            monitor.pong(at, &id);
        }
        if wake > start + DAY {
            break;
        }
        if wake > start + HOUR {
            footprint_after_an_hour.get_or_insert_with(|| monitor.footprint());
        }
        if let Some(id) = monitor.ping(wake) {
            match rng.u32(..1_000) {
                0..5 => truth.never += 1,
                5..8 => {
                    truth.late += 1;
                    pongs
                        .push(Reverse((wake + config.pong_timeout + MS(1 + rng.u64(..9_000)), id)));
                }
                dice => {
                    let delay = delay(&mut rng);
                    truth.answered.push(delay);
                    if dice < 20 {
                        truth.repeated += 1;
                        pongs.push(Reverse((wake + delay + MS(1), id.clone())));
                    }
                    pongs.push(Reverse((wake + delay, id)));
                }
            }
        }
    }
    while let Some(Reverse((at, id))) = pongs.pop() {
        monitor.pong(at, &id);
    }
    // The last ones that are never answered time out.
    monitor.ping(start + DAY + HOUR);
    monitor.closed(start + DAY + HOUR);
    assert_eq!(Some(monitor.footprint()), footprint_after_an_hour);
    (monitor, truth)
}

fn within_a_percent(what: &str, got: Duration, exact: Duration) {
    let (got, exact) = (got.as_secs_f64(), exact.as_secs_f64());
    assert!((got - exact).abs() <= exact * 0.01, "{what}: {got} for {exact}");
}

fn check(
    name: &str,
    config: &LatencyConfig,
    monitor: &LatencyMonitor,
    truth: Truth,
) -> LatencyReport {
    let report = monitor.report();
    let counts = report.counts;
    assert_eq!(counts.answered, truth.answered.len() as u64);
    assert_eq!((counts.late, counts.lost), (truth.late, truth.never));
    assert_eq!((counts.repeated, counts.unsolicited), (truth.repeated, 0));
    assert_eq!(counts.lost_with_connection, 1, "the one that found out about the last timeouts");
    let total = report.total.latency.clone().unwrap();
    let mut sorted = truth.answered.clone();
    sorted.sort_unstable();
    for (percent, got) in [(50, total.p50), (90, total.p90), (95, total.p95), (99, total.p99)] {
        let exact = exact(&sorted, percent);
        println!("{name}: p{percent} {got:?}, injected {exact:?}");
        within_a_percent(name, got, exact);
    }
    assert_eq!((total.min, total.max), (sorted[0], sorted[sorted.len() - 1]));
    let window = report.window.latency.clone().unwrap();
    let tail = truth.answered.len() - usize::try_from(window.count).unwrap();
    let mut last = truth.answered[tail..].to_vec();
    last.sort_unstable();
    within_a_percent("window", window.p99, exact(&last, 99));
    assert!(report.max_schedule_drift <= config.drift.max_drift, "{:?}", report.max_schedule_drift);
    println!("{report}\nbytes: {}, for every hour alike\n", monitor.footprint());
    report
}

fn config() -> LatencyConfig {
    LatencyConfig::default()
        .interval(MS(1_000))
        .drift(DriftCompensation::new(MS(50), 0.8))
        .latency_threshold(MS(150))
        .jitter_threshold(MS(60))
}

#[test]
fn a_day_of_normal_delays_is_measured_in_fixed_memory_without_drift() {
    let config = config();
    let (monitor, truth) = day(&config, 1, |rng| {
        let sum: f64 = (0..12).map(|_| rng.f64()).sum();
        Duration::from_secs_f64((0.040 + (sum - 6.0) * 0.008).max(0.001))
    });
    let report = check("normal", &config, &monitor, truth);
    // One a second from the first moment on, and one at the end: not one was lost to lateness.
    assert!((86_400..=86_402).contains(&report.counts.sent), "{}", report.counts.sent);
    assert!(report.total.stability.unwrap() > 0.98);
}

#[test]
fn a_day_of_exponential_delays_is_measured_in_fixed_memory_without_drift() {
    let config = config();
    let (monitor, truth) =
        day(&config, 2, |rng| MS(5) + Duration::from_secs_f64(-0.030 * (1.0 - rng.f64()).ln()));
    let over = truth.answered.iter().filter(|delay| **delay > config.latency_threshold).count();
    let report = check("exponential", &config, &monitor, truth);
    assert_eq!(report.total.latency_violations, over as u64);
    // The difference of two exponential variables is exponential with the same mean.
    let jitter = report.total.jitter.unwrap().mean.as_secs_f64();
    assert!((jitter - 0.030).abs() < 0.001, "{jitter}");
}

#[test]
fn a_day_of_two_kinds_of_delays_is_measured_in_fixed_memory_without_drift() {
    let config = config();
    let (monitor, truth) = day(&config, 3, |rng| {
        let base = if rng.u32(..10) < 7 { 20_000 } else { 200_000 };
        Duration::from_micros(base + rng.u64(..5_000))
    });
    let report = check("bimodal", &config, &monitor, truth);
    let stability = report.total.stability.unwrap();
    // Stable are those at 20 ms after one at 20 ms: 0.7 * 0.7 of what is answered.
    assert!((stability - 0.49).abs() < 0.02, "{stability}");
}

#[test]
fn without_compensation_the_same_day_slips() {
    let config = config().drift(DriftCompensation::off());
    let (monitor, _) = day(&config, 4, |_| MS(20));
    let report = monitor.report();
    println!("without compensation: {report}");
    assert!(report.max_schedule_drift > MS(60_000));
    assert!(report.counts.sent < 86_400);
}
