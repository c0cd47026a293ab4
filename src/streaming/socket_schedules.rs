//! Random schedules of sockets that are renewed: both machines and the overlap together, against a peer that sends every
//! event to every socket that it has subscribed, under virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use super::fingerprint::{Fingerprint, fingerprint};
use super::ledger::LinkKey;
use super::overlap::Overlap;
use super::policy::{FixedDelay, Overflow};
use super::protocol::Notice;
use super::session::{self, Session, Timing};
use super::supervisor::{Action, Ending, Input, Now, Plan, Supervisor, TokenUsed};
use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::error::Error;
use crate::events::{Lifecycle, Topic};

/// What is on its way to us on one socket.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Wire {
    Event(u64),
    /// The answer to a mark, or to a plain ping.
    Answer(u32),
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Voice {
    Silent,
    Waiting,
    Speaking,
    Mute,
}

/// One socket, as the link and the peer see it.
struct Line {
    session: Session,
    last_in: Moment,
    wanted: Vec<Topic>,
    /// What the peer has subscribed, and what it sends.
    subscribed: Vec<Topic>,
    wire: VecDeque<Wire>,
    opened: bool,
    closed: bool,
    drained: bool,
    voice: Voice,
    go: bool,
    hold: Vec<u64>,
    marks: u32,
    token: u64,
    replaces: Option<LinkKey>,
}

struct World {
    start: Instant,
    now: Duration,
    supervisor: Supervisor,
    lines: BTreeMap<LinkKey, Line>,
    overlap: Overlap,
    covers: bool,
    unit: f64,
    token: u64,
    sent: u64,
    /// Events that came to be while the stream said that it covers the topic.
    promised: Vec<u64>,
    delivered: Vec<u64>,
    removed: u64,
    emitted: Vec<Lifecycle>,
    failures: usize,
    stopped: bool,
    throttle: bool,
}

fn topic() -> Topic {
    "socket.test.a".parse().unwrap()
}

fn other(n: u8) -> Topic {
    format!("socket.test.b{}", n % 3).parse().unwrap()
}

impl World {
    fn new(subscribes: bool, seed: u64) -> Self {
        let plan = Plan {
            channels: None,
            covers: if subscribes { vec![] } else { vec![topic()] },
            max_topics: 10,
            renew_after: seed.is_multiple_of(3).then_some(Duration::from_secs(60)),
            overlap: Duration::ZERO,
        };
        let topics = if subscribes { vec![topic()] } else { vec![] };
        let policy = Arc::new(FixedDelay::new(Duration::from_secs(1)));
        let supervisor = Supervisor::new(policy, Overflow::Wait, plan, &topics).unwrap();
        let mut world = Self {
            start: Instant::now(),
            now: Duration::ZERO,
            supervisor,
            lines: BTreeMap::new(),
            overlap: Overlap::default(),
            covers: !subscribes,
            unit: 0.5,
            token: 1,
            sent: 0,
            promised: Vec::new(),
            delivered: Vec::new(),
            removed: 0,
            emitted: Vec::new(),
            failures: 0,
            stopped: false,
            throttle: false,
        };
        world.supervise(Input::Start);
        world
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.start + self.now, wall: SystemTime::UNIX_EPOCH + self.now }
    }

    fn supervise(&mut self, input: Input) {
        let now = Now { at: self.moment(), unit_random: self.unit, clogged: false };
        let mut actions = Vec::new();
        self.supervisor.step(now, input, &mut actions);
        for action in actions {
            assert!(!self.stopped, "an action after the stop: {action:?}");
            match action {
                Action::Dial { link, channel, wanted, replaces } => {
                    assert!(channel.is_none());
                    assert!(self.lines.len() < 2, "a third socket");
                    let replaces = replaces.first().copied();
                    assert_eq!(replaces.is_some(), !self.lines.is_empty(), "dials beside nothing");
                    let mut session = Session::new(Timing::default());
                    session.set_asks(!wanted.is_empty());
                    let line = Line {
                        session,
                        last_in: self.moment(),
                        wanted,
                        subscribed: Vec::new(),
                        wire: VecDeque::new(),
                        opened: false,
                        closed: false,
                        drained: false,
                        voice: Voice::Silent,
                        go: false,
                        hold: Vec::new(),
                        marks: 0,
                        token: self.token,
                        replaces,
                    };
                    self.lines.insert(link, line);
                    if let Some(old) = replaces {
                        self.overlap.begin(&[old], link);
                    }
                    self.drive(link, session::Input::Start);
                }
                Action::Subscribe(link, wanted) => self.subscribe(link, wanted),
                Action::Speak(link) => {
                    if let Some(line) = self.lines.get_mut(&link) {
                        line.go = true;
                    }
                    self.speak(link);
                }
                Action::CloseLink(link, why) => {
                    if let Some(line) = self.lines.get_mut(&link) {
                        if line.voice == Voice::Waiting {
                            line.hold.clear();
                            line.voice = Voice::Mute;
                        }
                        self.drive(link, session::Input::Close(why));
                    }
                }
                Action::Emit(lifecycle) => self.emitted.push(lifecycle),
                Action::Stop(_) => self.stopped = true,
                other => panic!("nothing for a socket: {other:?}"),
            }
        }
    }

    fn subscribe(&mut self, link: LinkKey, wanted: Vec<Topic>) {
        let Some(line) = self.lines.get_mut(&link) else { return };
        let open = line.session.is_open();
        if std::mem::take(&mut self.throttle) && open {
            let answer = Err(Error::throttled("too early", Duration::from_millis(700)));
            return self.supervise(Input::Asked { link, answer });
        }
        if !open && line.opened {
            return;
        }
        line.wanted.clone_from(&wanted);
        line.session.set_asks(!wanted.is_empty());
        if open {
            // The peer reads it at once; what it sends from here on is behind it.
            line.subscribed.clone_from(&wanted);
        }
        let asks = open && !wanted.is_empty();
        self.supervise(Input::Asked { link, answer: Ok(wanted) });
        if asks {
            self.drive(link, session::Input::Asked);
        }
    }

    fn drive(&mut self, link: LinkKey, input: session::Input) {
        let now = self.moment();
        let Some(line) = self.lines.get_mut(&link) else { return };
        let mut actions = Vec::new();
        line.session.step(now.mono, input, &mut actions);
        for action in actions {
            let Some(line) = self.lines.get_mut(&link) else { return };
            match action {
                session::Action::Dial | session::Action::Rtt(_) => {}
                session::Action::Greet => line.subscribed.clone_from(&line.wanted),
                session::Action::Ping => line.wire.push_back(Wire::Answer(0)),
                session::Action::Mark => {
                    line.marks += 1;
                    line.wire.push_back(Wire::Answer(line.marks));
                }
                session::Action::SendClose(_) => {
                    // The peer may have sent more before it reads the close.
                    line.closed = true;
                    line.wire.push_back(Wire::Close);
                }
                session::Action::Flowing => {
                    line.voice = Voice::Waiting;
                    let token = Some(TokenUsed { generation: line.token, issued_at: None });
                    self.supervise(Input::Flowing { link, at: now, token });
                    if self.supervisor.may_speak(link)
                        && let Some(line) = self.lines.get_mut(&link)
                    {
                        line.go = true;
                    }
                    self.speak(link);
                }
                session::Action::Done(cause) => return self.done(link, cause),
            }
        }
    }

    fn done(&mut self, link: LinkKey, cause: Gone) {
        let line = self.lines.remove(&link).expect("done once");
        assert!(line.session.is_over());
        // A link that flowed waits for its answer before it reports; the schedules end none that waits.
        if matches!(line.voice, Voice::Speaking) {
            assert!(line.hold.is_empty());
        }
        self.overlap.over(link);
        let mut ending = Ending::new(cause, line.opened.then_some(line.last_in));
        ending.drained = line.drained;
        ending.token = Some(line.token);
        self.supervise(Input::LinkGone { link, ending });
    }

    fn speak(&mut self, link: LinkKey) {
        let now = self.moment().mono;
        let Some(line) = self.lines.get_mut(&link) else { return };
        if line.voice != Voice::Waiting || !std::mem::take(&mut line.go) {
            return;
        }
        line.voice = Voice::Speaking;
        if line.replaces.is_some() {
            self.overlap.switch(link, now);
        }
        let held = std::mem::take(&mut line.hold);
        for event in held {
            self.deliver(link, event);
        }
    }

    fn deliver(&mut self, link: LinkKey, event: u64) {
        let of = || fingerprint("t", None, &event.to_le_bytes());
        let print: Option<Fingerprint> = self.overlap.is_active().then(of);
        let (mut items, mut prints) = (vec![event], vec![print]);
        let now = self.moment().mono;
        self.removed += self.overlap.sift(link, &mut items, &mut prints, now);
        self.overlap.note(link, &prints);
        self.delivered.extend(items);
    }

    /// The peer makes an event.
    fn event(&mut self) {
        self.sent += 1;
        if self.is_covered() {
            self.promised.push(self.sent);
        }
        for line in self.lines.values_mut() {
            let has = self.covers || line.subscribed.contains(&topic());
            if line.opened && !line.closed && has {
                line.wire.push_back(Wire::Event(self.sent));
            }
        }
    }

    /// Whether the stream says that it covers the topic now.
    fn is_covered(&self) -> bool {
        let live = self.supervisor.open_link().is_some();
        live && self.emitted.iter().any(|item| {
            matches!(item, Lifecycle::Subscribed { topics, .. } if topics.contains(&topic()))
        })
    }

    /// We read what is next on a socket.
    fn read(&mut self, link: LinkKey) {
        let now = self.moment();
        let Some(line) = self.lines.get_mut(&link) else { return };
        if line.voice == Voice::Waiting || !line.opened {
            return;
        }
        let Some(wire) = line.wire.pop_front() else { return };
        line.last_in = now;
        match wire {
            Wire::Event(event) => {
                self.drive(link, session::Input::Message);
                let Some(line) = self.lines.get_mut(&link) else { return };
                match line.voice {
                    Voice::Speaking => self.deliver(link, event),
                    Voice::Mute => {}
                    Voice::Silent | Voice::Waiting => line.hold.push(event),
                }
            }
            Wire::Answer(mark) if mark > 0 && mark == line.marks => {
                self.drive(link, session::Input::Answered);
            }
            Wire::Answer(_) => self.drive(link, session::Input::Pong),
            Wire::Close => {
                line.drained = true;
                let cause = Gone::Closed { code: 1000.into(), reason: "".into() };
                self.drive(link, session::Input::Gone(cause));
            }
        }
    }

    fn open(&mut self, link: LinkKey) {
        let Some(line) = self.lines.get_mut(&link) else { return };
        if !line.opened {
            line.opened = true;
            self.drive(link, session::Input::Opened);
        }
    }

    fn timers(&mut self) {
        for link in self.lines.keys().copied().collect::<Vec<_>>() {
            if let Some(line) = self.lines.get(&link) {
                let last_in = line.last_in.mono;
                self.drive(link, session::Input::Timer { last_in, heard: last_in });
            }
        }
        self.supervise(Input::Timer);
    }

    /// Everything that is on its way arrives.
    fn settle(&mut self) {
        for _ in 0..10_000 {
            let links: Vec<LinkKey> = self.lines.keys().copied().collect();
            for link in links {
                self.open(link);
                self.read(link);
            }
            if self.lines.len() == 1 && self.lines.values().all(|line| line.wire.is_empty()) {
                return;
            }
            self.now += Duration::from_millis(1);
            self.timers();
        }
        let lines: Vec<_> = self
            .lines
            .iter()
            .map(|(link, line)| {
                (link, line.opened, line.closed, line.voice, &line.session, &line.wire)
            })
            .collect();
        panic!("it does not settle: {lines:?} {:?}", self.emitted.last());
    }
}

/// One random move; with `faults`, sockets may die.
fn play(world: &mut World, random: &mut fastrand::Rng, faults: bool) {
    let links: Vec<LinkKey> = world.lines.keys().copied().collect();
    let link = links.get(random.usize(..links.len().max(1))).copied().unwrap_or_default();
    world.unit = random.f64();
    match random.u8(..64) {
        0..=19 => world.event(),
        20..=25 => world.open(link),
        26..=29 => {
            // Nothing keeps us from reading what a link that we close still has.
            for link in links.iter().copied() {
                while world.lines.get(&link).is_some_and(|l| l.closed && !l.wire.is_empty()) {
                    world.read(link);
                }
            }
            world.now += Duration::from_millis(random.u64(..400));
        }
        30..=33 => world.timers(),
        34..=36 => world.supervise(Input::Renew),
        37 => {
            world.token += 1;
            world.supervise(Input::TokenRotated { generation: world.token });
        }
        38 => world.supervise(Input::Notice { link, notice: Notice::Closing }),
        39 => {
            if world.supervisor.want(&[other(random.u8(..))]).unwrap() {
                world.supervise(Input::Changed);
            }
        }
        40 => world.supervise(Input::Unwant(vec![other(random.u8(..))])),
        41 => world.throttle = true,
        42 => {
            // A successor that cannot be had is no failure of the stream.
            let successor = world.lines.iter().find(|(_, line)| line.replaces.is_some());
            let dialled = successor.filter(|(_, line)| !line.opened).map(|(link, _)| *link);
            if let Some(link) = dialled {
                // Unless it has become the reconnect.
                world.failures += 1;
                world.drive(link, session::Input::Gone(Gone::Refused { status: 503 }));
            }
        }
        43 if faults => {
            // One that waits for its answer reports its end after it; the model has no such moment.
            if world.lines.get(&link).is_some_and(|line| line.voice != Voice::Waiting) {
                world.failures += 1;
                let cause = Gone::Cut { detail: "reset".into() };
                world.drive(link, session::Input::Gone(cause));
            }
        }
        _ => world.read(link),
    }
    // A peer that lives answers in time, and a live link is read before it is called dead.
    for link in links {
        let late = world.lines.get(&link).is_some_and(|line| {
            world.moment().mono.saturating_duration_since(line.last_in.mono)
                > Duration::from_secs(2)
        });
        if late {
            world.open(link);
            world.read(link);
        }
    }
}

fn is_sorted_and_unique(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[0] < pair[1])
}

#[test]
fn random_renewals_without_failures_lose_nothing_and_deliver_nothing_twice() {
    let (mut renewals, mut removed, mut events) = (0, 0, 0);
    for seed in 0..1_500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new(seed % 2 == 0, seed);
        for _ in 0..random.usize(1..600) {
            play(&mut world, &mut random, false);
        }
        world.settle();
        let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
        assert_eq!((what("gap"), what("disconnected")), (0, 0), "seed {seed}: {:?}", world.emitted);
        assert!(is_sorted_and_unique(&world.delivered), "seed {seed}: {:?}", world.delivered);
        for event in &world.promised {
            assert!(world.delivered.binary_search(event).is_ok(), "seed {seed}: {event} is lost");
        }
        renewals += what("renewed");
        removed += world.removed;
        events += world.delivered.len();
    }
    println!("{renewals} renewals, {events} events, {removed} duplicates removed");
    assert!(renewals > 1_000 && removed > 500, "schedules are too tame: {renewals} {removed}");
}

#[test]
fn random_renewals_with_failures_deliver_nothing_twice_and_report_every_gap() {
    let (mut renewals, mut gaps, mut adopted) = (0, 0, 0);
    for seed in 0..1_500 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new(seed % 2 == 0, seed);
        for _ in 0..random.usize(1..600) {
            play(&mut world, &mut random, true);
        }
        world.settle();
        let what = |what| world.emitted.iter().filter(|item| item.what() == what).count();
        assert!(is_sorted_and_unique(&world.delivered), "seed {seed}: {:?}", world.delivered);
        assert!(what("disconnected") <= world.failures, "seed {seed}");
        assert!(what("gap") <= world.failures * 4, "seed {seed}");
        // What is lost lies in a gap: between two that were delivered there is one for it.
        let lost = world.promised.iter().filter(|n| world.delivered.binary_search(n).is_err());
        assert!(lost.count() == 0 || what("gap") > 0, "seed {seed}: lost without a gap");
        for lifecycle in &world.emitted {
            if let Lifecycle::Gap { covered_until, resumed_at, duration, .. } = lifecycle {
                assert_eq!(resumed_at.duration_since(*covered_until).unwrap(), *duration);
            }
            if let Lifecycle::Disconnected { retry_in: Some(Duration::ZERO), .. } = lifecycle {
                adopted += 1;
            }
        }
        renewals += what("renewed");
        gaps += what("gap");
    }
    println!("{renewals} renewals, {gaps} gaps, {adopted} successors that became the reconnect");
    assert!(renewals > 500 && gaps > 200 && adopted > 20, "{renewals} {gaps} {adopted}");
}

#[test]
fn a_successor_that_covers_less_does_not_take_over() {
    let mut world = World::new(true, 1);
    world.settle();
    world.supervise(Input::Renew);
    let new = *world.lines.keys().next_back().unwrap();
    // The live link gets another topic, the successor is told that it is too early.
    world.open(new);
    assert!(world.supervisor.want(&[other(0)]).unwrap());
    let now = Now { at: world.moment(), unit_random: 0.5, clogged: false };
    let mut actions = Vec::new();
    world.supervisor.step(now, Input::Changed, &mut actions);
    let [Action::Subscribe(old, wanted), Action::Subscribe(successor, _)] = &actions[..] else {
        panic!("both are asked: {actions:?}");
    };
    assert_eq!(*successor, new);
    world.subscribe(*old, wanted.clone());
    let answer = Err(Error::throttled("too early", Duration::from_secs(1)));
    world.supervise(Input::Asked { link: new, answer });
    world.settle();
    let count = |what| world.emitted.iter().filter(|item| item.what() == what).count();
    assert_eq!(count("renewed"), 0);
    for _ in 0..100 {
        world.now += Duration::from_millis(100);
        world.timers();
        world.settle();
    }
    let count = |what| world.emitted.iter().filter(|item| item.what() == what).count();
    assert_eq!(
        (count("renewed"), count("gap")),
        (1, 0),
        "the next one has all: {:?}",
        world.emitted
    );
}
