//! What a run makes of a stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime};

use futures::{StreamExt, stream};

use super::support::{Item, MS, Said, connected, gap, gone, say, script};
use crate::core::close::{CloseCode, Gone};
use crate::core::ports::BoxFuture;
use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::link_probe::LinkProbe;
use crate::error::{Error, ErrorKind, Result};
use crate::probe::{Correlate, DisconnectEvent, MediaMeter, MediaSummary, Party, Probe, Stability};
use crate::streaming::delivery::Delivery;

#[derive(Default)]
struct Meter(Vec<(u64, Instant)>);

impl MediaMeter for Meter {
    fn observe(&mut self, position: u64, sample_rate: u32, _bytes: usize, arrival: Instant) {
        assert_eq!(sample_rate, 8_000);
        self.0.push((position, arrival));
    }

    fn summary(&self) -> MediaSummary {
        let mut summary = MediaSummary::default();
        summary.frames = self.0.len() as u64;
        if let [(_, first), .., (_, last)] = self.0[..] {
            summary.max_ms = last.duration_since(first).as_secs_f64() * 1e3;
        }
        summary
    }
}

#[tokio::test(start_paused = true)]
async fn messages_are_counted_by_type_and_what_is_not_json_is_counted_too() {
    let items = vec![
        (0, connected()),
        (10, say(Said::Json("init_ack"))),
        (10, say(Said::Json("notification"))),
        (10, say(Said::Json("notification"))),
        (10, say(Said::Json(""))),
        (10, say(Said::NotJson)),
        (10, say(Said::Audio(0))),
        (20, say(Said::Audio(160))),
    ];
    let probe = Probe::new().application("app-1").duration(MS(5_000)).media(Meter::default());
    let report = probe.run(script(items)).await;
    assert_eq!((report.messages, report.not_json, report.media_frames), (7, 1, 2));
    assert_eq!((report.by_type["notification"], report.by_type["(no type)"]), (2, 1));
    assert_eq!(report.duration.as_secs(), 5);
    assert_eq!((&report.stability, report.verdict.party), (&Stability::Stable, Party::None));
    assert!(report.close.is_none() && report.ended.is_none());
    let media = report.media.as_ref().unwrap();
    assert!((media.max_ms - 20.0).abs() < 2.0, "{media:?}");
    let text = report.to_string();
    assert!(text.contains("stability: stable") && text.contains("init_ack"), "{text}");
    assert_eq!(serde_json::to_value(&report).unwrap()["by_type"]["(not JSON)"], 1);
}

/// Knows of one end, and counts how often it is asked.
struct Known(Arc<AtomicU64>, &'static str);

impl Correlate for Known {
    fn events(
        &self,
        start: SystemTime,
        end: SystemTime,
    ) -> BoxFuture<'_, Result<Vec<DisconnectEvent>>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if self.1.is_empty() {
                return Err(Error::new(ErrorKind::Forbidden, "no permission"));
            }
            let middle = start + end.duration_since(start).unwrap() / 2;
            let far = start.checked_sub(MS(3_600_000));
            Ok(vec![
                DisconnectEvent::new(Some(middle), self.1, "appfoundry.connection").by("platform"),
                DisconnectEvent::new(far, "server error", "appfoundry.connection"),
            ])
        })
    }
}

fn idle_drop() -> Vec<(u64, Item)> {
    let cause = Gone::Closed { code: CloseCode::GOING_AWAY, reason: "".into() };
    vec![
        (0, connected()),
        (1_000, say(Said::Json("init_ack"))),
        (60_000, gone(cause.clone(), MS(61_000))),
        (100, connected()),
        (0, gap(cause, MS(100))),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_drop_is_explained_correlated_and_judged() {
    let asked = Arc::new(AtomicU64::new(0));
    let probe = Probe::new()
        .duration(MS(120_000))
        .idle_timeout(Some(MS(60_000)))
        .max_message_size(Some(65_536))
        .correlate(Known(asked.clone(), "idle timeout"));
    let report = probe.run(script(idle_drop())).await;
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    assert_eq!(report.verdict.party, Party::Application, "{}", report.verdict);
    let [drop] = &report.drops[..] else { panic!("{:?}", report.drops) };
    assert_eq!(drop.correlated.len(), 1, "the other is an hour away");
    assert_eq!((drop.close.code, drop.was_live), (1001, MS(61_000)));
    assert!(drop.close.check.iter().any(|line| line.contains("timeoutMillis")));
    assert_eq!((report.gaps, report.connects), (1, 2));
    let Stability::Unstable(reasons) = &report.stability else { panic!() };
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    let text = report.to_string();
    for words in ["unstable", "verdict: the application: idle timeout", "1001", "check: "] {
        assert!(text.contains(words), "{words} in {text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_cannot_be_asked_is_noted_and_the_verdict_goes_without() {
    let probe = Probe::new()
        .duration(MS(120_000))
        .idle_timeout(Some(MS(60_000)))
        .correlate(Known(Arc::default(), ""));
    let report = probe.run(script(idle_drop())).await;
    assert_eq!(report.correlation_error.as_deref(), Some("no permission"));
    assert_eq!(report.verdict.party, Party::Application);
}

#[tokio::test(start_paused = true)]
async fn without_a_drop_nobody_is_asked() {
    let asked = Arc::new(AtomicU64::new(0));
    let probe = Probe::new().duration(MS(1_000)).correlate(Known(asked.clone(), "idle timeout"));
    let items = vec![(0, connected()), (10, gone(Gone::Requested, MS(10)))];
    let report = probe.run(script(items)).await;
    assert_eq!((asked.load(Ordering::Relaxed), report.verdict.party), (0, Party::None));
    assert_eq!((report.drops[0].orderly, &report.stability), (true, &Stability::Stable));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_in_an_error_ends_the_run_and_is_reported() {
    let failed: Result<Delivery<Item>> = Err(Error::new(ErrorKind::Auth, "credentials refused"));
    let stream = stream::iter([failed]).boxed();
    let report = Probe::new().duration(MS(60_000)).run(stream).await;
    assert_eq!(report.ended.as_deref(), Some("credentials refused"));
    assert!(report.duration < MS(1_000));
    assert!(matches!(report.stability, Stability::Unstable(_)));
}

#[tokio::test(start_paused = true)]
async fn round_trips_of_the_monitor_are_in_the_report() {
    let monitor = LatencyMonitor::new(LatencyConfig::default()).unwrap();
    let pinger = monitor.clone();
    tokio::spawn(async move {
        pinger.opened(tokio::time::Instant::now().into_std());
        for n in 0..20 {
            let due = pinger.next_ping().unwrap();
            tokio::time::sleep_until(due.into()).await;
            let id = pinger.ping(due).unwrap();
            pinger.pong(due + MS(if n % 4 == 3 { 800 } else { 20 }), &id);
        }
    });
    let probe = Probe::new().duration(MS(60_000)).monitor(&monitor);
    let report = probe.run(script(vec![(0, connected())])).await;
    assert_eq!((report.series.points.len(), report.series.stride), (20, 1));
    assert_eq!(report.latency.as_ref().unwrap().counts.answered, 20);
    assert_eq!(report.ranges.as_ref().unwrap().counts.iter().sum::<u64>(), 20);
    let Stability::Unstable(reasons) = &report.stability else { panic!() };
    assert!(reasons[0].contains("within the thresholds"), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn types_and_drops_without_end_are_bounded() {
    let names: &'static [String] = (0..400).map(|n| format!("type-{n}")).collect::<Vec<_>>().leak();
    let mut items: Vec<_> = names.iter().map(|name| (0, say(Said::Json(name)))).collect();
    for _ in 0..1_200 {
        items.push((1, gone(Gone::HandshakeTimeout, MS(0))));
    }
    let report = Probe::new().duration(MS(10_000)).run(script(items)).await;
    assert_eq!(report.by_type.len(), 257);
    assert_eq!(report.by_type["(other types)"], 144);
    assert_eq!((report.drops.len(), report.more_drops), (1_000, 200));
    assert!(report.to_string().lines().count() < 400);
    assert_eq!(report.verdict.party, Party::Network);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_never_pauses_does_not_hide_the_end_of_the_time() {
    let stream = stream::repeat_with(|| {
        let mut delivery =
            Delivery::own(crate::Lifecycle::Lagged { dropped: 0 }, SystemTime::now());
        delivery.event = say(Said::Json("flood"));
        Ok::<_, Error>(delivery)
    });
    let stream = stream.then(|item| async {
        tokio::time::advance(MS(1)).await;
        item
    });
    let report = Probe::new().duration(MS(100)).run(stream.boxed()).await;
    assert!((90..=110).contains(&report.messages), "{}", report.messages);
}
