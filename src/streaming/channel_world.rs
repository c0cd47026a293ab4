//! A world for schedules of many channels: supervisor, sessions and overlap together, against a platform of channels that are
//! made and subscribed by calls which take effect and are answered late, in any order, or fail; under virtual time.
//!
//! The platform numbers the events of each topic, so that what comes out can be checked: every number once, in order,
//! or inside a gap of its topic that stands at that place in the stream.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::channel_judge::{Promise, Truth};
use super::channel_line::{Line, Voice};
use super::channel_platform::{Channel, Wire};
use super::ledger::LinkKey;
use super::overlap::Overlap;
use super::packing::Bounds;
use super::policy::{FullJitter, Overflow};
use super::session::{self, Session, Timing};
use super::supervisor::{Action, ChannelRules, Input, Now, Plan, Supervisor};
use crate::core::clock::Moment;
use crate::core::ids::ChannelId;
use crate::events::{Lifecycle, Topic};

/// How large a world is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Topics of one channel.
    pub(super) names: usize,
    pub(super) channels: usize,
    /// Topics that there are.
    pub(super) topics: u64,
}

/// Few topics to a channel, so that there are many channels.
pub(super) const SMALL: Size = Size { names: 4, channels: 5, topics: 24 };

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// Only what is announced or asked for.
    Planned,
    /// Everything that can go wrong too.
    Faults,
}

pub(super) struct World {
    pub(super) start: Instant,
    pub(super) now: Duration,
    pub(super) unit: f64,
    pub(super) supervisor: Supervisor,
    pub(super) lines: BTreeMap<LinkKey, Line>,
    pub(super) overlap: Overlap,
    pub(super) channels: BTreeMap<ChannelId, Channel>,
    pub(super) others: usize,
    /// Channels that others have made, and how many they were when we looked last.
    pub(super) grown: usize,
    pub(super) looked: usize,
    /// How many they were when we looked, for each call that makes a channel.
    pub(super) looks: VecDeque<usize>,
    /// When calls take effect that were given up, each with how many they were.
    pub(super) late: Vec<(Duration, usize)>,
    /// Channels that the platform removed for others.
    pub(super) evicted: usize,
    /// Topics that were found missing, and calls whose answer was lost.
    pub(super) found: usize,
    /// Events that were lost because a topic was dropped and came back before anybody looked.
    pub(super) unseen: usize,
    pub(super) orphans: usize,
    pub(super) ops: Vec<(Action, Option<Input>)>,
    pub(super) promises: BTreeMap<Topic, Promise>,
    pub(super) wanted: BTreeSet<Topic>,
    pub(super) forbidden: BTreeSet<Topic>,
    pub(super) emitted: Vec<Lifecycle>,
    pub(super) token: u64,
    pub(super) made: u64,
    pub(super) removed: u64,
    pub(super) delivered: u64,
    pub(super) stopped: bool,
    /// Whether subscriptions are read back.
    pub(super) checks: bool,
    pub(super) mode: Mode,
    pub(super) size: Size,
    /// What the platform really covered, when somebody keeps account of it.
    pub(super) truth: Option<Truth>,
}

pub(super) fn topic(size: Size, n: u64) -> Topic {
    Topic::unchecked(format!("v2.users.u{}.presence", n % size.topics))
}

impl World {
    pub(super) fn new(seed: u64, topics: u64, mode: Mode, size: Size) -> Self {
        let rules = ChannelRules {
            bounds: Bounds::new(size.channels, size.names),
            check_every: seed.is_multiple_of(2).then_some(Duration::from_secs(20)),
            ..ChannelRules::default()
        };
        let plan = Plan {
            channels: Some(rules),
            covers: vec![],
            max_topics: 0,
            renew_after: seed.is_multiple_of(3).then_some(Duration::from_secs(300)),
            overlap: Duration::from_millis([0, 500, 5_000][usize::try_from(seed % 3).unwrap()]),
        };
        let wanted: BTreeSet<Topic> = (0..topics).map(|n| topic(size, n)).collect();
        let list: Vec<Topic> = wanted.iter().cloned().collect();
        let policy = Arc::new(FullJitter::default());
        let mut world = Self {
            start: Instant::now(),
            now: Duration::ZERO,
            unit: 0.5,
            supervisor: Supervisor::new(policy, Overflow::Wait, plan, &list).unwrap(),
            lines: BTreeMap::new(),
            overlap: Overlap::default(),
            channels: BTreeMap::new(),
            others: usize::try_from(seed % 5).unwrap(),
            grown: 0,
            looked: 0,
            looks: VecDeque::new(),
            late: Vec::new(),
            evicted: 0,
            found: 0,
            unseen: 0,
            orphans: 0,
            ops: Vec::new(),
            promises: (0..size.topics).map(|n| (topic(size, n), Promise::default())).collect(),
            wanted,
            forbidden: BTreeSet::new(),
            emitted: Vec::new(),
            token: 1,
            made: 0,
            removed: 0,
            delivered: 0,
            stopped: false,
            checks: seed.is_multiple_of(2),
            mode,
            size,
            truth: None,
        };
        world.supervise(Input::Start);
        world
    }

    /// A world as it is by default, in which nothing goes wrong.
    pub(super) fn quiet(size: Size) -> Self {
        let mut world = Self::new(0, size.topics, Mode::Planned, size);
        let plan = Plan {
            channels: Some(ChannelRules {
                bounds: Bounds::new(size.channels, size.names),
                ..ChannelRules::default()
            }),
            covers: vec![],
            max_topics: 0,
            renew_after: Some(crate::core::limits::CHANNEL_RENEWAL),
            overlap: Duration::from_secs(5),
        };
        let list: Vec<Topic> = world.wanted.iter().cloned().collect();
        let policy = Arc::new(FullJitter::default());
        world.supervisor = Supervisor::new(policy, Overflow::Wait, plan, &list).unwrap();
        world.ops.clear();
        world.supervise(Input::Start);
        world
    }

    /// Every call takes effect and is answered.
    pub(super) fn settle_calls(&mut self) {
        while !self.ops.is_empty() {
            self.answer(0, false);
        }
    }

    pub(super) fn moment(&self) -> Moment {
        Moment { mono: self.start + self.now, wall: SystemTime::UNIX_EPOCH + self.now }
    }

    pub(super) fn supervise(&mut self, input: Input) {
        let now = Now { at: self.moment(), unit_random: self.unit, clogged: false };
        let mut actions = Vec::new();
        self.supervisor.step(now, input, &mut actions);
        for action in actions {
            assert!(!self.stopped, "an action after the stop: {action:?}");
            self.perform(action);
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { link, channel, replaces, .. } => {
                let channel = channel.expect("a channel").id;
                let busy = self.lines.values().any(|line| line.channel == channel);
                assert!(!busy, "two sockets for one channel");
                // Beside those that carry topics there are successors, and channels that close because they have none.
                assert!(self.lines.len() < 2 * self.size.channels + 3, "too many sockets");
                if !replaces.is_empty() {
                    self.overlap.begin(&replaces, link);
                }
                let line = Line {
                    session: Session::new(Timing::default()),
                    channel,
                    last_in: self.moment(),
                    wire: VecDeque::new(),
                    read_at: self.now,
                    opened: false,
                    silent: false,
                    drained: false,
                    voice: Voice::Silent,
                    go: false,
                    items: Vec::new(),
                    prints: Vec::new(),
                    replaces: !replaces.is_empty(),
                    ended: None,
                };
                assert!(self.lines.insert(link, line).is_none(), "a link is dialled twice");
                self.drive(link, session::Input::Start);
            }
            Action::Speak(link) => {
                let Some(line) = self.lines.get_mut(&link) else { return };
                line.go = true;
                self.speak(link);
                if let Some(cause) = self.lines.get_mut(&link).and_then(|line| line.ended.take()) {
                    self.finish(link, cause);
                }
            }
            Action::Mute(link) => {
                let Some(line) = self.lines.get_mut(&link) else { return };
                let cause = line.ended.take().expect("only a link that has ended is muted");
                line.voice = Voice::Mute;
                self.finish(link, cause);
            }
            Action::Hush(link) => {
                if let Some(line) = self.lines.get_mut(&link) {
                    line.items.clear();
                    line.prints.clear();
                    line.voice = Voice::Mute;
                }
            }
            Action::Probe(link) => self.drive(link, session::Input::Probe),
            Action::CloseLink(link, why) => {
                let Some(line) = self.lines.get_mut(&link) else { return };
                if line.ended.is_some() {
                    return;
                }
                if line.voice == Voice::Waiting {
                    line.items.clear();
                    line.prints.clear();
                    line.voice = Voice::Mute;
                }
                self.drive(link, session::Input::Close(why));
            }
            Action::Emit(lifecycle) => self.emit(lifecycle),
            Action::Stop(error) => {
                self.stopped = true;
                assert!(error.is_none(), "{error:?}");
            }
            Action::Subscribe(..) => panic!("nothing for a channel: {action:?}"),
            op => {
                if let Action::Create = op {
                    self.looks.push_back(self.looked);
                }
                self.ops.push((op, None));
            }
        }
    }

    /// Time passes; sockets that are not silent show it.
    pub(super) fn advance(&mut self, by: Duration) {
        let mut left = by;
        while left > Duration::ZERO {
            let step = left.min(Duration::from_secs(10));
            left -= step;
            // A link reads as soon as there is something; the schedules let it wait for a second.
            for link in self.lines.keys().copied().collect::<Vec<_>>() {
                if self.mode == Mode::Planned && step >= Duration::from_secs(1) {
                    self.open(link);
                }
                let waits = |line: &&Line| self.now + step > line.read_at + Duration::from_secs(1);
                if self.lines.get(&link).as_ref().is_some_and(waits) {
                    while self.read(link) {}
                    if let Some(line) = self.lines.get_mut(&link) {
                        line.read_at = self.now;
                    }
                }
            }
            self.now += step;
            let now = self.now;
            self.channels.retain(|_, channel| channel.ends.is_none_or(|ends| now < ends));
            let due: Vec<_> = self.late.extract_if(.., |(at, _)| *at <= now).collect();
            for (_, looked) in due {
                self.orphan(looked);
            }
            if step >= Duration::from_secs(1) {
                for link in self.lines.keys().copied().collect::<Vec<_>>() {
                    let open = |line: &&mut Line| line.opened && !line.wire.contains(&Wire::Close);
                    if let Some(line) = self.lines.get_mut(&link).filter(open) {
                        line.wire.push_back(Wire::Beat);
                    }
                    while self.read(link) {}
                }
            }
            self.timers();
        }
    }

    pub(super) fn timers(&mut self) {
        for link in self.lines.keys().copied().collect::<Vec<_>>() {
            if let Some(line) = self.lines.get(&link) {
                let last_in = line.last_in.mono;
                self.drive(link, session::Input::Timer { last_in, heard: last_in });
            }
        }
        self.supervise(Input::Timer);
    }

    /// Everything comes to rest, and every topic that should be covered is.
    pub(super) fn settle(&mut self, seed: u64) {
        // What was dropped is noticed within a minute of calm.
        let mut earliest = self.now + Duration::from_secs(60);
        for _ in 0..4_000 {
            for link in self.lines.keys().copied().collect::<Vec<_>>() {
                self.open(link);
                while self.read(link) {}
            }
            while !self.ops.is_empty() {
                self.answer(0, false);
            }
            self.advance(Duration::from_millis(500));
            let covered = |topic: &Topic| self.supervisor.covers(topic);
            let due: Vec<&Topic> = self.wanted.difference(&self.forbidden).collect();
            if !self.supervisor.is_at_rest() {
                earliest = self.now + Duration::from_secs(60);
            }
            let calm = self.now > earliest;
            if calm && due.iter().all(|topic| covered(topic)) {
                let due: Vec<Topic> = due.into_iter().cloned().collect();
                return self.finale(seed, &due);
            }
        }
        let missing: Vec<&Topic> =
            self.wanted.iter().filter(|topic| !self.supervisor.covers(topic)).collect();
        panic!("seed {seed}: it does not settle: {missing:?} {}", self.supervisor.describe());
    }
}
