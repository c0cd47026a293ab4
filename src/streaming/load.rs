//! What one channel is asked for, and how it is written: topics that differ in their end are combined into one.

use std::collections::{BTreeMap, BTreeSet};

use crate::core::limits::TOPIC_LENGTH;
use crate::events::Topic;

/// The topics of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load {
    /// Topics that can be combined, by what they share.
    groups: BTreeMap<Box<str>, BTreeSet<Topic>>,
    /// Topics that are sent alone.
    alone: BTreeSet<Topic>,
    /// How many names are sent.
    names: usize,
}

/// The names of topics that share a stem, as few as the platform's longest name allows.
fn join(stem: &str, topics: &BTreeSet<Topic>) -> Vec<String> {
    let mut names: Vec<(String, usize)> = Vec::new();
    for topic in topics {
        let Some((_, end)) = topic.name().rsplit_once('.') else { continue };
        match names.last_mut() {
            Some((name, members)) if name.len() + 1 + end.len() <= TOPIC_LENGTH => {
                name.push('&');
                name.push_str(end);
                *members += 1;
            }
            _ => names.push((format!("{stem}?{end}"), 1)),
        }
    }
    let single = |name: String| name.replacen('?', ".", 1);
    names.into_iter().map(|(name, n)| if n == 1 { single(name) } else { name }).collect()
}

impl Load {
    /// How many names the platform is sent.
    pub(crate) fn names(&self) -> usize {
        self.names
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.names == 0
    }

    /// Whether a topic would be combined with one that is here.
    pub(crate) fn has_kin(&self, topic: &Topic) -> bool {
        topic.stem().is_some_and(|(stem, _)| self.groups.contains_key(stem))
    }

    /// How many names there would be with another topic.
    pub(crate) fn names_with(&self, topic: &Topic, combine: bool) -> usize {
        let group = topic.stem().filter(|_| combine).and_then(|(stem, _)| {
            let group = self.groups.get(stem)?;
            Some((stem, group))
        });
        match group {
            None => self.names + usize::from(!self.alone.contains(topic)),
            Some((stem, group)) => {
                let mut with = group.clone();
                with.insert(topic.clone());
                self.names - join(stem, group).len() + join(stem, &with).len()
            }
        }
    }

    /// Adds a topic, which may be combined with others.
    pub(crate) fn add(&mut self, topic: &Topic, combine: bool) {
        match topic.stem().filter(|_| combine) {
            None => self.names += usize::from(self.alone.insert(topic.clone())),
            Some((stem, _)) => {
                let group = self.groups.entry(stem.into()).or_default();
                let before = join(stem, group).len();
                group.insert(topic.clone());
                self.names = self.names - before + join(stem, group).len();
            }
        }
    }

    /// Removes a topic.
    pub(crate) fn remove(&mut self, topic: &Topic) {
        if self.alone.remove(topic) {
            self.names -= 1;
            return;
        }
        let Some((stem, _)) = topic.stem() else { return };
        let Some(group) = self.groups.get_mut(stem) else { return };
        let before = join(stem, group).len();
        group.remove(topic);
        self.names = self.names - before + join(stem, group).len();
        if group.is_empty() {
            self.groups.remove(stem);
        }
    }

    /// The single topics.
    pub(crate) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.groups.values().flatten().chain(&self.alone)
    }

    /// What is sent.
    pub(crate) fn wire(&self) -> Vec<Box<str>> {
        let combined = self.groups.iter().flat_map(|(stem, group)| join(stem, group));
        let alone = self.alone.iter().map(|topic| topic.name().to_owned());
        combined.chain(alone).map(String::into_boxed_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn topic(name: &str) -> Topic {
        name.parse().unwrap()
    }

    fn wire(load: &Load) -> Vec<String> {
        load.wire().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn topics_that_differ_in_their_end_are_sent_as_one() {
        let mut load = Load::default();
        for name in ["v2.users.a.presence", "v2.users.a.routingStatus", "v2.users.b.presence"] {
            load.add(&topic(name), true);
        }
        load.add(&topic("v2.nobody.knows.this"), true);
        load.add(&topic("v2.users.a.station"), false);
        assert_eq!(
            wire(&load),
            [
                "v2.users.a?presence&routingStatus",
                "v2.users.b.presence",
                "v2.nobody.knows.this",
                "v2.users.a.station"
            ]
        );
        assert_eq!(load.names(), 4);
        load.remove(&topic("v2.users.a.presence"));
        assert_eq!(wire(&load)[0], "v2.users.a.routingStatus");
        assert_eq!(load.names(), 4);
        load.remove(&topic("v2.users.a.routingStatus"));
        assert_eq!(load.names(), 3);
    }

    #[test]
    fn a_name_is_never_longer_than_the_platform_takes() {
        let id = "x".repeat(150);
        let mut load = Load::default();
        let ends = ["presence", "routingStatus", "station", "outofoffice", "conversations"];
        for end in ends {
            load.add(&topic(&format!("v2.users.{id}.{end}")), true);
        }
        assert_eq!(load.names(), 2);
        assert!(wire(&load).iter().all(|name| name.len() <= TOPIC_LENGTH));
        let members: usize = wire(&load).iter().map(|name| topic(name).members().len()).sum();
        assert_eq!(members, ends.len());
    }

    proptest! {
        #[test]
        fn the_count_is_that_of_the_names_whatever_is_added_and_removed(
            moves in proptest::collection::vec((any::<bool>(), 0usize..4, 0usize..4, any::<bool>()), 0..60),
        ) {
            let ends = ["presence", "routingStatus", "station", "activity"];
            let mut load = Load::default();
            let mut model: BTreeMap<Topic, bool> = BTreeMap::new();
            for (add, user, end, combine) in moves {
                let topic = topic(&format!("v2.users.u{user}.{}", ends[end]));
                if add && !model.contains_key(&topic) {
                    let expected = load.names_with(&topic, combine);
                    load.add(&topic, combine);
                    prop_assert_eq!(load.names(), expected);
                    model.insert(topic, combine);
                } else if !add {
                    load.remove(&topic);
                    model.remove(&topic);
                }
                prop_assert_eq!(load.names(), load.wire().len());
                let sent: BTreeSet<Topic> =
                    load.wire().iter().flat_map(|name| super::tests::topic(name).members()).collect();
                prop_assert_eq!(sent, model.keys().cloned().collect::<BTreeSet<_>>());
            }
        }
    }
}
