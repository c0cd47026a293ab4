//! A supervisor with one channel, at any step of its replacement, and a platform that does what it is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::core::clock::Moment;
use crate::core::close::Gone;
use crate::core::ids::ChannelId;
use crate::core::ports::{ChannelInfo, ChannelListing, TopicState};
use crate::error::{Error, ErrorKind};
use crate::events::{Lifecycle, Topic};
use crate::streaming::ledger::LinkKey;
use crate::streaming::policy::{FixedDelay, Overflow};
use crate::streaming::protocol::Notice;
use crate::streaming::supervisor::shard::{Shard, State};
use crate::streaming::supervisor::succession::Phase;
use crate::streaming::supervisor::{Action, ChannelRules, Ending, Input, Now, Plan, Supervisor};

/// The steps of a replacement, each with something under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    /// The platform is asked how many channels there are.
    Listing,
    /// A channel is made.
    Creating,
    /// It is subscribed.
    Subscribing,
    /// It is dialled, or open and not flowing.
    Dialling,
    /// Both flow.
    Flowing,
    /// The old one was asked to close.
    Leaving,
    /// The new one has taken over, and the old one is unsubscribed.
    Clearing,
}

pub(super) const STEPS: [Step; 7] = [
    Step::Listing,
    Step::Creating,
    Step::Subscribing,
    Step::Dialling,
    Step::Flowing,
    Step::Leaving,
    Step::Clearing,
];

/// One connection, as the platform sees it.
struct Line {
    channel: ChannelId,
    open: bool,
    /// It was asked to show that it flows, or has not shown it yet.
    asked: bool,
    closing: Option<Gone>,
}

pub(super) struct Bench {
    supervisor: Supervisor,
    start: Instant,
    now: Duration,
    pub(super) clogged: bool,
    /// Channels of others.
    pub(super) others: usize,
    /// How long what came last from a connection may have been on its way.
    pub(super) held_up: Duration,
    lines: BTreeMap<LinkKey, Line>,
    /// Calls that are not answered.
    calls: Vec<Action>,
    /// Channels, and what they are subscribed to.
    channels: BTreeMap<ChannelId, BTreeSet<Topic>>,
    made: u64,
    token: u64,
    wanted: BTreeSet<Topic>,
    emitted: Vec<Lifecycle>,
    stopped: bool,
    /// What was done since it was asked last, in short.
    log: Vec<String>,
}

pub(super) fn topic(name: &str) -> Topic {
    format!("v2.users.{name}.presence").parse().unwrap()
}

fn name(topic: &Topic) -> &str {
    topic.id()
}

impl Bench {
    /// One channel that flows, `c1`, with the topics `a` and `b`, and a reading of its subscription under way.
    pub(super) fn live() -> Self {
        let mut bench = Self::of(&["a", "b"], ChannelRules::default());
        bench.later(600);
        assert!(matches!(bench.calls[..], [Action::ReadBack(_)]));
        bench.emitted.clear();
        bench
    }

    /// As many channels as these topics need, that flow.
    pub(super) fn of(names: &[&str], rules: ChannelRules) -> Self {
        let rules = ChannelRules { check_every: Some(Duration::from_secs(600)), ..rules };
        let plan = Plan {
            channels: Some(rules),
            covers: Vec::new(),
            max_topics: 0,
            renew_after: Some(Duration::from_secs(80_000)),
            overlap: Duration::from_secs(5),
        };
        let wanted: BTreeSet<Topic> = names.iter().map(|name| topic(name)).collect();
        let list: Vec<Topic> = wanted.iter().cloned().collect();
        let policy = Arc::new(FixedDelay::new(Duration::from_secs(2)));
        let mut bench = Self {
            supervisor: Supervisor::new(policy, Overflow::Wait, plan, &list).unwrap(),
            start: Instant::now(),
            now: Duration::ZERO,
            clogged: false,
            others: 0,
            held_up: Duration::ZERO,
            lines: BTreeMap::new(),
            calls: Vec::new(),
            channels: BTreeMap::new(),
            made: 0,
            token: 1,
            wanted,
            emitted: Vec::new(),
            stopped: false,
            log: Vec::new(),
        };
        bench.step(Input::Start);
        bench.settle();
        bench.ready()
    }

    /// At a step of a replacement that its owner asked for.
    pub(super) fn at(step: Step) -> Self {
        let mut bench = Self::live();
        bench.step(Input::Renew);
        if step == Step::Listing {
            return bench.ready();
        }
        bench.answer();
        if step == Step::Creating {
            return bench.ready();
        }
        bench.answer();
        if step == Step::Subscribing {
            return bench.ready();
        }
        bench.answer();
        if step == Step::Dialling {
            return bench.ready();
        }
        bench.flows("c2");
        if step == Step::Flowing {
            return bench.ready();
        }
        bench.later(5);
        if step == Step::Leaving {
            return bench.ready();
        }
        bench.line_gone("c1", Gone::Requested, true);
        bench.ready()
    }

    fn ready(mut self) -> Self {
        self.log.clear();
        self
    }

    fn moment(&self) -> Moment {
        self.moment_at(self.now)
    }

    fn moment_at(&self, after: Duration) -> Moment {
        Moment { mono: self.start + after, wall: SystemTime::UNIX_EPOCH + after }
    }

    pub(super) fn step(&mut self, input: Input) {
        let now = Now { at: self.moment(), unit_random: 0.5, clogged: self.clogged };
        let mut actions = Vec::new();
        self.supervisor.step(now, input, &mut actions);
        for action in actions {
            assert!(!self.stopped, "after the stop: {action:?}");
            self.log.push(self.short(&action));
            self.perform(action);
        }
    }

    pub(super) fn later(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.step(Input::Timer);
    }

    fn channel_of(&self, link: LinkKey) -> String {
        self.lines.get(&link).map_or_else(|| "?".into(), |line| line.channel.expose().to_owned())
    }

    fn short(&self, action: &Action) -> String {
        let names = |sent: &[Box<str>]| {
            let members = sent.iter().flat_map(|name| Topic::<()>::unchecked(&**name).members());
            let names: BTreeSet<String> = members.map(|topic| name(&topic).to_owned()).collect();
            names.into_iter().collect::<String>()
        };
        match action {
            Action::List => "list".into(),
            Action::Create => "create".into(),
            Action::Clear(id) => format!("clear {}", id.expose()),
            Action::ReadBack(id) => format!("read {}", id.expose()),
            Action::Check(id) => format!("check {}", id.expose()),
            Action::Replace(id, sent) => format!("put {} {}", id.expose(), names(sent)),
            Action::Dial { channel, .. } => {
                format!("dial {}", channel.as_ref().unwrap().id.expose())
            }
            Action::Speak(link) => format!("speak {}", self.channel_of(*link)),
            Action::Mute(link) => format!("mute {}", self.channel_of(*link)),
            Action::Hush(link) => format!("hush {}", self.channel_of(*link)),
            Action::Probe(link) => format!("probe {}", self.channel_of(*link)),
            Action::CloseLink(link, _) => format!("close {}", self.channel_of(*link)),
            Action::Emit(item) => format!("+{}", item.what()),
            Action::AwaitConsumer => "await".into(),
            Action::Stop(_) => "stop".into(),
            Action::Subscribe(..) => panic!("a channel is subscribed by a call"),
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Dial { link, channel, .. } => {
                let channel = channel.unwrap().id;
                let line = Line { channel, open: false, asked: true, closing: None };
                assert!(self.lines.insert(link, line).is_none(), "dialled twice");
            }
            Action::Probe(link) => {
                self.lines.get_mut(&link).into_iter().for_each(|line| line.asked = true);
            }
            Action::CloseLink(link, why) => {
                if let Some(line) = self.lines.get_mut(&link) {
                    line.closing.get_or_insert(why);
                }
            }
            Action::Emit(item) => self.emitted.push(item),
            Action::Stop(_) => self.stopped = true,
            Action::Speak(_) | Action::Mute(_) | Action::Hush(_) => {}
            call => self.calls.push(call),
        }
    }

    /// Whether a call of the replacement is under way, which is the one that was made last.
    pub(super) fn has_call(&self) -> bool {
        !matches!(self.calls.last(), None | Some(Action::ReadBack(_)))
    }

    /// The call that was made last fails.
    pub(super) fn fail(&mut self, error: &Error) {
        let error = {
            let copy = Error::new(error.kind(), error.summary()).retryable(error.is_retryable());
            match error.retry_after() {
                Some(wait) => copy.with_retry_after(wait),
                None => copy,
            }
        };
        let input = match self.calls.pop().unwrap() {
            Action::List => Input::Listed(Err(error)),
            Action::Create => Input::Created { answer: Err(error), generation: self.token },
            Action::Replace(channel, sent) => {
                Input::Subscribed { channel, sent, answer: Err(error) }
            }
            Action::Clear(channel) => {
                Input::Cleared { channel, alive: error.kind() != ErrorKind::NotFound }
            }
            call => panic!("{call:?}"),
        };
        self.step(input);
    }

    /// The call that was made last is answered; a reading of subscriptions waits until nothing else does.
    pub(super) fn answer(&mut self) -> bool {
        let place = self.calls.iter().rposition(|call| !matches!(call, Action::ReadBack(_)));
        place.is_some_and(|place| {
            let call = self.calls.remove(place);
            self.answer_to(call);
            true
        })
    }

    /// The platform refuses a topic in the call that was made last.
    pub(super) fn refuse_topic(&mut self, name: &str) {
        let Some(Action::Replace(channel, sent)) = self.calls.pop() else { panic!("no call") };
        let members = sent.iter().flat_map(|name| Topic::<()>::unchecked(&**name).members());
        let state = |one: Topic| {
            if one == topic(name) {
                TopicState::rejected(one.name(), "no", vec![])
            } else {
                TopicState::permitted(one.name())
            }
        };
        let states: Vec<TopicState> = members.map(state).collect();
        let there = |state: &&TopicState| state.rejected.is_none();
        let there = states.iter().filter(there).map(|state| Topic::unchecked(&*state.topic));
        self.channels.insert(channel.clone(), there.collect());
        self.step(Input::Subscribed { channel, sent, answer: Ok(states) });
    }

    /// Everything that was asked for is done, but for readings of subscriptions.
    pub(super) fn settle(&mut self) {
        while self.answer() || self.serve() {}
    }

    /// Readings of subscriptions that are not answered.
    pub(super) fn readings(&self) -> usize {
        self.calls.iter().filter(|call| matches!(call, Action::ReadBack(_))).count()
    }

    /// The reading of a subscription is answered.
    pub(super) fn read_back(&mut self) -> bool {
        let call = self.calls.iter().position(|call| matches!(call, Action::ReadBack(_)));
        call.is_some_and(|call| {
            let call = self.calls.remove(call);
            self.answer_to(call);
            true
        })
    }

    fn answer_to(&mut self, call: Action) {
        let missing = || Error::new(ErrorKind::NotFound, "gone").with_status(404);
        let permitted = |topics: &BTreeSet<Topic>| -> Vec<TopicState> {
            topics.iter().map(|topic| TopicState::permitted(topic.name())).collect()
        };
        let input = match call {
            Action::List => {
                let in_use = self.channels.len() + self.others;
                Input::Listed(Ok(ChannelListing::new(in_use, vec![])))
            }
            Action::Create => {
                self.made += 1;
                let id = ChannelId::new(format!("c{}", self.made));
                self.channels.insert(id.clone(), BTreeSet::new());
                let answer = Ok(ChannelInfo::new(id, "wss://s/x"));
                Input::Created { answer, generation: self.token }
            }
            Action::Replace(channel, sent) => {
                let members =
                    sent.iter().flat_map(|name| Topic::<()>::unchecked(&**name).members());
                let all: BTreeSet<Topic> = members.collect();
                let answer = match self.channels.get_mut(&channel) {
                    Some(topics) => {
                        topics.clone_from(&all);
                        Ok(permitted(&all))
                    }
                    None => Err(missing()),
                };
                Input::Subscribed { channel, sent, answer }
            }
            Action::Clear(channel) => {
                let topics = self.channels.get_mut(&channel);
                let alive = topics.is_some();
                topics.into_iter().for_each(BTreeSet::clear);
                Input::Cleared { channel, alive }
            }
            Action::Check(channel) => {
                let answer = Ok(self.channels.contains_key(&channel));
                Input::Checked { channel, answer }
            }
            Action::ReadBack(channel) => {
                let answer = self.channels.get(&channel).map(permitted).ok_or_else(missing);
                Input::ReadBack { channel, answer }
            }
            _ => Input::CaughtUp,
        };
        self.step(input);
    }

    fn link_of(&self, channel: &str) -> Option<LinkKey> {
        let mut lines = self.lines.iter();
        lines.find(|(_, line)| line.channel.expose() == channel).map(|(link, _)| *link)
    }

    /// Whether a channel has a connection.
    pub(super) fn has_line(&self, channel: &str) -> bool {
        self.link_of(channel).is_some()
    }

    /// Whether a channel is dialled, and not open.
    pub(super) fn is_dialled(&self, channel: &str) -> bool {
        self.lines.values().any(|line| line.channel.expose() == channel && !line.open)
    }

    pub(super) fn has_channel(&self, channel: &str) -> bool {
        self.channels.contains_key(&ChannelId::new(channel))
    }

    fn flows(&mut self, channel: &str) {
        let link = self.link_of(channel).unwrap();
        let line = self.lines.get_mut(&link).unwrap();
        (line.open, line.asked) = (true, false);
        let at = self.moment();
        self.step(Input::Flowing { link, at, token: None });
    }

    /// Whether a connection that shows that it flows may deliver; one that may not comes to its end.
    pub(super) fn speaks(&mut self, channel: &str) -> bool {
        let link = self.link_of(channel).unwrap();
        self.flows(channel);
        let speaks = self.supervisor.may_speak(link);
        if !speaks {
            self.step(Input::Fading { link });
        }
        speaks
    }

    /// A connection ends; `drained` when the peer has answered our close.
    pub(super) fn line_gone(&mut self, channel: &str, cause: Gone, drained: bool) {
        let link = self.link_of(channel).unwrap();
        let line = self.lines.remove(&link).unwrap();
        // Whatever ends a connection that we are closing, the reason is ours.
        let cause = line.closing.unwrap_or(cause);
        let mut ending = Ending::new(cause, line.open.then(|| self.moment()));
        ending.drained = drained;
        let sure_at = self.now.saturating_sub(self.held_up);
        ending.sure = ending.sure.map(|_| self.moment_at(sure_at));
        self.step(Input::LinkGone { link, ending });
    }

    /// A dial is refused.
    pub(super) fn refused(&mut self, channel: &str, status: u16, retry_after: Option<Duration>) {
        let link = self.link_of(channel).unwrap();
        self.lines.remove(&link);
        let mut ending = Ending::new(Gone::Refused { status }, None);
        ending.retry_after = retry_after;
        self.step(Input::LinkGone { link, ending });
    }

    pub(super) fn notice(&mut self, channel: &str, notice: Notice) {
        let link = self.link_of(channel).unwrap();
        self.step(Input::Notice { link, notice });
    }

    /// The platform removes a channel, and tells its connection if there is one.
    pub(super) fn evict(&mut self, channel: &str) {
        self.channels.remove(&ChannelId::new(channel));
        if self.has_line(channel) {
            self.notice(channel, Notice::ChannelGone("evicted".into()));
            self.line_gone(channel, Gone::Cut { detail: "evicted".into() }, false);
        }
    }

    /// The platform drops a topic from a channel.
    pub(super) fn drop_topic(&mut self, channel: &str, name: &str) {
        let topics = self.channels.get_mut(&ChannelId::new(channel)).unwrap();
        assert!(topics.remove(&topic(name)));
    }

    pub(super) fn want(&mut self, name: &str) {
        self.wanted.insert(topic(name));
        assert!(self.supervisor.want(&[topic(name)]).unwrap());
        self.step(Input::Changed);
    }

    pub(super) fn unwant(&mut self, name: &str) {
        self.wanted.remove(&topic(name));
        self.step(Input::Unwant(vec![topic(name)]));
    }

    pub(super) fn rotate(&mut self) {
        self.token += 1;
        self.step(Input::TokenRotated { generation: self.token });
    }

    /// Whether something is due now, whatever is done.
    pub(super) fn is_due(&self) -> bool {
        self.supervisor.wake_at().is_some_and(|at| at <= self.moment().mono)
    }

    /// Channels whose connections were told to have ended.
    pub(super) fn disconnected(&self) -> Vec<&str> {
        let items = self.emitted.iter();
        let named = items.filter_map(|item| match item {
            Lifecycle::Disconnected { channel, .. } => channel.as_ref(),
            _ => None,
        });
        named.map(ChannelId::expose).collect()
    }

    /// What the clock shows.
    pub(super) fn wall(&self) -> SystemTime {
        self.moment().wall
    }

    /// When the gaps that were told began, and until when topics were surely there that were found missing.
    pub(super) fn gaps(&self) -> Vec<(&'static str, SystemTime)> {
        let at = |item: &Lifecycle| match item {
            Lifecycle::Gap { covered_until, .. } => Some(("gap", *covered_until)),
            Lifecycle::Drifted { sure_until, .. } => Some(("drifted", *sure_until)),
            _ => None,
        };
        self.emitted.iter().filter_map(at).collect()
    }

    /// Connections do what they were asked for: one closes, or shows that it flows. Whether there was one.
    pub(super) fn serve(&mut self) -> bool {
        let closing = self.lines.values().find(|line| line.closing.is_some());
        if let Some(channel) = closing.map(|line| line.channel.expose().to_owned()) {
            let open = self.lines.values().any(|line| line.open && line.closing.is_some());
            self.line_gone(&channel, Gone::Requested, open);
            return true;
        }
        let Some(channel) =
            self.lines.values().find(|line| line.asked).map(|line| line.channel.clone())
        else {
            return false;
        };
        if self.channels.contains_key(&channel) {
            self.flows(channel.expose());
        } else {
            self.refused(channel.expose(), 404, None);
        }
        true
    }

    /// How many channels are connected and subscribed to a topic.
    pub(super) fn carriers(&self, name: &str) -> usize {
        let has = |line: &&Line| {
            self.channels.get(&line.channel).is_some_and(|topics| topics.contains(&topic(name)))
        };
        self.lines.values().filter(has).count()
    }

    pub(super) fn is_covered(&self) -> bool {
        self.wanted.iter().all(|topic| self.supervisor.covers(topic))
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }

    /// Successors that will not take over.
    pub(super) fn unfit(&self) -> usize {
        let shards = self.supervisor.shards.values();
        let successors = shards.filter_map(|shard| shard.renewal.successor.as_ref());
        successors.filter(|one| matches!(one.phase, Phase::Unfit { .. })).count()
    }

    /// What was done, and how it stands.
    pub(super) fn outcome(&self) -> String {
        let done = if self.log.is_empty() { "-".into() } else { self.log.join(", ") };
        let shards: Vec<&Shard> = self.supervisor.shards.values().map(|shard| &**shard).collect();
        let [shard] = shards[..] else { return format!("{done} | {} shards", shards.len()) };
        let own = |shard: &Shard| {
            let held = shard.channel.as_ref();
            held.map_or_else(|| "-".into(), |held| held.info.id.expose().to_owned())
        };
        let state = match shard.state {
            State::Idle => "idle",
            State::Creating => "creating",
            State::Checking => "checking",
            State::Subscribing => "subscribing",
            State::Dialing { .. } => "dialling",
            State::Live { .. } => "live",
            State::Waiting { .. } => "waiting",
            State::Held { .. } => "held",
            State::Closing { .. } => "closing",
            State::Over => "over",
        };
        let successor = match &shard.renewal.successor {
            None if shard.renewal.wanted.is_some() => {
                let due = shard.renewal.due().unwrap_or(self.start);
                let wait = due.saturating_duration_since(self.start + self.now);
                format!(", next in {} ms", wait.as_millis())
            }
            None => String::new(),
            Some(one) => match one.phase {
                Phase::Wanting => ", next wanted",
                Phase::Subscribing => ", next subscribing",
                Phase::Dialing { .. } => ", next dialling",
                Phase::Flowing { closes: Some(_), .. } => ", next flows",
                Phase::Flowing { closes: None, .. } => ", next waits",
                Phase::Unfit { .. } => ", next unfit",
            }
            .into(),
        };
        let covered = |topic: &Topic| self.supervisor.covers(topic);
        let open: String = self.wanted.iter().filter(|topic| !covered(topic)).map(name).collect();
        let open = if open.is_empty() { open } else { format!(", {open} open") };
        format!("{done} | {state} {}{successor}{open}", own(shard))
    }

    /// Plays on until nothing is left to do, and says how it ends.
    pub(super) fn end(&mut self) -> String {
        let mut calm = 0;
        let began = self.now;
        while calm < 10 && !self.stopped {
            if self.now > began + Duration::from_secs(400) {
                return format!("no end: {}", self.outcome());
            }
            if self.answer() || self.serve() || self.read_back() {
                calm = 0;
                continue;
            }
            calm = if self.supervisor.is_at_rest() { calm + 1 } else { 0 };
            self.later(1);
        }
        let count = |what: &str| self.emitted.iter().filter(|item| item.what() == what).count();
        let mut end = if self.stopped { "stopped".to_owned() } else { self.rest() };
        for what in ["renewed", "gap", "disconnected", "drifted"] {
            let count = count(what);
            if count > 0 {
                let _ = write!(end, ", {count} {what}");
            }
        }
        end
    }

    /// At rest every topic is covered, by a channel that has it, and nothing else is left.
    fn rest(&self) -> String {
        let [line] = &self.lines.values().collect::<Vec<_>>()[..] else {
            return format!("{} connections", self.lines.len());
        };
        let name = line.channel.expose();
        if self.channels.get(&line.channel) != Some(&self.wanted) {
            return format!("{name} has other topics");
        }
        if let Some(topic) = self.wanted.iter().find(|topic| !self.supervisor.covers(topic)) {
            return format!("{topic} is not covered by {name}");
        }
        let others = self.channels.iter().filter(|(id, _)| **id != line.channel);
        let left = others.filter(|(_, topics)| !topics.is_empty()).map(|(id, _)| id.expose());
        match left.collect::<String>() {
            none if none.is_empty() => name.to_owned(),
            some => format!("{name} ({some} not cleared)"),
        }
    }
}
