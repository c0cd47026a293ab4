//! Events, and the sums that Redis must come to.

use std::collections::HashMap;
use std::time::Duration;

use futures::{Stream, stream};
use genesys_cloud::bodies::RoutingInteraction;
use genesys_cloud::sink::SinkOptions;
use genesys_cloud::sink::redis::{QueueKeys, RedisAggregates, RedisSettings};

/// One event.
pub(crate) fn event(queue: &str, wait_ms: u64, status: Option<&str>) -> RoutingInteraction {
    let mut event = RoutingInteraction::default();
    event.queue_id = Some(queue.into());
    event.wait_time = Some(wait_ms.into());
    event.event_type = Some("routed".into());
    event.agent_status = status.map(Box::from);
    event
}

pub(crate) fn items(
    events: Vec<RoutingInteraction>,
) -> impl Stream<Item = genesys_cloud::Result<RoutingInteraction>> {
    stream::iter(events.into_iter().map(Ok))
}

pub(crate) fn sink(url: &str, writer: &str) -> RedisAggregates {
    let settings = RedisSettings::new(url, writer)
        .connect_timeout(Duration::from_secs(2))
        .command_timeout(Duration::from_secs(10));
    RedisAggregates::new(settings, QueueKeys::default()).unwrap()
}

/// Options that do not make a test wait.
pub(crate) fn quick() -> SinkOptions {
    SinkOptions::default()
        .backoff(Duration::from_millis(4), Duration::from_millis(50))
        .drain(Duration::from_secs(120))
}

/// What one queue must come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sum {
    pub(crate) events: u64,
    pub(crate) wait_ms: u64,
    pub(crate) status: Option<&'static str>,
}

const STATUSES: [Option<&str>; 4] = [Some("AVAILABLE"), Some("BUSY"), None, Some("AWAY \r\n \"{}")];

/// A reproducible series of events over many queues, with the sums that it comes to so far.
pub(crate) struct Source {
    random: fastrand::Rng,
    queues: Vec<Box<str>>,
    pub(crate) sums: Vec<Sum>,
}

impl Source {
    pub(crate) fn new(queues: usize) -> Self {
        let queues: Vec<Box<str>> =
            (0..queues).map(|n| format!("00000000-0000-4000-8000-{n:012}").into()).collect();
        let sums = vec![Sum::default(); queues.len()];
        Self { random: fastrand::Rng::with_seed(7), queues, sums }
    }

    pub(crate) fn next(&mut self) -> RoutingInteraction {
        let queue = self.random.usize(..self.queues.len());
        let (wait_ms, status) = (self.random.u64(..600_000), STATUSES[self.random.usize(..4)]);
        let sum = &mut self.sums[queue];
        sum.events += 1;
        sum.wait_ms += wait_ms;
        sum.status = status.or(sum.status);
        event(&self.queues[queue], wait_ms, status)
    }

    /// The sums by the key that holds them.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (String, &Sum)> {
        self.queues.iter().map(|queue| format!("metrics:{queue}")).zip(&self.sums)
    }
}

/// Fails unless a hash is exactly what it must be. Returns whether the text of `total_wait` is, too.
#[expect(clippy::float_cmp, reason = "exactness is what is asked for")]
pub(crate) fn check(key: &str, hash: &HashMap<String, String>, sum: &Sum) -> bool {
    let of = |name: &str| hash.get(name).map_or("", String::as_str);
    let seen: (Option<u64>, Option<u64>) =
        (of("event_count").parse().ok(), of("total_wait_ms").parse().ok());
    assert_eq!(seen, (Some(sum.events), Some(sum.wait_ms)), "{key}: {hash:?}");
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let (ms, events) = (sum.wait_ms as f64, sum.events as f64);
    let total: f64 = of("total_wait").parse().unwrap();
    assert_eq!((total * 1_000.0).round(), ms, "{key}: {hash:?}");
    let average: f64 = of("average_wait").parse().unwrap();
    assert!((average - ms / 1_000.0 / events).abs() <= 1e-6, "{key}: {hash:?}");
    assert_eq!(hash.get("last_agent_status").map(String::as_str), sum.status, "{key}");
    total == ms / 1_000.0
}

/// Resident memory of this process, in KiB; 0 where it is not known.
pub(crate) fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
