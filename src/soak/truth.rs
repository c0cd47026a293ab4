//! When which topic was really delivered: by an open socket that is not silent, of a channel that is subscribed to it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::ambient::Micros;
use super::topics::Topics;
use crate::sim::Seen;

#[derive(Debug, Default)]
struct Channel {
    topics: BTreeSet<usize>,
    socket: Option<u64>,
}

#[derive(Debug)]
struct Socket {
    channel: Arc<str>,
    quiet: bool,
    closed: bool,
}

#[derive(Clone, Debug, Default)]
struct Light {
    /// Sockets that deliver it.
    sockets: u32,
    /// Since when none does.
    dark_since: Micros,
    /// Times in which none did.
    dark: Vec<(Micros, Micros)>,
}

/// What the platform really delivered.
pub(super) struct Truth {
    names: HashMap<Box<str>, usize>,
    lights: Vec<Light>,
    channels: HashMap<Arc<str>, Channel>,
    sockets: HashMap<u64, Socket>,
}

impl Truth {
    pub(super) fn new(topics: &Topics) -> Self {
        let names = (0..topics.len()).map(|at| (topics.name(at).to_ascii_lowercase().into(), at));
        Self {
            names: names.collect(),
            lights: vec![Light::default(); topics.len()],
            channels: HashMap::new(),
            sockets: HashMap::new(),
        }
    }

    /// The places of topics, by their names in lower case.
    pub(super) fn names(&self) -> &HashMap<Box<str>, usize> {
        &self.names
    }

    /// A topic that a channel is subscribed to.
    pub(super) fn any_of(&self, channel: &str) -> Option<usize> {
        self.channels.get(channel)?.topics.first().copied()
    }

    /// Whether a topic is delivered now.
    pub(super) fn is_light(&self, topic: usize) -> bool {
        self.lights[topic].sockets > 0
    }

    /// How long a topic was not delivered between two times.
    pub(super) fn dark(&self, topic: usize, from: Micros, to: Micros) -> Micros {
        let light = &self.lights[topic];
        let open = (light.sockets == 0).then_some((light.dark_since, Micros::MAX));
        let all = light.dark.iter().rev().copied().take_while(|(_, end)| *end >= from);
        all.chain(open).map(|(start, end)| end.min(to).saturating_sub(start.max(from))).sum()
    }

    /// Takes note of what is about channels and sockets.
    pub(super) fn see(&mut self, now: Micros, seen: Seen) {
        match seen {
            Seen::Subscribed { channel, gone, come } => {
                let delivers = self.delivers(&channel);
                let entry = self.channels.entry(channel).or_default();
                let places = |names: Vec<String>| -> Vec<usize> {
                    names.iter().filter_map(|name| self.names.get(name.as_str()).copied()).collect()
                };
                let (gone, come) = (places(gone), places(come));
                for topic in &gone {
                    entry.topics.remove(topic);
                }
                entry.topics.extend(&come);
                if delivers {
                    for topic in come {
                        self.lights[topic].more(now);
                    }
                    for topic in gone {
                        self.lights[topic].less(now);
                    }
                }
            }
            Seen::Opened { channel, socket } => {
                self.change(&channel.clone(), now, |truth| {
                    truth.channels.entry(channel.clone()).or_default().socket = Some(socket);
                    let (quiet, closed) = (false, false);
                    truth.sockets.insert(socket, Socket { channel, quiet, closed });
                });
            }
            Seen::Quiet { socket, quiet } => {
                let Some(channel) = self.channel_of(socket) else { return };
                self.change(&channel, now, |truth| {
                    if let Some(socket) = truth.sockets.get_mut(&socket) {
                        socket.quiet = quiet;
                    }
                });
            }
            Seen::Closed { socket } => {
                let Some(channel) = self.channel_of(socket) else { return };
                self.change(&channel, now, |truth| {
                    if let Some(socket) = truth.sockets.get_mut(&socket) {
                        socket.closed = true;
                    }
                });
            }
            _ => {}
        }
    }

    fn channel_of(&self, socket: u64) -> Option<Arc<str>> {
        self.sockets.get(&socket).map(|socket| socket.channel.clone())
    }

    fn delivers(&self, channel: &str) -> bool {
        let socket = self.channels.get(channel).and_then(|channel| channel.socket);
        let socket = socket.and_then(|socket| self.sockets.get(&socket));
        socket.is_some_and(|socket| !socket.quiet && !socket.closed)
    }

    fn change(&mut self, channel: &Arc<str>, now: Micros, change: impl FnOnce(&mut Self)) {
        let before = self.delivers(channel);
        change(self);
        let after = self.delivers(channel);
        let Some(entry) = self.channels.get(channel) else { return };
        for topic in entry.topics.iter().filter(|_| before != after) {
            if after {
                self.lights[*topic].more(now);
            } else {
                self.lights[*topic].less(now);
            }
        }
    }
}

impl Light {
    fn more(&mut self, now: Micros) {
        if self.sockets == 0 && now > self.dark_since {
            self.dark.push((self.dark_since, now));
        }
        self.sockets += 1;
    }

    fn less(&mut self, now: Micros) {
        self.sockets -= 1;
        if self.sockets == 0 {
            self.dark_since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_dark_while_no_socket_that_speaks_has_it() {
        let topics = Topics::new(2);
        let mut truth = Truth::new(&topics);
        let name = topics.name(0).to_ascii_lowercase();
        let opened = |channel: &str, socket| Seen::Opened { channel: channel.into(), socket };
        let has = |channel: &str| Seen::Subscribed {
            channel: channel.into(),
            gone: vec![],
            come: vec![name.clone()],
        };
        truth.see(10, has("a"));
        assert!(!truth.is_light(0));
        truth.see(20, opened("a", 1));
        assert_eq!((truth.is_light(0), truth.is_light(1)), (true, false));
        truth.see(30, Seen::Quiet { socket: 1, quiet: true });
        truth.see(40, Seen::Quiet { socket: 1, quiet: false });
        truth.see(50, has("b"));
        truth.see(60, opened("b", 2));
        truth.see(70, Seen::Closed { socket: 1 });
        assert!(truth.is_light(0));
        truth.see(80, opened("b", 3));
        truth.see(85, Seen::Closed { socket: 2 });
        truth.see(90, Seen::Subscribed { channel: "b".into(), gone: vec![name], come: vec![] });
        assert_eq!((truth.dark(0, 0, 100), truth.dark(0, 25, 35)), (20 + 10 + 10, 5));
        assert_eq!(truth.dark(1, 50, 60), 10);
    }
}
