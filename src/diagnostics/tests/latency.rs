//! What a monitor makes of pongs in every order.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use proptest::prelude::*;

use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::measurement::{Measurement, PingOutcome};
use crate::diagnostics::observer::Signal;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn monitor() -> (LatencyMonitor, Instant) {
    let config = LatencyConfig::default().interval(MS(1_000)).pong_timeout(MS(2_500));
    (LatencyMonitor::new(config).unwrap(), Instant::now())
}

fn adds_up(monitor: &LatencyMonitor) -> bool {
    let c = monitor.counts();
    c.sent == c.answered + c.late + c.lost + c.outstanding + c.lost_with_connection
}

#[test]
fn each_pong_is_matched_to_its_own_ping() {
    let (monitor, start) = monitor();
    assert_eq!(monitor.next_ping(), None);
    monitor.opened(start);
    let first = monitor.ping(start).unwrap();
    assert_eq!(monitor.ping(start + MS(999)), None);
    let second = monitor.ping(start + MS(1_000)).unwrap();
    assert_ne!(first, second);
    monitor.pong(start + MS(1_010), &second);
    monitor.pong(start + MS(1_200), &first);
    let latency = monitor.report().total.latency.unwrap();
    assert_eq!((latency.min, latency.max), (MS(10), MS(1_200)));
    assert_eq!(monitor.report().total.jitter.unwrap().max, MS(1_190));
}

#[test]
fn late_lost_repeated_and_unsolicited_pongs_are_told_apart() {
    let (monitor, start) = monitor();
    let (other, _) = self::monitor();
    other.opened(start);
    let foreign = other.ping(start).unwrap();
    monitor.opened(start);
    let ids: Vec<_> = (0..3).map(|n| monitor.ping(start + MS(1_000 * n)).unwrap()).collect();
    monitor.pong(start + MS(2_100), &ids[2]);
    // The first times out at 2,500 and is answered after that; the second never is.
    assert_eq!(monitor.next_ping(), Some(start + MS(2_500)));
    monitor.pong(start + MS(2_600), &ids[0]);
    for id in [&ids[0], &ids[2]] {
        monitor.pong(start + MS(2_700), id);
    }
    for id in ["", "x", "-", &foreign, &ids[2].replace("-2", "-3"), "0-0", "é-1"] {
        monitor.pong(start + MS(2_800), id);
    }
    monitor.ping(start + MS(3_600));
    let counts = monitor.counts();
    assert_eq!((counts.sent, counts.answered, counts.outstanding), (4, 1, 1));
    assert_eq!((counts.late, counts.lost, counts.timeouts()), (1, 1, 2));
    assert_eq!((counts.repeated, counts.unsolicited), (2, 7));
}

#[test]
fn pings_under_way_are_lost_with_their_connection_and_the_schedule_starts_again() {
    let (monitor, start) = monitor();
    monitor.opened(start);
    let id = monitor.ping(start).unwrap();
    monitor.closed(start + MS(10));
    assert_eq!((monitor.next_ping(), monitor.ping(start + MS(2_000))), (None, None));
    // The limit of the frequency holds over a reconnect.
    monitor.opened(start + MS(20));
    assert_eq!(monitor.next_ping(), Some(start + MS(50)));
    assert!(monitor.ping(start + MS(50)).is_some());
    monitor.pong(start + MS(60), &id);
    let counts = monitor.counts();
    assert_eq!((counts.lost_with_connection, counts.repeated, counts.outstanding), (1, 1, 1));
    assert_eq!(counts.connections, 2);
}

#[test]
fn a_connection_that_takes_over_goes_on_when_the_old_one_is_gone() {
    let (monitor, start) = monitor();
    monitor.opened(start);
    let id = monitor.ping(start).unwrap();
    monitor.opened(start + MS(100));
    monitor.closed(start + MS(200));
    monitor.pong(start + MS(250), &id);
    assert!(monitor.ping(start + MS(1_000)).is_some());
    let counts = monitor.counts();
    assert_eq!((counts.answered, counts.lost_with_connection), (1, 0));
}

#[test]
fn latency_and_jitter_violations_are_counted_apart() {
    let (monitor, start) = monitor();
    monitor.opened(start);
    // Thresholds: 500 ms, and 100 ms of difference.
    for (n, rtt) in [30, 40, 560, 600, 20].into_iter().enumerate() {
        let at = start + MS(1_000 * n as u64);
        let id = monitor.ping(at).unwrap();
        monitor.pong(at + MS(rtt), &id);
    }
    let report = monitor.report();
    assert_eq!((report.total.latency_violations, report.total.jitter_violations), (2, 2));
    assert_eq!(report.total.stability, Some(0.4));
    assert_eq!(report.window, report_window(&report));
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["total"]["latency"]["max_ms"], 600.0);
    assert_eq!(json["counts"]["answered"], 5);
    assert!(report.to_string().contains("violations: 2 of latency, 2 of jitter"), "{report}");
}

/// The window as it should be: everything fits, so that only rounding may differ.
fn report_window(report: &crate::LatencyReport) -> crate::LatencyFigures {
    let mut window = report.total.clone();
    let exact = |summary: &mut Option<crate::Summary>, values: [u64; 4]| {
        let summary = summary.as_mut().unwrap();
        [summary.p50, summary.p90, summary.p95, summary.p99] = values.map(MS);
    };
    exact(&mut window.latency, [40, 600, 600, 600]);
    exact(&mut window.jitter, [40, 580, 580, 580]);
    window
}

#[test]
fn measurements_reach_callbacks_streams_and_observers() {
    let (monitor, start) = monitor();
    let told = Arc::new(Mutex::new(Vec::new()));
    let (keep, again) = (told.clone(), monitor.clone());
    monitor.on_measurement(move |measurement: &Measurement| {
        // A report may be asked for here.
        assert!(again.report().counts.sent > 0);
        keep.lock().unwrap().push(measurement.outcome);
    });
    let seen = Arc::new(Mutex::new(0));
    let count = seen.clone();
    monitor.forward_to(move |signal: &Signal<'_>| {
        assert!(matches!(signal, Signal::Latency { .. }));
        *count.lock().unwrap() += 1;
    });
    let mut stream = monitor.measurements();
    monitor.opened(start);
    let id = monitor.ping(start).unwrap();
    monitor.pong(start + MS(7), &id);
    monitor.ping(start + MS(1_000));
    monitor.closed(start + MS(1_001));
    let expected = [PingOutcome::Answered, PingOutcome::LostWithConnection];
    assert_eq!(*told.lock().unwrap(), expected);
    assert_eq!(*seen.lock().unwrap(), 2);
    let first = stream.next().now_or_never().unwrap().unwrap();
    assert_eq!((first.outcome, first.latency), (expected[0], Some(MS(7))));
    let json = serde_json::to_value(&first).unwrap();
    assert_eq!((&json["latency_ms"], &json["outcome"]), (&7.0.into(), &"answered".into()));
    assert_eq!(stream.next().now_or_never().unwrap().unwrap().outcome, expected[1]);
    assert!(stream.next().now_or_never().is_none());
}

#[test]
fn a_slow_consumer_of_measurements_loses_the_oldest_and_is_told_how_many() {
    let (monitor, start) = monitor();
    let mut stream = monitor.measurements();
    monitor.opened(start);
    for n in 0..2_000 {
        let at = start + MS(1_000 * n);
        let id = monitor.ping(at).unwrap();
        monitor.pong(at + MS(1), &id);
    }
    assert_eq!(stream.dropped(), 2_000 - 1_024);
    drop(monitor);
    let rest: Vec<_> = stream.by_ref().collect::<Vec<_>>().now_or_never().unwrap();
    assert_eq!((rest.len(), rest[0].sequence), (1_024, 976));
}

#[tokio::test]
async fn a_waiting_consumer_is_woken_by_a_measurement_and_by_the_end() {
    let (monitor, start) = monitor();
    let mut stream = monitor.measurements();
    let reader = tokio::spawn(async move { (stream.next().await.is_some(), stream.next().await) });
    tokio::task::yield_now().await;
    monitor.opened(start);
    let id = monitor.ping(start).unwrap();
    monitor.pong(start + MS(1), &id);
    tokio::task::yield_now().await;
    drop(monitor);
    assert_eq!(reader.await.unwrap(), (true, None));
}

#[test]
fn a_monitor_is_not_made_from_settings_that_do_not_work() {
    let config = LatencyConfig::default().interval(MS(1)).window(0);
    let error = LatencyMonitor::new(config).unwrap_err().to_string();
    assert!(error.contains("interval") && error.contains("window"), "{error}");
}

#[derive(Clone, Debug)]
enum Step {
    Opened,
    Closed,
    Ping,
    Pong(usize),
    Text(String),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Opened),
        1 => Just(Step::Closed),
        6 => Just(Step::Ping),
        5 => (0_usize..40).prop_map(Step::Pong),
        1 => ".{0,20}".prop_map(Step::Text),
        6 => (0_u64..3_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    #[test]
    fn in_any_order_nothing_panics_and_the_counters_add_up(steps in steps()) {
        let (monitor, start) = monitor();
        let footprint = monitor.footprint();
        let (mut now, mut ids) = (start, Vec::new());
        for step in steps {
            match step {
                Step::Opened => monitor.opened(now),
                Step::Closed => monitor.closed(now),
                Step::Ping => ids.extend(monitor.ping(now)),
                Step::Pong(n) => {
                    let at = ids.len().saturating_sub(n + 1);
                    monitor.pong(now, ids.get(at).map_or("", |id: &Box<str>| id));
                }
                Step::Text(text) => monitor.pong(now, &text),
                Step::Wait(ms) => now += MS(ms),
            }
            prop_assert!(adds_up(&monitor), "{:?}", monitor.counts());
            prop_assert!(monitor.next_ping().is_none_or(|at| at >= start));
        }
        let counts = monitor.counts();
        prop_assert_eq!(counts.sent, ids.len() as u64);
        prop_assert_eq!(monitor.footprint(), footprint);
    }

    #[test]
    fn a_driver_that_follows_next_ping_always_moves_on(late in prop::collection::vec(0_u64..20_000, 1..100)) {
        let (monitor, start) = monitor();
        monitor.opened(start);
        for ms in late {
            let now = monitor.next_ping().unwrap() + MS(ms);
            monitor.ping(now);
            prop_assert!(monitor.next_ping().unwrap() > now);
        }
    }
}
