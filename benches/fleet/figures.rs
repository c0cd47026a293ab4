//! What the system says of this process, quantiles, and the table.

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

/// Tasks of the runtime.
pub(crate) fn tasks() -> f64 {
    real(tokio::runtime::Handle::current().metrics().num_alive_tasks())
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) fn real(count: usize) -> f64 {
    count as f64
}

/// One line of the table.
pub(crate) fn row(what: &str, value: f64, unit: &str) {
    println!("  {what:<34}{value:>10.2} {unit}");
}

/// Latencies in milliseconds, sorted.
#[derive(Clone, Default)]
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    pub(crate) fn new(all: &[Duration]) -> Self {
        Self::of(all.iter().map(|latency| latency.as_secs_f64() * 1e3).collect())
    }

    fn of(mut all: Vec<f64>) -> Self {
        all.sort_unstable_by(f64::total_cmp);
        Self(all)
    }

    /// Those of many rounds.
    pub(crate) fn together(rounds: &[Self]) -> Self {
        Self::of(rounds.iter().flat_map(|round| round.0.iter().copied()).collect())
    }

    /// The median over rounds of what this share of a thousand is not above in each.
    pub(crate) fn median_of(rounds: &[Self], per_thousand: usize) -> f64 {
        Self::of(rounds.iter().map(|round| round.quantile(per_thousand)).collect()).quantile(500)
    }

    pub(crate) fn quantile(&self, per_thousand: usize) -> f64 {
        let last = self.0.len().saturating_sub(1);
        self.0.get(last * per_thousand / 1_000).copied().unwrap_or(f64::NAN)
    }
}
