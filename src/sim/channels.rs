//! Notification channels: who has which, what they are subscribed to, and which one goes when there are too many.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::time::Instant;

use super::frames::Event;
use super::handle::{Command, Handle};
use super::ids;
use super::oauth::Caller;

/// One subscription of a channel.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    /// As it was sent, combined or not.
    pub(super) id: String,
    /// The single topics that are permitted, in lower case.
    pub(super) singles: BTreeSet<String>,
}

/// A channel. It lives without a socket too.
pub(super) struct Channel {
    pub(super) id: Arc<str>,
    pub(super) client: Arc<str>,
    /// The token that made it, or that subscribed last.
    pub(super) token: Arc<str>,
    pub(super) expires: Instant,
    pub(super) subscriptions: Vec<Subscription>,
    pub(super) socket: Option<Handle>,
    /// When the socket is closed because the token has ended.
    pub(super) token_ended: Option<Instant>,
    /// Grows with each use: the smallest was used the longest ago.
    used: u64,
}

impl Channel {
    /// Gives the open socket something to do; whether there is one.
    pub(super) fn send(&self, command: Command) -> bool {
        if let Some(socket) = &self.socket {
            socket.send(command);
        }
        self.socket.is_some()
    }

    /// A topic of the channel, for frames that need one.
    pub(super) fn any_topic(&self) -> &str {
        self.subscriptions
            .iter()
            .find_map(|subscription| subscription.singles.first())
            .map_or("v2.system.socket_closing", String::as_str)
    }

    fn singles(&self) -> BTreeSet<String> {
        self.subscriptions
            .iter()
            .flat_map(|subscription| subscription.singles.iter().cloned())
            .collect()
    }
}

/// Every channel, and who listens to what.
#[derive(Default)]
pub(super) struct Channels {
    by_id: BTreeMap<Arc<str>, Channel>,
    by_topic: BTreeMap<String, Vec<Arc<str>>>,
    uses: u64,
    serials: u64,
    /// Changes whenever the connected topics may have changed.
    pub(super) version: u64,
    #[cfg(test)]
    tap: Option<Arc<super::tap::Tap>>,
}

impl Channels {
    /// Channels about which somebody is told.
    #[cfg(test)]
    pub(super) fn tapped(tap: Option<Arc<super::tap::Tap>>) -> Self {
        Self { tap, ..Self::default() }
    }

    /// Creates a channel. The caller has made room before.
    pub(super) fn create(&mut self, caller: &Caller, life: Duration, rng: &mut Rng) -> &Channel {
        self.uses += 1;
        let id: Arc<str> = format!("streaming-{}-{}", rng.u8(1..=9), ids::opaque(rng, 24)).into();
        let channel = Channel {
            id: Arc::clone(&id),
            client: Arc::clone(&caller.client),
            token: Arc::clone(&caller.token),
            expires: Instant::now() + life,
            subscriptions: Vec::new(),
            socket: None,
            token_ended: None,
            used: self.uses,
        };
        self.by_id.entry(id).or_insert(channel)
    }

    /// The channel that gives way when a client has `limit` of them: one without a socket first, then the one whose
    /// last use is the longest ago.
    pub(super) fn to_evict(&self, client: &str, limit: usize) -> Option<Arc<str>> {
        let own = || self.by_id.values().filter(|channel| *channel.client == *client);
        if own().count() < limit {
            return None;
        }
        own()
            .min_by_key(|channel| (channel.socket.is_some(), channel.used))
            .map(|channel| Arc::clone(&channel.id))
    }

    /// Takes a channel out, with everything that it listens to.
    pub(super) fn remove(&mut self, id: &str) -> Option<Channel> {
        self.set_subscriptions(id, Vec::new());
        self.by_id.remove(id)
    }

    pub(super) fn get(&self, id: &str) -> Option<&Channel> {
        self.by_id.get(id)
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Channel> {
        self.by_id.get_mut(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Channel> {
        self.by_id.values()
    }

    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Takes note that a channel was used.
    pub(super) fn touch(&mut self, id: &str) {
        self.uses += 1;
        if let Some(channel) = self.by_id.get_mut(id) {
            channel.used = self.uses;
        }
    }

    /// Replaces what a channel is subscribed to.
    pub(super) fn set_subscriptions(&mut self, id: &str, subscriptions: Vec<Subscription>) {
        let Some(channel) = self.by_id.get_mut(id) else {
            return;
        };
        let before = channel.singles();
        channel.subscriptions = subscriptions;
        let after = channel.singles();
        #[cfg(test)]
        if let Some(tap) = &self.tap {
            tap.subscribed(&channel.id, before.difference(&after), after.difference(&before));
        }
        for topic in before.difference(&after) {
            if let Some(listeners) = self.by_topic.get_mut(topic) {
                listeners.retain(|listener| **listener != *id);
                if listeners.is_empty() {
                    self.by_topic.remove(topic);
                }
            }
        }
        for topic in after.difference(&before) {
            let listeners = self.by_topic.entry(topic.clone()).or_default();
            listeners.push(Arc::clone(&channel.id));
        }
        self.version += 1;
    }

    /// Gives a channel its socket, and returns the one that it had.
    pub(super) fn attach(&mut self, id: &str, socket: Handle) -> Option<Handle> {
        self.version += 1;
        self.touch(id);
        let channel = self.by_id.get_mut(id)?;
        #[cfg(test)]
        if let Some(tap) = &self.tap {
            tap.opened(&channel.id, socket.serial);
        }
        channel.socket.replace(socket)
    }

    /// Takes note that a socket is gone, unless another one has taken its place.
    pub(super) fn detach(&mut self, id: &str, serial: u64) {
        let Some(channel) = self.by_id.get_mut(id) else {
            return;
        };
        if channel.socket.as_ref().is_some_and(|socket| socket.serial == serial) {
            channel.socket = None;
            self.version += 1;
            self.touch(id);
        }
    }

    /// A number for a new socket.
    pub(super) fn next_serial(&mut self) -> u64 {
        self.serials += 1;
        self.serials
    }

    /// Gives an event to every open socket that listens to its topic, and to all for a topic that needs no
    /// subscription; returns how many.
    pub(super) fn deliver(&self, event: &Event) -> usize {
        let send = |channel: &&Channel| channel.send(Command::Event(event.clone()));
        if *event.topic == *"channel.metadata" || event.topic.starts_with("v2.system.") {
            return self.by_id.values().filter(send).count();
        }
        self.listeners(&event.topic).filter(send).count()
    }

    /// Whether every socket that listens to a topic can take more.
    pub(super) fn has_room(&self, topic: &str) -> bool {
        self.listeners(topic).filter_map(|channel| channel.socket.as_ref()).all(Handle::has_room)
    }

    fn listeners(&self, topic: &str) -> impl Iterator<Item = &Channel> {
        let ids = self.by_topic.get(topic).map_or(&[][..], Vec::as_slice);
        ids.iter().filter_map(|id| self.by_id.get(id))
    }

    /// Whether anybody with an open socket listens to a topic, given in lower case.
    pub(super) fn is_heard(&self, topic: &str) -> bool {
        self.listeners(topic).any(|channel| channel.socket.is_some())
    }

    /// Every topic to which an open socket listens, sorted.
    pub(super) fn heard(&self) -> Vec<String> {
        let heard = |(topic, _): &(&String, &Vec<_>)| self.is_heard(topic);
        self.by_topic.iter().filter(heard).map(|(topic, _)| topic.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(client: &str) -> Caller {
        Caller { token: "t".into(), client: client.into(), user: None }
    }

    fn filled(count: usize) -> (Channels, Vec<Arc<str>>) {
        let (mut channels, mut rng) = (Channels::default(), Rng::with_seed(1));
        let life = Duration::from_secs(60);
        let ids = (0..count)
            .map(|_| Arc::clone(&channels.create(&caller("a"), life, &mut rng).id))
            .collect();
        channels.create(&caller("b"), life, &mut rng);
        (channels, ids)
    }

    #[tokio::test]
    async fn unconnected_channels_give_way_first_and_only_those_of_the_same_client() {
        let (mut channels, ids) = filled(3);
        assert_eq!(channels.to_evict("a", 4), None);
        let (handle, _inbox) = Handle::new(channels.next_serial());
        channels.attach(&ids[0], handle);
        assert_eq!(channels.to_evict("a", 3).as_ref(), Some(&ids[1]));
        channels.touch(&ids[1]);
        assert_eq!(channels.to_evict("a", 3).as_ref(), Some(&ids[2]));
    }

    #[tokio::test]
    async fn a_replaced_subscription_is_no_longer_heard() {
        let (mut channels, ids) = filled(1);
        let subscription = |topic: &str| Subscription {
            id: topic.to_owned(),
            singles: BTreeSet::from([topic.to_owned()]),
        };
        let (handle, _inbox) = Handle::new(channels.next_serial());
        channels.attach(&ids[0], handle);
        channels.set_subscriptions(&ids[0], vec![subscription("v2.a"), subscription("v2.b")]);
        assert_eq!(channels.heard(), ["v2.a", "v2.b"]);
        channels.set_subscriptions(&ids[0], vec![subscription("v2.b")]);
        assert_eq!(channels.heard(), ["v2.b"]);
        channels.remove(&ids[0]);
        assert!(channels.heard().is_empty());
    }

    #[tokio::test]
    async fn a_socket_that_was_replaced_does_not_take_the_new_one_away() {
        let (mut channels, ids) = filled(1);
        let (first, _a) = Handle::new(1);
        let (second, _b) = Handle::new(2);
        assert!(channels.attach(&ids[0], first).is_none());
        assert!(channels.attach(&ids[0], second).is_some());
        channels.detach(&ids[0], 1);
        assert!(channels.get(&ids[0]).unwrap().socket.is_some());
        channels.detach(&ids[0], 2);
        assert!(channels.get(&ids[0]).unwrap().socket.is_none());
    }
}
