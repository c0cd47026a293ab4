//! How the topics of a gap ended.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::watch::TopicKey;
use crate::core::ids::GapId;
use crate::error::{Error, ErrorKind};
use crate::events::{Lifecycle, Topic};

/// Why topics could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: ErrorKind,
    pub(super) error: Box<str>,
}

impl Failure {
    pub(super) fn new(kind: ErrorKind, error: impl Into<Box<str>>) -> Self {
        Self { kind, error: error.into() }
    }

    pub(super) fn of(error: &Error) -> Self {
        Self::new(error.kind(), error.summary())
    }
}

/// What the consumer is told of topics of one gap.
pub(super) fn told(gap: GapId, topics: Vec<Topic>, failure: Option<Failure>) -> Lifecycle {
    let topics = Arc::from(topics);
    match failure {
        None => Lifecycle::BackfillComplete { gap, topics },
        Some(Failure { kind, error }) => Lifecycle::BackfillFailed { gap, topics, kind, error },
    }
}

/// Topics by what they have in common: one item is enough for those that end in the same way.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<(GapId, Option<Failure>, Vec<TopicKey>)>);

impl Ends {
    pub(super) fn add(&mut self, gap: GapId, failure: Option<&Failure>, topic: TopicKey) {
        let same = |(other, end, _): &&mut (GapId, Option<Failure>, _)| {
            *other == gap && end.as_ref() == failure
        };
        match self.0.iter_mut().find(same) {
            Some((_, _, topics)) => topics.push(topic),
            None => self.0.push((gap, failure.cloned(), vec![topic])),
        }
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = (GapId, Option<Failure>, Vec<TopicKey>)> {
        self.0.into_iter()
    }
}

/// Topics of each gap, to be ended with one failure.
#[derive(Debug, Default)]
pub(super) struct Broken(BTreeMap<GapId, Vec<Topic>>);

impl Broken {
    pub(super) fn add(&mut self, gap: GapId, topic: &Topic) {
        self.0.entry(gap).or_default().push(topic.clone());
    }

    pub(super) fn tell(self, failure: &Failure) -> impl Iterator<Item = (Lifecycle, u64)> + '_ {
        self.0.into_iter().map(|(gap, mut topics)| {
            topics.sort();
            let count = topics.len() as u64;
            (told(gap, topics, Some(failure.clone())), count)
        })
    }
}
