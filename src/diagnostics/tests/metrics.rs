//! What the `metrics` facade is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::{
    Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder,
    SharedString, Unit,
};

use crate::core::close::Gone;
use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::metrics_observer::MetricsObserver;
use crate::diagnostics::observer::{Observer, Signal};

type Values = Arc<Mutex<BTreeMap<String, f64>>>;

/// Sums up everything under its name and labels.
#[derive(Default)]
struct Sums(Values);

struct Cell(Values, String);

impl Cell {
    fn add(&self, by: f64) {
        *self.0.lock().unwrap().entry(self.1.clone()).or_default() += by;
    }

    fn set(&self, to: f64) {
        self.0.lock().unwrap().insert(self.1.clone(), to);
    }
}

impl CounterFn for Cell {
    #[allow(clippy::cast_precision_loss)]
    fn increment(&self, by: u64) {
        self.add(by as f64);
    }

    #[allow(clippy::cast_precision_loss)]
    fn absolute(&self, to: u64) {
        self.set(to as f64);
    }
}

impl GaugeFn for Cell {
    fn increment(&self, by: f64) {
        self.add(by);
    }

    fn decrement(&self, by: f64) {
        self.add(-by);
    }

    fn set(&self, to: f64) {
        Cell::set(self, to);
    }
}

impl HistogramFn for Cell {
    fn record(&self, value: f64) {
        self.add(value);
    }
}

impl Sums {
    fn cell(&self, key: &Key) -> Arc<Cell> {
        let labels: Vec<_> = key.labels().map(|l| format!("{}={}", l.key(), l.value())).collect();
        let name = key.name().trim_start_matches("genesys_cloud_");
        Arc::new(Cell(self.0.clone(), format!("{name} {}", labels.join(",")).trim().to_owned()))
    }
}

impl Recorder for Sums {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.cell(key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.cell(key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.cell(key))
    }
}

#[test]
fn signals_become_counters_and_histograms_without_ids_in_labels() {
    let sums = Sums::default();
    let values = sums.0.clone();
    metrics::with_local_recorder(&sums, || {
        let observer = MetricsObserver::new();
        let cause = Gone::WriteTimeout;
        let elapsed = Duration::from_millis(250);
        for (method, status) in [("GET", 200), ("GET", 204), ("POST", 503), ("BREW", 418)] {
            let operation = "/api/v2/users/0000-an-id";
            observer.observe(&Signal::Request { method, operation, status, elapsed });
        }
        observer.observe(&Signal::Connected { channel: None });
        observer.observe(&Signal::Connected { channel: None });
        for was_live in [elapsed, Duration::ZERO] {
            observer.observe(&Signal::Disconnected { channel: None, cause: &cause, was_live });
        }
        observer.observe(&Signal::Lagged { dropped: 40 });
        let monitor = LatencyMonitor::new(LatencyConfig::default()).unwrap();
        monitor.forward_to(observer);
        let start = Instant::now();
        monitor.opened(start);
        let id = monitor.ping(start).unwrap();
        monitor.pong(start + Duration::from_millis(750), &id);
        monitor.ping(start + Duration::from_secs(2));
        monitor.closed(start + Duration::from_secs(3));
    });
    let values = values.lock().unwrap();
    assert!(!values.keys().any(|key| key.contains("0000")), "{values:?}");
    for (key, value) in [
        ("requests_total method=GET,status=2xx", 2.0),
        ("requests_total method=POST,status=5xx", 1.0),
        ("requests_total method=other,status=4xx", 1.0),
        ("request_seconds method=GET", 0.5),
        ("connections", 1.0),
        ("disconnects_total cause=write_timeout", 2.0),
        ("connection_seconds", 0.25),
        ("lagged_events_total", 40.0),
        ("latency_seconds", 0.75),
        ("latency_violations_total of=latency", 1.0),
        ("pings_total outcome=answered", 1.0),
        ("pings_total outcome=lost_with_connection", 1.0),
        ("stability_ratio", 0.0),
    ] {
        assert_eq!(values.get(key), Some(&value), "{key} in {values:?}");
    }
}
