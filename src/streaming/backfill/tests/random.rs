//! Any order of live events, gaps, answers and ends.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::error::{Error, ErrorKind};

const USERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Live { user: usize, at: Option<u64> },
    Gap { users: Vec<usize> },
    Start,
    Answer { which: usize, states: Vec<u64> },
    Fail { which: usize },
    FailOne { which: usize },
    Take(usize),
    Forget(usize),
    Later(u64),
    Close,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..USERS, proptest::option::weighted(0.9, 0..40_u64)).prop_map(|(user, at)| Step::Live { user, at }),
        4 => proptest::collection::vec(0..USERS, 1..4).prop_map(|users| Step::Gap { users }),
        5 => Just(Step::Start),
        4 => (0..4_usize, proptest::collection::vec(0..40_u64, 0..3))
            .prop_map(|(which, states)| Step::Answer { which, states }),
        1 => (0..4_usize).prop_map(|which| Step::Fail { which }),
        1 => (0..4_usize).prop_map(|which| Step::FailOne { which }),
        6 => (1..4_usize).prop_map(Step::Take),
        1 => (0..USERS).prop_map(Step::Forget),
        1 => (1..20_u64).prop_map(Step::Later),
        1 => Just(Step::Close),
    ]
}

fn user(number: usize) -> Topic {
    state(&number.to_string())
}

/// What has to hold whatever happens.
struct World {
    desk: Desk,
    jobs: Vec<Job>,
    gaps: u64,
    /// How often each topic of each gap has ended.
    ended: BTreeMap<(u64, String), usize>,
    /// Topics that were unsubscribed at some time.
    forgets: std::collections::BTreeSet<String>,
    /// The newest time that was delivered of each topic, live or not, since it was subscribed.
    newest: BTreeMap<String, u64>,
    closed: bool,
}

impl World {
    fn take(&mut self) -> Result<bool, TestCaseError> {
        let Some(out) = self.desk.backlog.take() else {
            return Ok(false);
        };
        match &out {
            Out::Item { topic, body, .. } => {
                let body: serde_json::Value = serde_json::from_str(body.get()).unwrap();
                let at = body["at"].as_u64().unwrap();
                let newest = self.newest.entry(topic.to_string()).or_default();
                prop_assert!(at >= *newest, "{topic} goes back from {newest} to {at}");
                *newest = at;
            }
            Out::Told(
                Lifecycle::BackfillComplete { gap, topics }
                | Lifecycle::BackfillFailed { gap, topics, .. },
                _,
            ) => {
                prop_assert!(!topics.is_empty());
                for topic in &**topics {
                    let count = self.ended.get_mut(&(gap.get(), topic.to_string()));
                    let count = count.expect("a topic of the gap");
                    *count += 1;
                    prop_assert_eq!(*count, 1, "{} of gap {}", topic, gap);
                }
            }
            Out::Told(other, _) => prop_assert!(false, "{other:?}"),
        }
        Ok(true)
    }

    fn job(&mut self, which: usize) -> Option<Job> {
        (!self.jobs.is_empty()).then(|| self.jobs.remove(which % self.jobs.len()))
    }

    fn step(&mut self, step: Step) -> Result<(), TestCaseError> {
        match step {
            Step::Live { user: number, at } if !self.closed => {
                let topic = user(number);
                let body = at.map_or(json!({}), |at| json!({ "at": at }));
                self.desk.live(&topic, &body);
                if let Some(at) = at {
                    let newest = self.newest.entry(topic.to_string()).or_default();
                    *newest = at.max(*newest);
                }
            }
            Step::Gap { users } if !self.closed => {
                self.gaps += 1;
                let topics: Vec<_> = users.into_iter().map(user).collect();
                for topic in &topics {
                    self.ended.insert((self.gaps, topic.to_string()), 0);
                }
                self.desk.gap(self.gaps, &topics);
            }
            Step::Start => {
                let job = self.desk.job();
                for other in job.iter().flat_map(|job| &job.request.topics) {
                    let busy = self.jobs.iter().any(|job| job.request.topics.contains(other));
                    // A topic that was unsubscribed meanwhile may be asked for anew.
                    prop_assert!(!busy || self.forgotten(other), "{other} is asked for twice");
                }
                self.jobs.extend(job);
            }
            Step::Answer { which, states } => {
                if let Some(job) = self.job(which) {
                    let topics = job.request.topics.iter();
                    let items = topics.flat_map(|topic| states.iter().map(|at| item(topic, *at)));
                    let items = items.collect();
                    self.desk.answer(&job, items);
                }
            }
            Step::Fail { which } => {
                if let Some(job) = self.job(which) {
                    let error = Error::new(ErrorKind::Timeout, "late");
                    self.desk.backlog.finished(job.id, Err(error), wall(0));
                }
            }
            Step::FailOne { which } => {
                if let Some(job) = self.job(which) {
                    let topic = job.request.topics[0].clone();
                    let error = Error::new(ErrorKind::NotFound, "unknown");
                    self.desk.answer(&job, vec![Backfilled::failed(topic, error)]);
                }
            }
            Step::Take(count) => {
                for _ in 0..count {
                    self.take()?;
                }
            }
            Step::Forget(number) if !self.closed => {
                let topic = user(number);
                self.newest.remove(topic.name());
                self.desk.backlog.forget(&[topic], wall(0));
            }
            Step::Later(seconds) => self.desk.now += Duration::from_secs(seconds),
            Step::Close => {
                self.closed = true;
                self.desk.backlog.close(wall(0));
            }
            Step::Live { .. } | Step::Gap { .. } | Step::Forget(_) => {}
        }
        Ok(())
    }

    fn forgotten(&self, topic: &Topic) -> bool {
        self.forgets.contains(topic.name())
    }
}

proptest! {
    #[test]
    fn nothing_goes_back_in_time_and_each_topic_of_each_gap_ends_once(
        steps in proptest::collection::vec(step(), 1..80),
        most in 1..6_usize,
    ) {
        let options = BackfillOptions::default()
            .concurrency(2)
            .max_topics(most)
            .give_up_after(Duration::from_secs(60));
        // What is remembered of times is bounded as topics are: here all of them have room.
        let options = BackfillOptions { max_topics: most.max(USERS), ..options };
        let mut world = World {
            desk: Desk::new(options),
            jobs: Vec::new(),
            gaps: 0,
            ended: BTreeMap::new(),
            newest: BTreeMap::new(),
            forgets: std::collections::BTreeSet::new(),
            closed: false,
        };
        for step in steps {
            if let Step::Forget(number) = &step {
                world.forgets.insert(user(*number).to_string());
            }
            world.step(step)?;
        }
        if !world.closed {
            world.step(Step::Close)?;
        }
        while world.take()? {}
        for ((gap, topic), count) in &world.ended {
            prop_assert_eq!(*count, 1, "{} of gap {}", topic, gap);
        }
        prop_assert_eq!(world.desk.backlog.sizes().1, 0);
    }
}
