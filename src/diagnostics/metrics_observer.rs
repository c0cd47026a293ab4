//! Signals for the `metrics` facade.

use metrics::{Unit, counter, describe_counter, describe_histogram, gauge, histogram};

use crate::diagnostics::measurement::PingOutcome;
use crate::diagnostics::observer::{Observer, Signal};

/// Counts and measures through the `metrics` facade, for whichever exporter the program has installed.
///
/// Labels take few values: no label is an id, an address or a text of a peer. Histograms are in seconds.
///
/// | name | kind | labels | what |
/// |---|---|---|---|
/// | `genesys_cloud_tokens_issued_total` | counter | | tokens issued |
/// | `genesys_cloud_token_renewals_failed_total` | counter | | renewals of a token that failed |
/// | `genesys_cloud_tokens_restored_total` | counter | | tokens taken from a token store |
/// | `genesys_cloud_token_store_failures_total` | counter | | reads and writes of a token store that failed |
/// | `genesys_cloud_requests_total` | counter | `method`, `status`: `2xx` and so on | REST calls that were answered |
/// | `genesys_cloud_request_seconds` | histogram | `method` | from first byte out to last byte in |
/// | `genesys_cloud_retries_total` | counter | | REST calls that are repeated |
/// | `genesys_cloud_throttled_total` | counter | | waits for the rate limiter |
/// | `genesys_cloud_throttled_seconds` | histogram | | for how long |
/// | `genesys_cloud_clock_off_seconds` | gauge | | how far the clock here is ahead of the platform's, when it is too far |
/// | `genesys_cloud_dials_total` | counter | | sockets dialled |
/// | `genesys_cloud_connections` | gauge | | sockets that are open |
/// | `genesys_cloud_connects_total` | counter | | sockets that came to flow |
/// | `genesys_cloud_disconnects_total` | counter | `cause`: see [`Gone::what`](crate::Gone::what) | sockets that are gone |
/// | `genesys_cloud_connection_seconds` | histogram | | for how long they were live |
/// | `genesys_cloud_rtt_seconds` | histogram | | round trips of keep-alive pings |
/// | `genesys_cloud_latency_seconds` | histogram | | round trips of a latency monitor |
/// | `genesys_cloud_jitter_seconds` | histogram | | differences of its successive round trips |
/// | `genesys_cloud_pings_total` | counter | `outcome`: `answered`, `timed_out`, `late`, `lost_with_connection` | its settled pings |
/// | `genesys_cloud_latency_violations_total` | counter | `of`: `latency`, `jitter` | its thresholds exceeded |
/// | `genesys_cloud_stability_ratio` | gauge | | the share of its window within both thresholds |
/// | `genesys_cloud_sent_bytes_total` | counter | | bytes of messages sent |
/// | `genesys_cloud_sent_total` | counter | | messages sent |
/// | `genesys_cloud_topics_subscribed_total` | counter | | topics that were taken |
/// | `genesys_cloud_topics_rejected_total` | counter | | topics that were refused |
/// | `genesys_cloud_renewals_total` | counter | | connections that took over from another |
/// | `genesys_cloud_gaps_total` | counter | | gaps |
/// | `genesys_cloud_gap_seconds` | histogram | | how long they were |
/// | `genesys_cloud_lagged_events_total` | counter | | events dropped because the consumer was slow |
/// | `genesys_cloud_sink_failures_total` | counter | | batches that a sink has to write again |
/// | `genesys_cloud_malformed_total` | counter | | frames that could not be decoded |
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct MetricsObserver;

impl MetricsObserver {
    /// Registers the descriptions of all metrics with the recorder that is installed by now.
    pub fn new() -> Self {
        for (name, what) in COUNTERS {
            describe_counter!(*name, *what);
        }
        for (name, what) in HISTOGRAMS {
            describe_histogram!(*name, Unit::Seconds, *what);
        }
        Self
    }
}

const COUNTERS: &[(&str, &str)] = &[
    ("genesys_cloud_requests_total", "REST calls that were answered"),
    ("genesys_cloud_dials_total", "sockets dialled"),
    ("genesys_cloud_disconnects_total", "sockets that are gone"),
    ("genesys_cloud_pings_total", "settled pings of a latency monitor"),
    ("genesys_cloud_gaps_total", "gaps in coverage"),
    ("genesys_cloud_lagged_events_total", "events dropped because the consumer was slow"),
    ("genesys_cloud_sink_failures_total", "batches that a sink could not write, and tries again"),
    ("genesys_cloud_malformed_total", "frames that could not be decoded"),
];

const HISTOGRAMS: &[(&str, &str)] = &[
    ("genesys_cloud_request_seconds", "REST calls, from first byte out to last byte in"),
    ("genesys_cloud_throttled_seconds", "waits for the rate limiter"),
    ("genesys_cloud_connection_seconds", "how long sockets were live"),
    ("genesys_cloud_rtt_seconds", "round trips of keep-alive pings"),
    ("genesys_cloud_latency_seconds", "round trips of a latency monitor"),
    ("genesys_cloud_jitter_seconds", "differences of successive round trips"),
    ("genesys_cloud_gap_seconds", "how long gaps were"),
];

/// The class of a status, so that a label has few values.
fn class(status: u16) -> &'static str {
    match status {
        100..=199 => "1xx",
        200..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        500..=599 => "5xx",
        _ => "other",
    }
}

fn method(method: &str) -> &'static str {
    const KNOWN: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}

fn outcome(outcome: PingOutcome) -> &'static str {
    match outcome {
        PingOutcome::Answered => "answered",
        PingOutcome::TimedOut => "timed_out",
        PingOutcome::Late => "late",
        PingOutcome::LostWithConnection => "lost_with_connection",
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, signal: &Signal<'_>) {
        match signal {
            Signal::TokenIssued { .. } => {
                counter!("genesys_cloud_tokens_issued_total").increment(1);
            }
            Signal::TokenRestored { .. } => {
                counter!("genesys_cloud_tokens_restored_total").increment(1);
            }
            Signal::TokenStoreFailed { .. } => {
                counter!("genesys_cloud_token_store_failures_total").increment(1);
            }
            Signal::TokenRenewalFailed { .. } => {
                counter!("genesys_cloud_token_renewals_failed_total").increment(1);
            }
            Signal::Request { method: verb, status, elapsed, .. } => {
                let (verb, status) = (method(verb), class(*status));
                counter!("genesys_cloud_requests_total", "method" => verb, "status" => status)
                    .increment(1);
                histogram!("genesys_cloud_request_seconds", "method" => verb).record(*elapsed);
            }
            Signal::Retry { .. } => counter!("genesys_cloud_retries_total").increment(1),
            Signal::Throttled { wait } => {
                counter!("genesys_cloud_throttled_total").increment(1);
                histogram!("genesys_cloud_throttled_seconds").record(*wait);
            }
            Signal::ClockOff { off, ahead } => {
                let seconds = off.as_secs_f64();
                gauge!("genesys_cloud_clock_off_seconds").set(if *ahead {
                    seconds
                } else {
                    -seconds
                });
            }
            Signal::Dial { .. } => counter!("genesys_cloud_dials_total").increment(1),
            Signal::Connected { .. } => {
                counter!("genesys_cloud_connects_total").increment(1);
                gauge!("genesys_cloud_connections").increment(1.0);
            }
            Signal::Disconnected { cause, was_live, .. } => {
                counter!("genesys_cloud_disconnects_total", "cause" => cause.what()).increment(1);
                // A dial that failed never was a connection.
                if !was_live.is_zero() {
                    gauge!("genesys_cloud_connections").decrement(1.0);
                    histogram!("genesys_cloud_connection_seconds").record(*was_live);
                }
            }
            Signal::Pong { rtt } => histogram!("genesys_cloud_rtt_seconds").record(*rtt),
            Signal::Latency { measurement } => {
                let what = outcome(measurement.outcome);
                counter!("genesys_cloud_pings_total", "outcome" => what).increment(1);
                if let (PingOutcome::Answered, Some(latency)) =
                    (measurement.outcome, measurement.latency)
                {
                    histogram!("genesys_cloud_latency_seconds").record(latency);
                }
                if let Some(jitter) = measurement.jitter {
                    histogram!("genesys_cloud_jitter_seconds").record(jitter);
                }
                for (of, violated) in [
                    ("latency", measurement.latency_violation),
                    ("jitter", measurement.jitter_violation),
                ] {
                    if violated {
                        counter!("genesys_cloud_latency_violations_total", "of" => of).increment(1);
                    }
                }
                if let Some(stability) = measurement.stability {
                    gauge!("genesys_cloud_stability_ratio").set(stability);
                }
            }
            Signal::Sent { bytes, .. } => {
                counter!("genesys_cloud_sent_total").increment(1);
                counter!("genesys_cloud_sent_bytes_total").increment(*bytes as u64);
            }
            Signal::Subscribed { topics } => {
                counter!("genesys_cloud_topics_subscribed_total").increment(*topics as u64);
            }
            Signal::Rejected { .. } => {
                counter!("genesys_cloud_topics_rejected_total").increment(1);
            }
            Signal::Renewed { .. } => counter!("genesys_cloud_renewals_total").increment(1),
            Signal::Gap { duration, .. } => {
                counter!("genesys_cloud_gaps_total").increment(1);
                histogram!("genesys_cloud_gap_seconds").record(*duration);
            }
            Signal::Lagged { dropped } => {
                counter!("genesys_cloud_lagged_events_total").increment(*dropped);
            }
            Signal::SinkFailed { .. } => counter!("genesys_cloud_sink_failures_total").increment(1),
            Signal::Malformed { .. } => counter!("genesys_cloud_malformed_total").increment(1),
            // Its name is the caller's, who knows whether it may be a label.
            Signal::Action { .. } => {}
        }
    }
}
