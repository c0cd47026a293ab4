//! The desired set: what a stream should be subscribed to, and what the platform says of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::ports::{Rejection, TopicState};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// One subscription as it is sent: a topic, or several combined into one.
#[derive(Debug)]
struct Wish {
    members: Vec<Topic>,
}

/// Desired topics, keyed by what is sent to the platform.
#[derive(Debug)]
pub(crate) struct Desired {
    /// Most topics that one connection is asked for.
    most: usize,
    wishes: BTreeMap<Topic, Wish>,
    /// Rejections that were reported, so that each is reported once.
    rejected: BTreeMap<Topic, Rejection>,
}

/// What a subscription call said.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Topics that are delivered now.
    pub(crate) permitted: Vec<Topic>,
    /// Topics that are refused, and were not reported as refused for the same reason before.
    pub(crate) newly_rejected: Vec<(Topic, Rejection)>,
    /// All topics that are refused.
    pub(crate) rejected: Vec<Topic>,
}

impl Desired {
    /// Nothing, and room for `most` topics.
    pub(crate) fn new(most: usize) -> Self {
        Self { most, wishes: BTreeMap::new(), rejected: BTreeMap::new() }
    }

    /// Adds topics, all or none; returns the individual topics that were not wanted before.
    ///
    /// # Errors
    /// `Capacity` when one channel would hold more than it can.
    pub(crate) fn add(&mut self, topics: &[Topic]) -> Result<Vec<Topic>> {
        let new: BTreeSet<&Topic> =
            topics.iter().filter(|topic| !self.wishes.contains_key(*topic)).collect();
        let total = self.wishes.len() + new.len();
        let most = self.most;
        if total > most {
            let advice = if topics.iter().any(Topic::is_of_socket) {
                "that one connection is asked for; use several streams"
            } else {
                "that one channel holds; combine topics of one user or queue \
                 (v2.users.ID?presence&routingStatus counts once), or use several streams"
            };
            let text = format!("{total} topics are more than the {most} {advice}");
            return Err(Error::new(ErrorKind::Capacity, text));
        }
        let before: BTreeSet<Topic> = self.members().cloned().collect();
        let new: Vec<Topic> = new.into_iter().cloned().collect();
        for topic in new {
            let members = topic.members();
            self.wishes.insert(topic, Wish { members });
        }
        let after: BTreeSet<Topic> = self.members().cloned().collect();
        Ok(after.difference(&before).cloned().collect())
    }

    /// Removes topics as they were added; returns the individual topics that are no longer wanted.
    pub(crate) fn remove(&mut self, topics: &[Topic]) -> Vec<Topic> {
        let before: BTreeSet<Topic> = self.members().cloned().collect();
        for topic in topics {
            self.wishes.remove(topic);
        }
        let after: BTreeSet<Topic> = self.members().cloned().collect();
        let gone: Vec<Topic> = before.difference(&after).cloned().collect();
        for topic in &gone {
            self.rejected.remove(topic);
        }
        gone
    }

    /// What to ask a connection for.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        self.wishes.keys().cloned().collect()
    }

    /// What to send: the whole list.
    pub(crate) fn wire(&self) -> Vec<Box<str>> {
        self.wishes.keys().map(|topic| topic.name().into()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.wishes.is_empty()
    }

    fn members(&self) -> impl Iterator<Item = &Topic> {
        self.wishes.values().flat_map(|wish| &wish.members)
    }

    /// Reads the platform's answer to a call that sent `sent`. Names are compared without regard to case; what was
    /// said of an individual topic wins over what was said of a combination.
    pub(crate) fn read_answer(&mut self, sent: &[Box<str>], answer: &[TopicState]) -> Outcome {
        let said: BTreeMap<String, &TopicState> =
            answer.iter().map(|state| (state.topic.to_ascii_lowercase(), state)).collect();
        let sent: BTreeSet<&str> = sent.iter().map(|topic| &**topic).collect();
        let mut outcome = Outcome::default();
        let mut verdicts: BTreeMap<&Topic, Option<Rejection>> = BTreeMap::new();
        for (topic, wish) in &self.wishes {
            if !sent.contains(topic.name()) {
                continue;
            }
            let whole = said.get(&topic.name().to_ascii_lowercase());
            for member in &wish.members {
                let single = said.get(&member.name().to_ascii_lowercase());
                let verdict = match single.or(whole) {
                    Some(state) => state.rejected.clone(),
                    None => Some(Rejection {
                        reason: "the platform's answer does not name it".into(),
                        missing_permissions: Vec::new(),
                    }),
                };
                let known = verdicts.entry(member).or_insert_with(|| verdict.clone());
                if verdict.is_none() {
                    *known = None;
                }
            }
        }
        for (topic, verdict) in verdicts {
            match verdict {
                None => {
                    self.rejected.remove(topic);
                    outcome.permitted.push(topic.clone());
                }
                Some(rejection) => {
                    outcome.rejected.push(topic.clone());
                    if self.rejected.get(topic) != Some(&rejection) {
                        self.rejected.insert(topic.clone(), rejection.clone());
                        outcome.newly_rejected.push((topic.clone(), rejection));
                    }
                }
            }
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> Topic {
        name.parse().unwrap()
    }

    #[test]
    fn one_topic_too_many_is_an_error_with_both_numbers_and_changes_nothing() {
        let mut desired = Desired::new(1_000);
        let topics: Vec<Topic> =
            (0..=1_000).map(|n| topic(&format!("v2.users.u{n}.presence"))).collect();
        let error = desired.add(&topics).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Capacity);
        assert!(error.to_string().contains("1001") && error.to_string().contains("1000"));
        assert!(desired.is_empty());
        assert_eq!(desired.add(&topics[..1_000]).unwrap().len(), 1_000);
        assert_eq!(desired.add(&topics[..1_000]).unwrap().len(), 0, "adding twice adds nothing");
    }

    #[test]
    fn an_individual_refusal_wins_over_the_combination() {
        let mut desired = Desired::new(1_000);
        desired.add(&[topic("v2.users.a?presence&routingStatus")]).unwrap();
        let sent = desired.wire();
        let answer = [
            TopicState::permitted("V2.users.a?presence&routingStatus"),
            TopicState::rejected(
                "v2.users.a.routingStatus",
                "missing permissions",
                vec!["x".into()],
            ),
        ];
        let outcome = desired.read_answer(&sent, &answer);
        assert_eq!(outcome.permitted, [topic("v2.users.a.presence")]);
        assert_eq!(outcome.newly_rejected[0].0, topic("v2.users.a.routingStatus"));
        let again = desired.read_answer(&sent, &answer);
        assert!(again.newly_rejected.is_empty(), "a refusal is reported once");
        assert_eq!(again.rejected.len(), 1);
    }

    #[test]
    fn a_topic_that_two_wishes_share_stays_until_both_are_gone() {
        let mut desired = Desired::new(1_000);
        desired.add(&[topic("v2.users.a?presence&station"), topic("v2.users.a.presence")]).unwrap();
        assert!(desired.remove(&[topic("v2.users.a.presence")]).is_empty());
        assert_eq!(desired.remove(&[topic("v2.users.a?presence&station")]).len(), 2);
    }

    #[test]
    fn a_topic_that_the_answer_leaves_out_is_not_taken_for_granted() {
        let mut desired = Desired::new(1_000);
        desired.add(&[topic("v2.users.a.presence")]).unwrap();
        let sent = desired.wire();
        let outcome = desired.read_answer(&sent, &[]);
        assert!(outcome.permitted.is_empty());
        assert_eq!(outcome.newly_rejected.len(), 1);
    }
}
