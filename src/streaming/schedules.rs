//! Random schedules: both machines together, under virtual time, with inputs that come late, twice, or never.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use super::policy::{Attempt, FullJitter, Overflow, ReconnectPolicy, Verdict};
use super::protocol::Notice;
use super::session::{self, Session, Timing};
use super::supervisor::{Action, Ending, Input, Now, Plan, Supervisor};
use crate::core::clock::Moment;
use crate::core::close::{CloseCode, Gone};
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, ChannelListing, TopicState};
use crate::error::{Error, ErrorKind};
use crate::events::{Lifecycle, Topic};

/// Remembers what the policy was asked.
struct Recorder {
    inner: FullJitter,
    asked: Mutex<Vec<(u32, Duration)>>,
}

impl ReconnectPolicy for Recorder {
    fn decide(&self, attempt: &Attempt<'_>) -> Verdict {
        self.asked.lock().unwrap().push((attempt.number, attempt.was_live));
        self.inner.decide(attempt)
    }
}

/// One socket as the world sees it.
struct Line {
    link: u64,
    session: Session,
    open: bool,
    last_in: Moment,
}

struct World {
    start: Instant,
    now: Duration,
    supervisor: Supervisor,
    line: Option<Line>,
    ops: Vec<Action>,
    policy: Arc<Recorder>,
    dials: Vec<Duration>,
    emitted: Vec<Lifecycle>,
    stopped: bool,
    channels: u64,
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Advance(u32),
    Answer(u8),
    Opened,
    Message,
    Pong,
    LineGone(u8),
    ChannelGone,
    Timers,
    Want(u8),
    Unwant(u8),
    Rotated,
    CaughtUp,
    Stray(u8),
    Close,
}

fn topic(n: u8) -> Topic {
    format!("v2.users.u{}.presence", n % 5).parse().unwrap()
}

impl World {
    fn new() -> Self {
        let policy = Arc::new(Recorder { inner: FullJitter::default(), asked: Mutex::default() });
        let supervisor = Supervisor::new(
            policy.clone(),
            Overflow::Wait,
            Plan::of_channels(),
            &[topic(0), topic(1)],
        )
        .unwrap();
        let mut world = Self {
            start: Instant::now(),
            now: Duration::ZERO,
            supervisor,
            line: None,
            ops: Vec::new(),
            policy,
            dials: Vec::new(),
            emitted: Vec::new(),
            stopped: false,
            channels: 0,
        };
        world.supervise(Input::Start);
        world
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.start + self.now, wall: SystemTime::UNIX_EPOCH + self.now }
    }

    fn supervise(&mut self, input: Input) {
        let now = Now { at: self.moment(), unit_random: 0.5, clogged: false };
        let mut actions = Vec::new();
        self.supervisor.step(now, input, &mut actions);
        for action in actions {
            assert!(!self.stopped, "an action after the stop: {action:?}");
            match action {
                Action::Dial { link, channel, wanted, replaces } => {
                    assert!(wanted.is_empty() && replaces.is_empty(), "nobody asked for a renewal");
                    assert!(self.line.is_none(), "two dials at once");
                    assert!(channel.is_some(), "dialled without a channel");
                    self.dials.push(self.now);
                    let session = Session::new(Timing::default());
                    let last_in = self.moment();
                    self.line = Some(Line { link, session, open: false, last_in });
                    self.drive(session::Input::Start);
                }
                Action::Probe(link) => {
                    if self.line.as_ref().is_some_and(|line| line.link == link) {
                        self.drive(session::Input::Probe);
                    }
                }
                Action::CloseLink(link, why) => {
                    if self.line.as_ref().is_some_and(|line| line.link == link) {
                        self.drive(session::Input::Close(why));
                    }
                }
                Action::Emit(lifecycle) => self.emitted.push(lifecycle),
                Action::Stop(_) => {
                    self.stopped = true;
                    assert!(self.supervisor.is_stopped());
                }
                op => {
                    let same = |other: &Action| match (&op, other) {
                        (Action::Replace(a, _), Action::Replace(b, _))
                        | (Action::Clear(a), Action::Clear(b)) => a == b,
                        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
                    };
                    assert!(!self.ops.iter().any(same), "the same call twice at once: {op:?}");
                    self.ops.push(op);
                }
            }
        }
    }

    fn drive(&mut self, input: session::Input) {
        let now = self.moment();
        let Some(line) = &mut self.line else { return };
        if matches!(input, session::Input::Message | session::Input::Pong) {
            line.last_in = now;
        }
        let mut actions = Vec::new();
        line.session.step(now.mono, input, &mut actions);
        let link = line.link;
        for action in actions {
            match action {
                session::Action::Dial => {
                    assert!(!self.line.as_ref().unwrap().open, "dialled an open socket");
                }
                session::Action::Greet
                | session::Action::Ping
                | session::Action::Mark
                | session::Action::SendClose(_) => {
                    assert!(self.line.as_ref().unwrap().open, "sent on a dead socket: {action:?}");
                }
                session::Action::Flowing => {
                    self.supervise(Input::Flowing { link, at: now, token: None });
                }
                session::Action::Rtt(_) => {}
                session::Action::Done(cause) => {
                    let line = self.line.take().expect("done once");
                    assert!(line.session.is_over());
                    let last_in = line.open.then_some(line.last_in);
                    self.supervise(Input::LinkGone { link, ending: Ending::new(cause, last_in) });
                    return;
                }
            }
        }
    }

    fn answer(&mut self, how: u8) {
        if self.ops.is_empty() {
            return;
        }
        let op = self.ops.remove(usize::from(how) % self.ops.len());
        let passing = || Error::new(ErrorKind::Transport, "cut").retryable(true);
        let input = match (op, how % 8) {
            (Action::List, 0) => Input::Listed(Err(passing())),
            (Action::List, n) => Input::Listed(Ok(ChannelListing::new(usize::from(n), vec![]))),
            (Action::Create, 0) => Input::Created { answer: Err(passing()), generation: 1 },
            (Action::Create, _) => {
                self.channels += 1;
                let id = ChannelId::new(format!("c{}", self.channels));
                Input::Created { answer: Ok(ChannelInfo::new(id, "wss://s/x")), generation: 1 }
            }
            (Action::Check(channel), 0) => Input::Checked { channel, answer: Err(passing()) },
            (Action::Check(channel), n) => Input::Checked { channel, answer: Ok(n % 2 == 0) },
            (Action::Clear(channel), n) => Input::Cleared { channel, alive: n > 0 },
            (Action::ReadBack(channel), _) => Input::ReadBack { channel, answer: Err(passing()) },
            (Action::Replace(channel, sent), 0) => {
                Input::Subscribed { channel, sent, answer: Err(passing()) }
            }
            (Action::Replace(channel, sent), 1) => {
                let answer = Err(Error::new(ErrorKind::NotFound, "gone").with_status(404));
                Input::Subscribed { channel, sent, answer }
            }
            (Action::Replace(channel, sent), n) => {
                let answer = sent.iter().enumerate().map(|(i, topic)| {
                    if n == 2 && i == 0 {
                        TopicState::rejected(topic.clone(), "no", vec![])
                    } else {
                        TopicState::permitted(topic.clone())
                    }
                });
                Input::Subscribed { channel, answer: Ok(answer.collect()), sent }
            }
            _ => Input::CaughtUp,
        };
        self.supervise(input);
    }

    fn play(&mut self, step: Move) {
        match step {
            Move::Advance(ms) => self.now += Duration::from_millis(u64::from(ms)),
            Move::Answer(how) => self.answer(how),
            Move::Opened => {
                if let Some(line) = &mut self.line {
                    line.open = true;
                    self.drive(session::Input::Opened);
                }
            }
            Move::Message if self.line.as_ref().is_some_and(|line| line.open) => {
                self.drive(session::Input::Message);
            }
            Move::Pong if self.line.as_ref().is_some_and(|line| line.open) => {
                self.drive(session::Input::Pong);
            }
            Move::Message | Move::Pong => {}
            Move::LineGone(how) => self.drive(session::Input::Gone(match how % 4 {
                0 => Gone::Closed { code: CloseCode::GOING_AWAY, reason: "".into() },
                1 => Gone::Cut { detail: "reset".into() },
                2 => Gone::Refused { status: 404 },
                _ => Gone::Unreachable { detail: "no route".into() },
            })),
            Move::ChannelGone => {
                if let Some(link) = self.line.as_ref().map(|line| line.link) {
                    let notice = Notice::ChannelGone("evicted".into());
                    self.supervise(Input::Notice { link, notice });
                }
            }
            Move::Timers => {
                if let Some(line) = &self.line {
                    let last_in = line.last_in.mono;
                    self.drive(session::Input::Timer { last_in, heard: last_in });
                }
                self.supervise(Input::Timer);
            }
            Move::Want(n) => {
                if self.supervisor.want(&[topic(n)]).unwrap() {
                    self.supervise(Input::Changed);
                }
            }
            Move::Unwant(n) => self.supervise(Input::Unwant(vec![topic(n)])),
            Move::Rotated => self.supervise(Input::TokenRotated { generation: 1 }),
            Move::CaughtUp => self.supervise(Input::CaughtUp),
            Move::Stray(n) => {
                let link = u64::from(n) + 1_000;
                let at = self.moment();
                self.supervise(Input::Flowing { link, at, token: None });
                let ending = Ending::new(Gone::HandshakeTimeout, None);
                self.supervise(Input::LinkGone { link, ending });
                self.supervise(Input::Start);
            }
            Move::Close => self.supervise(Input::Close),
        }
    }

    fn check_attempts(&self) {
        let stable = FullJitter::default().stable_after();
        let asked = self.policy.asked.lock().unwrap();
        let mut expected = 0;
        for (number, was_live) in asked.iter() {
            expected = if *was_live >= stable { 1 } else { expected + 1 };
            assert_eq!(*number, expected, "attempts grow until a connection was stable");
        }
    }

    fn check_gaps(&self) {
        for lifecycle in &self.emitted {
            if let Lifecycle::Gap { covered_until, resumed_at, duration, .. } = lifecycle {
                assert_eq!(resumed_at.duration_since(*covered_until).unwrap(), *duration);
            }
        }
    }
}

/// A move, drawn so that connections come up often enough to be interesting.
fn draw(random: &mut fastrand::Rng) -> Move {
    let byte = random.u8(..);
    match random.u8(..56) {
        0..=5 => Move::Advance(random.u32(..20_000)),
        6 => Move::Advance(random.u32(20_000..200_000)),
        7..=17 => Move::Answer(byte),
        18..=23 => Move::Opened,
        24..=29 => Move::Message,
        30..=33 => Move::Pong,
        34 | 35 => Move::LineGone(byte),
        36 => Move::ChannelGone,
        37..=45 => Move::Timers,
        46 | 47 => Move::Want(byte),
        48 | 49 => Move::Unwant(byte),
        50 | 51 => Move::Rotated,
        52 => Move::CaughtUp,
        53 | 54 => Move::Stray(byte),
        _ if byte < 16 => Move::Close,
        _ => Move::Timers,
    }
}

/// Names the seed of a schedule that broke a rule, so that it can be played again.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the schedule of seed {} broke a rule", self.0);
        }
    }
}

#[test]
fn ten_thousand_random_schedules_break_no_rule() {
    let (mut dials, mut live, mut gaps, mut stops) = (0, 0, 0, 0);
    for seed in 0..10_000 {
        let named = Seed(seed);
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        for _ in 0..random.usize(1..250) {
            world.play(draw(&mut random));
        }
        world.check_attempts();
        world.check_gaps();
        dials += world.dials.len();
        let count = |what| world.emitted.iter().filter(|item| item.what() == what).count();
        live += count("connected");
        gaps += count("gap");
        stops += count("stopped");
        drop(named);
    }
    println!("{dials} dials, {live} connections, {gaps} gaps, {stops} stops");
    assert!(
        dials > 10_000 && live > 9_000 && gaps > 2_000 && stops > 500,
        "schedules are too tame"
    );
}

/// Plays a server that accepts and closes at once.
fn accept_then_close(world: &mut World, horizon: Duration) {
    while world.now < horizon && !world.stopped {
        while !world.ops.is_empty() {
            world.answer(7);
        }
        if world.line.is_some() {
            world.play(Move::Opened);
            world.play(Move::Message);
            world.play(Move::LineGone(0));
            continue;
        }
        let wake = world.supervisor.wake_at().expect("something is always waited for");
        world.now = wake.saturating_duration_since(world.start).max(world.now);
        world.play(Move::Timers);
    }
}

/// Ends of the stretches of time, in seconds, whose dials are counted.
const STRETCHES: [u64; 6] = [2, 10, 60, 300, 1_200, 3_600];

#[test]
fn a_thousand_sessions_against_accept_then_close_fall_to_the_rate_of_the_policy() {
    let hour = Duration::from_secs(3_600);
    let mut dials = [0u32; STRETCHES.len()];
    for seed in 0..1_000 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut world = World::new();
        world.policy = Arc::new(Recorder { inner: FullJitter::default(), asked: Mutex::default() });
        // The same world with its own dice.
        while world.now < hour {
            while !world.ops.is_empty() {
                world.answer(7);
            }
            if world.line.is_some() {
                world.play(Move::Opened);
                world.play(Move::Message);
                let now = Now { at: world.moment(), unit_random: random.f64(), clogged: false };
                let line = world.line.take().unwrap();
                let cause = Gone::Closed { code: CloseCode::NORMAL, reason: "".into() };
                let ending = Ending::new(cause, Some(line.last_in));
                let input = Input::LinkGone { link: line.link, ending };
                world.supervisor.step(now, input, &mut Vec::new());
                continue;
            }
            let wake = world.supervisor.wake_at().expect("something is always waited for");
            world.now = wake.saturating_duration_since(world.start).max(world.now);
            world.play(Move::Timers);
        }
        for dial in &world.dials {
            // The last dial of a session may be past the hour.
            if let Some(stretch) = STRETCHES.iter().position(|end| dial.as_secs() < *end) {
                dials[stretch] += 1;
            }
        }
    }
    let mut begin = 0;
    let rates = STRETCHES.map(|end| {
        let stretch = STRETCHES.iter().position(|other| *other == end).unwrap();
        let seconds = u32::try_from(end - std::mem::replace(&mut begin, end)).unwrap();
        let rate = f64::from(dials[stretch]) / f64::from(seconds);
        (rate * 10.0).round() / 10.0
    });
    println!("dials/s of 1,000 sessions until second {STRETCHES:?}: {rates:?}");
    assert!(rates[0] > 400.0, "the first seconds hold the quick tries: {rates:?}");
    let falling = rates[..4].windows(2).all(|pair| pair[1] < pair[0] * 0.6);
    assert!(falling, "the rate falls: {rates:?}");
    // Capped at 90 s with a mean of 45 s: 1,000 / 45 = 22 a second.
    assert!(rates[4..].iter().all(|rate| (18.0..27.0).contains(rate)), "it settles: {rates:?}");
}

#[test]
fn attempts_end_where_the_policy_says() {
    let policy = Arc::new(FullJitter::default().max_attempts(3));
    let mut world = World::new();
    world.supervisor =
        Supervisor::new(policy, Overflow::Wait, Plan::of_channels(), &[topic(0)]).unwrap();
    world.ops.clear();
    world.line = None;
    world.supervise(Input::Start);
    accept_then_close(&mut world, Duration::from_secs(3_600));
    assert!(world.stopped);
    assert_eq!(world.dials.len(), 4, "the first dial and three redials");
    let last = world.emitted.last().unwrap();
    assert!(
        matches!(last, Lifecycle::Stopped { uncovered, .. } if uncovered.len() == 1),
        "{last:?}"
    );
}
