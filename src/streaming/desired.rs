//! The desired set: what a stream should be subscribed to, and what the platform says of it.

use std::collections::{BTreeMap, BTreeSet};

use super::packing::{Bounds, Packing, ShardId};
use crate::core::ports::{Rejection, TopicState};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// Where the topics go.
#[derive(Debug)]
enum Room {
    /// To one connection, as they were added; so many at most.
    One { most: usize },
    /// To channels.
    Channels(Packing),
}

/// Desired topics.
#[derive(Debug)]
pub(crate) struct Desired {
    room: Room,
    /// As they were added, combined or not.
    wishes: BTreeMap<Topic, Vec<Topic>>,
    /// The single topics, and how many wishes want each.
    wanted: BTreeMap<Topic, u32>,
    /// Rejections that were reported, so that each is reported once.
    rejected: BTreeMap<Topic, Rejection>,
}

/// What adding or removing changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Single topics that are wanted now and were not before, or the other way round.
    pub(crate) topics: Vec<Topic>,
    /// The channels whose list changed.
    pub(crate) shards: BTreeSet<ShardId>,
    /// Whether what was asked for changed at all.
    pub(crate) any: bool,
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
    /// Topics that were refused because of others that they were combined with, perhaps: to be sent alone.
    pub(crate) apart: Vec<Topic>,
}

fn too_many(total: usize, most: usize) -> Error {
    let text = format!(
        "{total} topics are more than the {most} that one connection is asked for; use several streams"
    );
    Error::new(ErrorKind::Capacity, text)
}

impl Desired {
    /// Topics for one connection without a channel.
    ///
    /// # Errors
    /// `Capacity` for more than `most`.
    pub(crate) fn of_one(most: usize, topics: &[Topic]) -> Result<Self> {
        let mut desired = Self::empty(Room::One { most });
        desired.add(topics)?;
        Ok(desired)
    }

    /// Topics for channels.
    ///
    /// # Errors
    /// `Capacity` when they need more channels than there may be.
    pub(crate) fn of_channels(bounds: Bounds, topics: &[Topic]) -> Result<Self> {
        let members: BTreeSet<Topic> = topics.iter().flat_map(Topic::members).collect();
        let packing = Packing::spread(bounds, &members)?;
        let mut desired = Self::empty(Room::Channels(packing));
        desired.add(topics)?;
        Ok(desired)
    }

    fn empty(room: Room) -> Self {
        let (wishes, wanted, rejected) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { room, wishes, wanted, rejected }
    }

    /// Adds topics, all or none.
    ///
    /// # Errors
    /// `Capacity` when there would be too many.
    pub(crate) fn add(&mut self, topics: &[Topic]) -> Result<Changed> {
        let new: BTreeSet<&Topic> =
            topics.iter().filter(|topic| !self.wishes.contains_key(*topic)).collect();
        let mut changed = Changed { any: !new.is_empty(), ..Changed::default() };
        let members: BTreeSet<Topic> = new.iter().flat_map(|topic| topic.members()).collect();
        match &mut self.room {
            Room::One { most } => {
                let total = self.wishes.len() + new.len();
                if total > *most {
                    return Err(too_many(total, *most));
                }
                if changed.any {
                    changed.shards.insert(0);
                }
            }
            Room::Channels(packing) => changed.shards = packing.add(&members)?,
        }
        for topic in new {
            let members = topic.members();
            for member in &members {
                let wishes = self.wanted.entry(member.clone()).or_default();
                *wishes += 1;
                if *wishes == 1 {
                    changed.topics.push(member.clone());
                }
            }
            self.wishes.insert(topic.clone(), members);
        }
        Ok(changed)
    }

    /// Removes topics as they were added.
    pub(crate) fn remove(&mut self, topics: &[Topic]) -> Changed {
        let mut changed = Changed::default();
        for members in topics.iter().filter_map(|topic| self.wishes.remove(topic)) {
            changed.any = true;
            for member in members {
                let Some(wishes) = self.wanted.get_mut(&member) else { continue };
                *wishes -= 1;
                if *wishes > 0 {
                    continue;
                }
                self.wanted.remove(&member);
                self.rejected.remove(&member);
                match &mut self.room {
                    Room::One { .. } => {}
                    Room::Channels(packing) => changed.shards.extend(packing.remove(&member)),
                }
                changed.topics.push(member);
            }
        }
        if changed.any && matches!(self.room, Room::One { .. }) {
            changed.shards.insert(0);
        }
        changed
    }

    /// Gives up the topics of a channel, and says which they were.
    pub(crate) fn evict(&mut self, shard: ShardId) -> Vec<Topic> {
        let Room::Channels(packing) = &mut self.room else { return Vec::new() };
        let load = packing.load(shard);
        let topics: Vec<Topic> =
            load.map_or_else(Vec::new, |load| load.topics().cloned().collect());
        for topic in &topics {
            packing.remove(topic);
            self.wanted.remove(topic);
            self.rejected.remove(topic);
        }
        packing.close(shard);
        self.wishes.retain(|_, members| {
            members.retain(|member| self.wanted.contains_key(member));
            !members.is_empty()
        });
        topics
    }

    /// The single topics that are wanted.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Topic> {
        self.wanted.keys()
    }

    /// What to ask a connection without a channel for: topics as they were added.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        self.wishes.keys().cloned().collect()
    }

    /// What to send for a channel: the whole list, without what another channel still delivers.
    pub(crate) fn wire(&self, shard: ShardId, without: Option<&BTreeSet<Topic>>) -> Vec<Box<str>> {
        let Some(load) = self.packing().and_then(|packing| packing.load(shard)) else {
            return Vec::new();
        };
        match without {
            None => load.wire(),
            Some(without) => {
                let mut load = load.clone();
                for topic in without {
                    load.remove(topic);
                }
                load.wire()
            }
        }
    }

    /// Whether a channel has nothing to be asked for.
    pub(crate) fn is_idle(&self, shard: ShardId) -> bool {
        match &self.room {
            Room::One { .. } => self.wishes.is_empty(),
            Room::Channels(packing) => packing.load(shard).is_none_or(super::load::Load::is_empty),
        }
    }

    pub(crate) fn packing(&self) -> Option<&Packing> {
        match &self.room {
            Room::One { .. } => None,
            Room::Channels(packing) => Some(packing),
        }
    }

    pub(crate) fn packing_mut(&mut self) -> Option<&mut Packing> {
        match &mut self.room {
            Room::One { .. } => None,
            Room::Channels(packing) => Some(packing),
        }
    }

    /// Takes note that a topic is refused, and says whether that is news.
    pub(crate) fn reject(&mut self, topic: &Topic, rejection: &Rejection) -> bool {
        let known = self.rejected.get(topic) == Some(rejection);
        if !known {
            self.rejected.insert(topic.clone(), rejection.clone());
        }
        !known
    }

    /// Reads the platform's answer to a call that sent `sent`. Names are compared without regard to case; what was
    /// said of an individual topic wins over what was said of a combination.
    pub(crate) fn read_answer(&mut self, sent: &[Box<str>], answer: &[TopicState]) -> Outcome {
        let said: BTreeMap<String, &TopicState> =
            answer.iter().map(|state| (state.topic.to_ascii_lowercase(), state)).collect();
        let mut outcome = Outcome::default();
        for name in sent {
            let whole = said.get(&name.to_ascii_lowercase());
            let members = Topic::<()>::unchecked(&**name).members();
            let alone = members.len() == 1;
            for member in members {
                if !self.wanted.contains_key(&member) {
                    continue;
                }
                let single = said.get(&member.name().to_ascii_lowercase());
                let verdict = match single.or(whole) {
                    Some(state) => state.rejected.clone(),
                    None => Some(Rejection {
                        reason: "the platform's answer does not name it".into(),
                        missing_permissions: Vec::new(),
                    }),
                };
                match verdict {
                    None => {
                        self.rejected.remove(&member);
                        outcome.permitted.push(member);
                    }
                    Some(_) if single.is_none() && !alone => outcome.apart.push(member),
                    Some(rejection) => {
                        outcome.rejected.push(member.clone());
                        if self.reject(&member, &rejection) {
                            outcome.newly_rejected.push((member, rejection));
                        }
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

    fn of_channels(names: &[&str]) -> Desired {
        let topics: Vec<Topic> = names.iter().map(|name| topic(name)).collect();
        Desired::of_channels(Bounds::new(2, 1_000), &topics).unwrap()
    }

    #[test]
    fn one_topic_too_many_for_one_connection_is_an_error_with_both_numbers() {
        let topics: Vec<Topic> = (0..=1_000).map(|n| topic(&format!("socket.test.u{n}"))).collect();
        let error = Desired::of_one(1_000, &topics).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Capacity);
        assert!(error.to_string().contains("1001") && error.to_string().contains("1000"));
        let mut desired = Desired::of_one(1_000, &topics[..1_000]).unwrap();
        assert!(!desired.add(&topics[..1_000]).unwrap().any, "adding twice adds nothing");
        desired.add(&topics).unwrap_err();
        assert_eq!(desired.topics().len(), 1_000, "nothing changed");
    }

    #[test]
    fn an_individual_refusal_wins_over_the_combination() {
        let mut desired = of_channels(&["v2.users.a?presence&routingStatus"]);
        let sent = desired.wire(0, None);
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
    fn a_combination_that_is_refused_as_a_whole_says_nothing_of_its_parts() {
        let mut desired = of_channels(&["v2.users.a.presence", "v2.users.a.station"]);
        let sent = desired.wire(0, None);
        assert_eq!(sent.len(), 1);
        let answer = [TopicState::rejected(sent[0].clone(), "no", vec![])];
        let outcome = desired.read_answer(&sent, &answer);
        assert_eq!((outcome.apart.len(), outcome.rejected.len()), (2, 0));
        desired.packing_mut().unwrap().part(&outcome.apart);
        let sent = desired.wire(0, None);
        assert_eq!(sent.len(), 2);
        let answer = [
            TopicState::rejected("v2.users.a.station", "no", vec![]),
            TopicState::permitted("v2.users.a.presence"),
        ];
        let outcome = desired.read_answer(&sent, &answer);
        assert_eq!((outcome.permitted.len(), outcome.newly_rejected.len()), (1, 1));
    }

    #[test]
    fn a_topic_that_two_wishes_share_stays_until_both_are_gone() {
        let mut desired = of_channels(&["v2.users.a?presence&station", "v2.users.a.presence"]);
        assert_eq!(desired.wire(0, None).len(), 1, "sent once");
        assert!(desired.remove(&[topic("v2.users.a.presence")]).topics.is_empty());
        assert_eq!(desired.remove(&[topic("v2.users.a?presence&station")]).topics.len(), 2);
        assert!(desired.is_idle(0));
    }

    #[test]
    fn a_topic_that_the_answer_leaves_out_is_not_taken_for_granted() {
        let mut desired = of_channels(&["v2.users.a.presence"]);
        let sent = desired.wire(0, None);
        let outcome = desired.read_answer(&sent, &[]);
        assert!(outcome.permitted.is_empty());
        assert_eq!(outcome.newly_rejected.len(), 1);
    }
}
