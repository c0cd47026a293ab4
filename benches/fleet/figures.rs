//! What the system says of this process, and quantiles.

use std::time::Duration;

/// Ticks of `/proc/self/stat` in a second, on every Linux of today.
const TICKS: f64 = 100.0;

/// Resident memory in KiB once everything that was begun is done; 0 where it cannot be measured.
pub(crate) async fn settled_kib() -> f64 {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or_default()
}

/// Processor time of this process so far; 0 where it cannot be measured.
pub(crate) fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may hold spaces; what follows its bracket does not.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    // Fields 14 and 15 of proc(5), user and system.
    let ticks = fields.split_whitespace().skip(11).take(2);
    ticks.filter_map(|text| text.parse::<f64>().ok()).sum::<f64>() / TICKS
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// Latencies of events, sorted.
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn new(mut all: Vec<Duration>) -> Self {
        all.sort_unstable();
        Self(all)
    }

    fn quantile(&self, per_thousand: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        let found = self.0.get(last * per_thousand / 1_000);
        found.map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e3)
    }

    pub(crate) fn print(&self, what: &str) {
        println!(
            "  {what:<24}p50 {:.3} ms, p99 {:.3} ms, largest {:.3} ms",
            self.quantile(500),
            self.quantile(990),
            self.quantile(1_000)
        );
    }
}
