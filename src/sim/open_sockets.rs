//! The open sockets that are not those of channels, and what each of them hears.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::frames::Event;
use super::handle::{Command, Handle};
use super::socket_kind::SocketKind;
use super::world::World;

/// What a socket hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hears {
    Nothing,
    /// Everything of its kind.
    All,
    /// These users, in lower case.
    Users(BTreeSet<String>),
}

impl Hears {
    fn includes(&self, id: Option<&str>) -> bool {
        match (self, id) {
            (Self::Nothing, _) => false,
            (Self::All, _) => true,
            // What is about nobody in particular is for everybody who has asked for somebody.
            (Self::Users(users), None) => !users.is_empty(),
            (Self::Users(users), Some(id)) => users.contains(id),
        }
    }
}

/// One open socket.
#[derive(Debug)]
pub(super) struct OpenSocket {
    pub(super) kind: SocketKind,
    pub(super) handle: Handle,
    /// The token it was opened with, or subscribed with; some need none.
    pub(super) token: Option<Arc<str>>,
    pub(super) hears: Hears,
    /// Whether it was told to close because its token has ended.
    pub(super) token_ended: bool,
}

/// Every open socket that has no channel, by serial number.
#[derive(Debug, Default)]
pub(super) struct OpenSockets {
    by_serial: BTreeMap<u64, OpenSocket>,
    /// Changes whenever what is heard may have changed.
    pub(super) version: u64,
}

impl OpenSockets {
    pub(super) fn insert(&mut self, socket: OpenSocket) {
        self.version += 1;
        self.by_serial.insert(socket.handle.serial, socket);
    }

    pub(super) fn remove(&mut self, serial: u64) {
        self.version += 1;
        self.by_serial.remove(&serial);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &OpenSocket> {
        self.by_serial.values()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut OpenSocket> {
        self.by_serial.values_mut()
    }

    /// Changes what a socket hears, and the token it does it with.
    pub(super) fn listen(&mut self, serial: u64, hears: Hears, token: Option<Arc<str>>) {
        self.version += 1;
        if let Some(socket) = self.by_serial.get_mut(&serial) {
            socket.hears = hears;
            socket.token = token.or_else(|| socket.token.take());
        }
    }

    /// How many are open, by the name of their kind.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for socket in self.iter() {
            *counts.entry(socket.kind.name().to_owned()).or_default() += 1;
        }
        counts
    }

    /// Gives an event to every socket of a kind that hears of this id; returns how many.
    pub(super) fn deliver(&self, kind: SocketKind, id: Option<&str>, event: &Event) -> usize {
        let mut reached = 0;
        for socket in self.listeners(kind, id) {
            socket.handle.send(Command::Event(event.clone()));
            reached += 1;
        }
        reached
    }

    /// Whether every socket of a kind can take more.
    pub(super) fn has_room(&self, kind: SocketKind) -> bool {
        self.iter().filter(|socket| socket.kind == kind).all(|socket| socket.handle.has_room())
    }

    pub(super) fn is_heard(&self, kind: SocketKind, id: &str) -> bool {
        self.listeners(kind, Some(id)).next().is_some()
    }

    /// Every topic of these sockets that is heard now, sorted within its kind.
    pub(super) fn heard(&self, world: &World) -> Vec<String> {
        let mut topics = BTreeSet::new();
        let (mut kinds, mut users) = (BTreeSet::new(), BTreeSet::new());
        for socket in self.iter() {
            match &socket.hears {
                Hears::Nothing => {}
                Hears::All => drop(kinds.insert(socket.kind)),
                Hears::Users(some) => users.extend(some.iter()),
            }
        }
        for kind in kinds {
            topics.extend(world.queues.iter().map(|queue| kind.topic(&queue.id)));
        }
        topics.extend(users.into_iter().map(|user| SocketKind::Presence.topic(user)));
        topics.into_iter().collect()
    }

    fn listeners(&self, kind: SocketKind, id: Option<&str>) -> impl Iterator<Item = &OpenSocket> {
        self.iter().filter(move |socket| socket.kind == kind && socket.hears.includes(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fastrand::Rng;

    #[test]
    fn a_socket_hears_its_kind_or_its_users_and_nothing_before_it_asks() {
        let world = World::new(2, 3, 0, &mut Rng::with_seed(7));
        let mut sockets = OpenSockets::default();
        for (serial, kind) in [(1, SocketKind::Routing), (2, SocketKind::Presence)] {
            let (handle, _inbox) = Handle::new(serial);
            let hears = if serial == 1 { Hears::All } else { Hears::Nothing };
            sockets.insert(OpenSocket { kind, handle, token: None, hears, token_ended: false });
        }
        assert_eq!(sockets.heard(&world).len(), 3);
        let user = world.agents[0].id.as_str();
        assert!(!sockets.is_heard(SocketKind::Presence, user));
        sockets.listen(2, Hears::Users(BTreeSet::from([user.to_owned()])), None);
        assert!(sockets.is_heard(SocketKind::Presence, user));
        assert!(!sockets.is_heard(SocketKind::Presence, &world.agents[1].id));
        assert_eq!(sockets.heard(&world).len(), 4);
        sockets.remove(1);
        assert_eq!(sockets.heard(&world), [SocketKind::Presence.topic(user)]);
        assert_eq!(sockets.counts(), BTreeMap::from([("presence".to_owned(), 1)]));
    }
}
