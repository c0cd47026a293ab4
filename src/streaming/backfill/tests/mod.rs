//! Backfill against a source that a test answers for.

mod backlog;
mod order;
mod random;
mod stage;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde_json::json;

use super::super::delivery::Counters;
use super::backlog::{Backlog, Job, Out};
use super::options::BackfillOptions;
use crate::core::ids::GapId;
use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::events::{BackfillMark, BackfillRequest, BackfillSource, Backfilled, Lifecycle, Topic};

/// Covers topics that end in its word. Bodies are `{"at": seconds, "part": text}`.
struct Fake {
    end: &'static str,
    batch: usize,
    dated: bool,
}

impl BackfillSource for Fake {
    fn covers(&self, topic: &Topic) -> bool {
        topic.name().ends_with(self.end)
    }

    fn batch(&self) -> usize {
        self.batch
    }

    fn is_dated(&self, _: &Topic) -> bool {
        self.dated
    }

    fn mark(&self, _: &Topic, body: &str) -> BackfillMark {
        let body: serde_json::Value = serde_json::from_str(body).unwrap();
        if let Some(at) = body["at"].as_u64() {
            BackfillMark::dated(Some(wall(at)))
        } else {
            let part = body["part"].as_str();
            BackfillMark::of_parts(part.into_iter().map(Into::into).collect())
        }
    }

    fn fetch<'a>(&'a self, _: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>> {
        Box::pin(std::future::pending())
    }
}

fn wall(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A topic with a state that names its time.
fn state(name: &str) -> Topic {
    format!("v2.users.{name}.presence").parse().unwrap()
}

/// A topic with many parts.
fn parts(name: &str) -> Topic {
    format!("v2.users.{name}.conversations").parse().unwrap()
}

fn item(topic: &Topic, at: u64) -> Backfilled {
    Backfilled::of(topic.clone(), &json!({ "at": at })).at(Some(wall(at)))
}

fn part(topic: &Topic, part: &str) -> Backfilled {
    Backfilled::of(topic.clone(), &json!({ "part": part })).part(part)
}

/// A backlog and the time.
struct Desk {
    backlog: Backlog,
    counters: Arc<Counters>,
    now: Instant,
}

impl Desk {
    fn new(options: BackfillOptions) -> Self {
        let sources: Vec<Arc<dyn BackfillSource>> = vec![
            Arc::new(Fake { end: ".presence", batch: 2, dated: true }),
            Arc::new(Fake { end: ".conversations", batch: 10, dated: false }),
        ];
        let counters = Arc::new(Counters::default());
        let backlog = Backlog::new(sources, options, counters.clone());
        Self { backlog, counters, now: Instant::now() }
    }

    fn gap(&mut self, number: u64, topics: &[Topic]) {
        let span = (wall(100 * number), wall(100 * number + 50));
        self.backlog.gap(GapId::new(number), topics, span, self.now, wall(0));
    }

    fn job(&mut self) -> Option<Job> {
        self.backlog.next_job(self.now, wall(0))
    }

    fn live(&mut self, topic: &Topic, body: &serde_json::Value) {
        self.backlog.live(topic, |source| source.mark(topic, &body.to_string()));
    }

    fn answer(&mut self, job: &Job, items: Vec<Backfilled>) {
        self.backlog.finished(job.id, Ok(items), wall(0));
    }

    /// Everything that waits for the consumer.
    fn drain(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.backlog.take()).map(|out| shown(&out)).collect()
    }
}

fn names(topics: &[Topic]) -> String {
    let names = topics.iter().map(|topic| topic.name().trim_start_matches("v2.users."));
    names.collect::<Vec<_>>().join(" ")
}

/// `item <gap> <topic> <body>`, `complete <gap> <topics>` or `failed <gap> <topics>: <kind>`.
fn shown(out: &Out) -> String {
    match out {
        Out::Item { topic, body, gap, .. } => {
            format!("item {gap} {} {body}", names(std::slice::from_ref(topic)))
        }
        Out::Told(Lifecycle::BackfillComplete { gap, topics }, _) => {
            format!("complete {gap} {}", names(topics))
        }
        Out::Told(Lifecycle::BackfillFailed { gap, topics, kind, .. }, _) => {
            format!("failed {gap} {}: {kind:?}", names(topics))
        }
        Out::Told(other, _) => panic!("{other:?}"),
    }
}
