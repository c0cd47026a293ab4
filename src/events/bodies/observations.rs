//! Live figures of queues.

use serde_json::Number;

use crate::events::body::body;
use crate::events::members::Members;

body! {
    /// Live figures of a queue; only those that changed need be there.
    pub struct QueueObservations {
        /// What the figures are of: `queueId`, and `mediaType` unless they are of all media.
        group: Members<Box<str>> = "group",
        /// The figures.
        data: Vec<IntervalMetrics> = "data",
    }
}

body! {
    /// Figures of one interval.
    pub struct IntervalMetrics {
        /// The interval, `start/end`; both ends are equal for what is observed rather than counted.
        interval: Box<str> = "interval",
        /// The figures.
        metrics: Vec<MetricStats> = "metrics",
    }
}

body! {
    /// One figure.
    pub struct MetricStats {
        /// Its name, such as `oWaiting`.
        metric: Box<str> = "metric",
        /// What it is narrowed to, such as a routing status.
        qualifier: Box<str> = "qualifier",
        /// Its values: `count`, `sum`, `min`, `max`.
        stats: Members<Number> = "stats",
    }
}
