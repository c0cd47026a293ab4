//! The plan: which topic is on which channel.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::load::Load;
use crate::core::limits::{CHANNELS_PER_CLIENT, TOPICS_PER_CHANNEL};
use crate::error::{Error, ErrorKind, Result};
use crate::events::Topic;

/// One place of the plan: a channel, whichever it is at the time.
pub(crate) type ShardId = u32;

/// How many channels there may be, and how full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Most channels.
    pub(crate) channels: usize,
    /// Most names that one channel is asked for.
    pub(crate) names: usize,
}

impl Bounds {
    pub(crate) fn new(channels: usize, names: usize) -> Self {
        Self {
            channels: channels.clamp(1, CHANNELS_PER_CLIENT),
            names: names.clamp(1, TOPICS_PER_CHANNEL),
        }
    }
}

/// Topics on channels. Topics that can be combined stay together; others go where there is most room.
#[derive(Clone, Debug)]
pub(crate) struct Packing {
    bounds: Bounds,
    loads: BTreeMap<ShardId, Load>,
    place: HashMap<Topic, ShardId>,
    /// Topics that are not combined any more, because the platform refused a combination with them.
    apart: BTreeSet<Topic>,
    /// Where topics were that have been removed, for as long as their channel may still deliver them: one that comes back
    /// goes there, so that no two channels deliver it.
    left: HashMap<Topic, ShardId>,
    next: ShardId,
}

impl Packing {
    /// One channel, empty.
    pub(crate) fn new(bounds: Bounds) -> Self {
        let loads = BTreeMap::from([(0, Load::default())]);
        let (place, left, apart) = (HashMap::new(), HashMap::new(), BTreeSet::new());
        Self { bounds, loads, place, apart, left, next: 1 }
    }

    /// These topics on as few channels as they need, evenly.
    ///
    /// # Errors
    /// `Capacity` when they need more channels than there may be.
    pub(crate) fn spread(bounds: Bounds, topics: &BTreeSet<Topic>) -> Result<Self> {
        let mut packing = Self::new(bounds);
        let needed = names_of(topics).div_ceil(bounds.names);
        for _ in 1..needed.min(bounds.channels) {
            packing.open();
        }
        packing.add(topics)?;
        Ok(packing)
    }

    pub(crate) fn loads(&self) -> impl Iterator<Item = (ShardId, &Load)> {
        self.loads.iter().map(|(id, load)| (*id, load))
    }

    pub(crate) fn load(&self, shard: ShardId) -> Option<&Load> {
        self.loads.get(&shard)
    }

    /// Where a topic is.
    pub(crate) fn shard_of(&self, topic: &Topic) -> Option<ShardId> {
        self.place.get(topic).copied()
    }

    /// Adds topics, all or none, and says which channels changed.
    ///
    /// # Errors
    /// `Capacity` when there is no room, with the numbers.
    pub(crate) fn add(&mut self, topics: &BTreeSet<Topic>) -> Result<BTreeSet<ShardId>> {
        let before: BTreeSet<ShardId> = self.loads.keys().copied().collect();
        let new: Vec<&Topic> =
            topics.iter().filter(|topic| !self.place.contains_key(*topic)).collect();
        let mut touched = BTreeSet::new();
        for (index, topic) in new.iter().enumerate() {
            if let Some(shard) = self.put(topic) {
                touched.insert(shard);
                continue;
            }
            let error = self.over(&new[index..]);
            for topic in &new[..index] {
                self.remove(topic);
            }
            self.loads.retain(|shard, _| before.contains(shard));
            return Err(error);
        }
        Ok(touched)
    }

    /// Finds a place for one topic: with its kin, where there is most room, or on a channel more.
    fn put(&mut self, topic: &Topic) -> Option<ShardId> {
        let combine = !self.apart.contains(topic);
        let most = self.bounds.names;
        let fits = |load: &Load| load.names_with(topic, combine) <= most;
        let kin = || {
            let mut loads = self.loads.iter();
            loads.find(|(_, load)| combine && load.has_kin(topic) && fits(load))
        };
        // What was removed may come back, and then to where it was: its room is the last that is given away.
        let roomy = || {
            let full = |shard: &ShardId| self.left.values().filter(|left| *left == shard).count();
            let loads = self.loads.iter().filter(|(_, load)| load.names() < most);
            loads.min_by_key(|(shard, load)| {
                let names = load.names() + full(shard);
                (names >= most, names)
            })
        };
        let before =
            || self.loads.get_key_value(self.left.get(topic)?).filter(|(_, load)| fits(load));
        let found = before().or_else(kin).or_else(roomy).map(|(shard, _)| *shard);
        let shard = match found {
            Some(shard) => shard,
            None if self.loads.len() < self.bounds.channels => self.open(),
            None => return None,
        };
        self.loads.get_mut(&shard)?.add(topic, combine);
        self.left.remove(topic);
        self.place.insert(topic.clone(), shard);
        Some(shard)
    }

    /// Topics that were removed from a channel, which may still deliver them.
    pub(crate) fn left(&self, shard: ShardId) -> Vec<Topic> {
        let left = self.left.iter().filter(|(_, from)| **from == shard);
        left.map(|(topic, _)| topic.clone()).collect()
    }

    /// Whether a topic that comes back would find no room where it was.
    #[cfg(test)]
    pub(crate) fn displaces(&self, topic: &Topic) -> bool {
        let load = self.left.get(topic).and_then(|shard| self.loads.get(shard));
        self.left.contains_key(topic)
            && load.is_none_or(|load| load.names() + 8 > self.bounds.names)
    }

    /// The channel delivers them no more.
    pub(crate) fn forget_left(&mut self, topics: &[Topic]) {
        for topic in topics {
            self.left.remove(topic);
        }
    }

    /// Removes a topic, and says where it was.
    pub(crate) fn remove(&mut self, topic: &Topic) -> Option<ShardId> {
        // One for which there was no room alone has no place.
        self.apart.remove(topic);
        let shard = self.place.remove(topic)?;
        if let Some(load) = self.loads.get_mut(&shard) {
            load.remove(topic);
            self.left.insert(topic.clone(), shard);
        }
        Some(shard)
    }

    /// Sends topics alone from now on; those for which there is no room any more are returned, and are on no channel.
    pub(crate) fn part(&mut self, topics: &[Topic]) -> (BTreeSet<ShardId>, Vec<Topic>) {
        let (mut touched, mut homeless) = (BTreeSet::new(), Vec::new());
        for topic in topics {
            touched.extend(self.remove(topic));
        }
        for topic in topics {
            self.apart.insert(topic.clone());
            match self.put(topic) {
                Some(shard) => touched.extend([shard]),
                None => homeless.push(topic.clone()),
            }
        }
        (touched, homeless)
    }

    /// Two channels whose topics fit into this part of one: the emptiest, and the one that takes its topics.
    pub(crate) fn mergeable(
        &self,
        part: f64,
        free: impl Fn(ShardId) -> bool,
    ) -> Option<(ShardId, ShardId)> {
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a thousand at most"
        )]
        let most = (self.bounds.names as f64 * part) as usize;
        let mut loads: Vec<_> = self.loads.iter().filter(|(shard, _)| free(**shard)).collect();
        loads.sort_by_key(|(_, load)| load.names());
        let [(from, small), (into, large), ..] = &loads[..] else { return None };
        (small.names() + large.names() <= most).then_some((**from, **into))
    }

    /// Puts everything of one channel on another, whether it fits or not.
    pub(crate) fn merge(&mut self, from: ShardId, into: ShardId) {
        let Some(load) = self.loads.remove(&from) else { return };
        self.left.values_mut().filter(|left| **left == from).for_each(|left| *left = into);
        for topic in load.topics() {
            let combine = !self.apart.contains(topic);
            if let Some(load) = self.loads.get_mut(&into) {
                load.add(topic, combine);
            }
            self.place.insert(topic.clone(), into);
        }
    }

    /// Puts what a channel was to carry on the others, as full as the platform allows; whether they could take it.
    pub(crate) fn share(&mut self, shard: ShardId) -> Option<BTreeSet<ShardId>> {
        let mut trial = self.clone();
        trial.bounds.names = TOPICS_PER_CHANNEL;
        let load = trial.loads.remove(&shard)?;
        if trial.loads.is_empty() {
            return None;
        }
        trial.bounds.channels = trial.loads.len();
        let topics: BTreeSet<Topic> = load.topics().cloned().collect();
        for topic in &topics {
            trial.place.remove(topic);
        }
        let touched = trial.add(&topics).ok()?;
        trial.bounds.channels = self.bounds.channels;
        *self = trial;
        Some(touched)
    }

    /// Takes a channel out of the plan that has no topics, unless it is the last.
    pub(crate) fn close(&mut self, shard: ShardId) -> bool {
        let empty = self.loads.get(&shard).is_some_and(Load::is_empty);
        if empty && self.loads.len() > 1 {
            self.loads.remove(&shard);
            self.left.retain(|_, from| *from != shard);
        }
        empty && !self.loads.contains_key(&shard)
    }

    fn open(&mut self) -> ShardId {
        let shard = self.next;
        self.next += 1;
        self.loads.insert(shard, Load::default());
        shard
    }

    fn over(&self, rest: &[&Topic]) -> Error {
        let rest = rest.iter().map(|topic| (*topic).clone());
        let all: BTreeSet<Topic> = self.place.keys().cloned().chain(rest).collect();
        let Bounds { channels, names } = self.bounds;
        let sent = names_of(&all);
        let needed = sent.div_ceil(names).max(channels + 1);
        let advice = if channels < CHANNELS_PER_CLIENT {
            "raise max_channels, or use several OAuth clients"
        } else {
            "use several OAuth clients"
        };
        let text = format!(
            "{} topics, {sent} after combining, need {needed} channels of {names}, which is more than the {channels} that are \
             allowed; {advice}",
            all.len()
        );
        Error::new(ErrorKind::Capacity, text)
    }
}

/// How many names these topics are sent as, when they are all together.
pub(crate) fn names_of(topics: &BTreeSet<Topic>) -> usize {
    let mut load = Load::default();
    for topic in topics {
        load.add(topic, true);
    }
    load.names()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(range: std::ops::Range<usize>) -> BTreeSet<Topic> {
        range.map(|n| format!("v2.users.u{n}.presence").parse().unwrap()).collect()
    }

    fn names(packing: &Packing) -> Vec<usize> {
        packing.loads().map(|(_, load)| load.names()).collect()
    }

    #[test]
    fn topics_are_spread_evenly_over_as_few_channels_as_they_need() {
        let packing = Packing::spread(Bounds::new(5, 1_000), &topics(0..2_200)).unwrap();
        assert_eq!(names(&packing), [734, 733, 733]);
        let packing = Packing::spread(Bounds::new(5, 1_000), &topics(0..0)).unwrap();
        assert_eq!(names(&packing), [0]);
        let packing = Packing::spread(Bounds::new(3, 1_000), &topics(0..3_000)).unwrap();
        assert_eq!(names(&packing), [1_000; 3]);
    }

    #[test]
    fn one_topic_too_many_is_an_error_with_the_numbers_and_changes_nothing() {
        let error = Packing::spread(Bounds::new(2, 1_000), &topics(0..2_001)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Capacity);
        let text = error.to_string();
        assert!(
            ["2001", "3 channels", "1000", "the 2 "].iter().all(|n| text.contains(n)),
            "{text}"
        );
        let mut packing = Packing::spread(Bounds::new(2, 10), &topics(0..10)).unwrap();
        packing.add(&topics(5..25)).unwrap_err();
        assert_eq!(names(&packing), [10]);
        assert_eq!(packing.add(&topics(5..20)).unwrap().len(), 1, "adding twice adds nothing");
        assert_eq!(names(&packing), [10, 10]);
    }

    #[test]
    fn a_combination_stays_on_one_channel() {
        let mut packing = Packing::spread(Bounds::new(2, 10), &topics(0..12)).unwrap();
        let other: Topic = "v2.users.u3.station".parse().unwrap();
        packing.add(&BTreeSet::from([other.clone()])).unwrap();
        assert_eq!(names(&packing), [6, 6]);
        let kin: Topic = "v2.users.u3.presence".parse().unwrap();
        assert_eq!(packing.shard_of(&other), packing.shard_of(&kin));
        let (touched, homeless) = packing.part(&[kin, other]);
        assert!(!touched.is_empty() && homeless.is_empty());
        assert_eq!(names(&packing).iter().sum::<usize>(), 13);
    }

    #[test]
    fn a_topic_without_room_alone_is_combined_again_when_it_was_removed_and_comes_back() {
        let ends = ["presence", "routingStatus"];
        let [kin, topic] = ends.map(|end| format!("v2.users.a.{end}").parse::<Topic>().unwrap());
        let all = BTreeSet::from([kin.clone(), topic.clone()]);
        let mut packing = Packing::spread(Bounds::new(1, 1), &all).unwrap();
        let (_, homeless) = packing.part(&[kin.clone(), topic.clone()]);
        assert_eq!(homeless, std::slice::from_ref(&topic));
        for topic in [&kin, &topic] {
            packing.remove(topic);
        }
        packing.add(&all).unwrap();
        assert_eq!(names(&packing), [1]);
    }

    #[test]
    fn channels_that_fit_into_one_are_found_and_merged_and_empty_ones_closed() {
        let mut packing = Packing::spread(Bounds::new(3, 10), &topics(0..24)).unwrap();
        assert_eq!(packing.mergeable(1.0, |_| true), None);
        for topic in topics(0..10) {
            packing.remove(&topic);
        }
        let (from, into) = packing.mergeable(1.0, |_| true).unwrap();
        assert!(packing.mergeable(1.0, |shard| shard != from && shard != into).is_none());
        let sum = packing.load(from).unwrap().names() + packing.load(into).unwrap().names();
        packing.merge(from, into);
        assert_eq!(packing.load(into).unwrap().names(), sum);
        for topic in topics(0..24) {
            packing.remove(&topic);
        }
        let shards: Vec<ShardId> = packing.loads().map(|(shard, _)| shard).collect();
        let closed = shards.iter().filter(|shard| packing.close(**shard)).count();
        assert_eq!(closed, shards.len() - 1, "the last one stays");
    }

    #[test]
    fn a_channel_that_cannot_be_had_is_shared_out_if_the_others_have_room() {
        let mut packing = Packing::spread(Bounds::new(3, 500), &topics(0..1_200)).unwrap();
        assert_eq!(packing.share(2).unwrap().len(), 2);
        assert_eq!(names(&packing), [600, 600]);
        let mut full = Packing::spread(Bounds::new(2, 1_000), &topics(0..1_500)).unwrap();
        assert_eq!(full.share(1), None);
        assert_eq!(names(&full), [750, 750]);
    }
}
