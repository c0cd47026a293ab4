//! What fills a gap: the seam between a stream and those who can tell what was missed.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::core::ids::GapId;
use crate::core::ports::BoxFuture;
use crate::error::{Error, ErrorKind, Result};
use crate::events::topic::Topic;

/// Tells what was missed on a topic: asked by a stream after each gap. See
/// [`StreamBuilder::backfill`](crate::StreamBuilder::backfill).
///
/// Plain data in, plain data out. Topics are always single ones: a combined topic is asked for as its
/// [`members`](Topic::members).
pub trait BackfillSource: Send + Sync {
    /// Whether it can tell what was missed on this topic. Of several sources the first that can is asked.
    fn covers(&self, topic: &Topic) -> bool;

    /// Most topics of one request. Default 1.
    fn batch(&self) -> usize {
        1
    }

    /// Whether [`mark`](Self::mark) finds a time in the bodies of this topic: then every live event of it is looked at,
    /// and nothing that is older than one that was delivered comes out. Default: no.
    fn is_dated(&self, topic: &Topic) -> bool {
        let _ = topic;
        false
    }

    /// What the body of a live event says that it supersedes. Default: all that is fetched for the topic, whenever.
    fn mark(&self, topic: &Topic, body: &str) -> BackfillMark {
        let _ = (topic, body);
        BackfillMark::default()
    }

    /// Fetches what was missed: the present state of each topic, or what happened in the gap.
    ///
    /// A topic without an item had nothing to tell. One that could not be had is a [`Backfilled::failed`]; an `Err`
    /// means all of them. Dropping the future abandons it.
    ///
    /// # Errors
    /// Whatever kept it from answering: each topic ends as
    /// [`Lifecycle::BackfillFailed`](crate::Lifecycle::BackfillFailed) with the error's words. Retries are the source's own.
    fn fetch<'a>(&'a self, request: &'a BackfillRequest) -> BoxFuture<'a, Result<Vec<Backfilled>>>;
}

/// What can be given to [`StreamBuilder::backfill`](crate::StreamBuilder::backfill): a [`BackfillSource`], or several.
pub trait IntoBackfill {
    /// The sources, in the order in which they are asked what they cover.
    fn into_backfill(self) -> Vec<Arc<dyn BackfillSource>>;
}

impl<S: BackfillSource + 'static> IntoBackfill for S {
    fn into_backfill(self) -> Vec<Arc<dyn BackfillSource>> {
        vec![Arc::new(self)]
    }
}

impl IntoBackfill for Vec<Arc<dyn BackfillSource>> {
    fn into_backfill(self) -> Vec<Arc<dyn BackfillSource>> {
        self
    }
}

/// What a [`BackfillSource`] is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillRequest {
    /// The gap; of several that are fetched at once, the last.
    pub gap: GapId,
    /// The topics.
    pub topics: Vec<Topic>,
    /// Until when they were covered, by our wall clock.
    pub covered_until: SystemTime,
    /// From when on they are covered again.
    pub resumed_at: SystemTime,
}

impl BackfillRequest {
    /// A request for what was missed on some topics between two times.
    pub fn new(
        gap: GapId,
        topics: Vec<Topic>,
        covered_until: SystemTime,
        resumed_at: SystemTime,
    ) -> Self {
        Self { gap, topics, covered_until, resumed_at }
    }
}

/// One event that was missed, or the state that came of those that were.
///
/// `Debug` shows the length of the body only.
#[non_exhaustive]
pub struct Backfilled {
    /// Its topic, as it was asked for.
    pub topic: Topic,
    /// The body, in the shape that the topic's events have; or why this topic could not be had.
    pub body: Result<Box<RawValue>>,
    /// Since when it is so, by the platform's clock. A live event of the topic that names the same time or a later one
    /// supersedes it.
    pub at: Option<SystemTime>,
    /// Which part of the topic's state it is, such as a conversation's id, when events tell of one part each: only live
    /// events of the same part supersede it. `None` when every event tells all.
    pub part: Option<Box<str>>,
}

impl Backfilled {
    /// A body in the shape that the topic's events have.
    pub fn new(topic: Topic, body: Box<RawValue>) -> Self {
        Self { topic, body: Ok(body), at: None, part: None }
    }

    /// As [`new`](Self::new), of anything that can be written as JSON.
    pub fn of<T: Serialize + ?Sized>(topic: Topic, body: &T) -> Self {
        let body = serde_json::value::to_raw_value(body).map_err(|error| {
            Error::new(ErrorKind::Decode, "what was fetched cannot be written as an event")
                .with_source(error)
        });
        Self { topic, body, at: None, part: None }
    }

    /// This topic could not be had.
    pub fn failed(topic: Topic, error: Error) -> Self {
        Self { topic, body: Err(error), at: None, part: None }
    }

    /// Sets [`at`](Self::at).
    pub fn at(mut self, at: Option<SystemTime>) -> Self {
        self.at = at;
        self
    }

    /// Sets [`part`](Self::part).
    pub fn part(mut self, part: impl Into<Box<str>>) -> Self {
        self.part = Some(part.into());
        self
    }
}

impl fmt::Debug for Backfilled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backfilled")
            .field("topic", &self.topic)
            .field("body_bytes", &self.body.as_ref().map(|body| body.get().len()))
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

/// What a live event supersedes of what is fetched for its topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackfillMark {
    /// The time that its body names. `None`: what was asked for before it was delivered is superseded.
    pub at: Option<SystemTime>,
    /// The parts of the topic's state that it tells of; none: all of them.
    pub parts: Vec<Box<str>>,
}

impl BackfillMark {
    /// An event whose body names a time.
    pub fn dated(at: Option<SystemTime>) -> Self {
        Self { at, parts: Vec::new() }
    }

    /// An event that tells of some parts.
    pub fn of_parts(parts: Vec<Box<str>>) -> Self {
        Self { at: None, parts }
    }
}

const _: fn(&dyn BackfillSource) = |_| {};

impl fmt::Debug for dyn BackfillSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BackfillSource")
    }
}
