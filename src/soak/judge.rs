//! Says of every event what became of it, and of every gap how wide it is beyond the truth.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::ambient::{Micros, Timeline, micros};
use super::report::Report;
use super::topics::{Topics, mark, place};
use super::truth::Truth;
use crate::events::{Event, Lifecycle, Topic};
use crate::sim::Seen;
use crate::streaming::delivery::Delivery;

/// So long after an event turned out to be missing it is known where it was lost, and its gap is told, at the latest: a
/// socket that is silent is ended by the platform after 90 s, and then says what it had not sent.
const OWED: Micros = 120_000_000;
/// Lines that are kept of what happened last.
const LINES: usize = 400;

/// What became of an event so far.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Open,
    Delivered,
    InGap,
    /// Missing, and outside the gaps so far: see [`Owed`].
    Owed,
    Swallowed,
    /// Its topic was not, or no longer, wanted or covered.
    Free,
}

impl Emitted {
    /// Whether it happened, or was on its way, in a gap.
    fn is_inside(&self, gap: (Micros, Micros)) -> bool {
        self.at <= gap.1 && gap.0 <= self.until
    }
}

#[derive(Debug)]
struct Emitted {
    topic: u32,
    /// Its number in its topic.
    number: u32,
    at: Micros,
    /// When it was last seen on a wire, or lost with its socket.
    until: Micros,
    /// How often one socket sent it at most.
    copies: u8,
    swallowed: bool,
    out: u8,
    fate: Fate,
}

/// An event that is missing. When it was on its way for a while it lies inside a gap that began meanwhile; and a topic that
/// was added to a connection that flows has events before the answer that closes its gap.
struct Owed {
    mark: u64,
    /// When it has to be inside one of the gaps.
    until: Micros,
    /// Those of its topic before it was missing, and since.
    gaps: Vec<(Micros, Micros)>,
}

#[derive(Default)]
struct Account {
    /// The marks of its events.
    events: Vec<u32>,
    /// The number of the first event that is not judged yet.
    next: usize,
    /// Events before this number were nobody's when their topic was not wanted any more.
    free: usize,
    /// Covered, by what the stream says, since then.
    since: Option<Micros>,
    rejected: bool,
    /// Gaps since the last event that came out.
    gaps: Vec<(Micros, Micros)>,
}

/// Takes note of all that is emitted, written and delivered.
pub(super) struct Judge {
    pub(super) truth: Truth,
    pub(super) report: Report,
    topics: Topics,
    timeline: Timeline,
    events: Vec<Emitted>,
    accounts: Vec<Account>,
    /// The event that a socket wrote last, and how often in a row.
    last: std::collections::HashMap<u64, (u64, u8)>,
    lines: VecDeque<String>,
    trace: bool,
    gaps: u64,
    /// Events that are owed a gap.
    owed: VecDeque<Owed>,
    digest: DefaultHasher,
    stopped: bool,
}

type Verdict = Result<(), String>;

impl Judge {
    pub(super) fn new(topics: Topics, timeline: Timeline) -> Self {
        Self {
            truth: Truth::new(&topics),
            report: Report::default(),
            accounts: (0..topics.len()).map(|_| Account::default()).collect(),
            topics,
            timeline,
            events: Vec::new(),
            last: std::collections::HashMap::new(),
            lines: VecDeque::new(),
            trace: std::env::var_os("GENESYS_CLOUD_SOAK_TRACE").is_some(),
            gaps: 0,
            owed: VecDeque::new(),
            digest: DefaultHasher::new(),
            stopped: false,
        }
    }

    pub(super) fn topics(&self) -> &Topics {
        &self.topics
    }

    /// Stands for everything that came out, in order.
    pub(super) fn digest(&self) -> u64 {
        self.digest.finish()
    }

    pub(super) fn has_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) fn line(&mut self, what: impl FnOnce() -> String) {
        let at = self.timeline.present();
        let line = format!("{:>12.6} s  {}", at as f64 / 1e6, what());
        if self.trace {
            println!("{line}");
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// What happened last.
    pub(super) fn lines(&self) -> String {
        self.lines.iter().fold(String::new(), |all, line| all + line + "\n")
    }

    /// The next event of a topic: its mark.
    pub(super) fn next_mark(&self) -> u64 {
        self.events.len() as u64
    }

    /// The event with the next mark was emitted.
    pub(super) fn emitted(&mut self, topic: usize) {
        let at = self.timeline.present();
        let account = &mut self.accounts[topic];
        let number = account.events.len() as u32;
        account.events.push(self.events.len() as u32);
        let topic = topic as u32;
        self.events.push(Emitted {
            topic,
            number,
            at,
            until: at,
            copies: 0,
            swallowed: false,
            out: 0,
            fate: Fate::Open,
        });
        self.report.events += 1;
    }

    /// Judges what was owed a gap until this time.
    fn owes(&mut self, now: Micros) -> Verdict {
        while self.owed.front().is_some_and(|owed| owed.until <= now) {
            let Some(Owed { mark, gaps, .. }) = self.owed.pop_front() else { break };
            let event = &mut self.events[mark as usize];
            if event.fate != Fate::Owed {
                continue;
            }
            if !gaps.iter().any(|gap| event.is_inside(*gap)) {
                let gaps = format!("lost outside a gap; gaps there: {gaps:?}");
                return Err(self.about(mark, &gaps));
            }
            event.fate = Fate::InGap;
            self.report.in_gaps += 1;
            self.report.told_late += 1;
        }
        Ok(())
    }

    /// Judges what had its time.
    pub(super) fn overdue(&mut self) -> Verdict {
        self.owes(self.timeline.present())
    }

    /// Takes note of what sockets did.
    pub(super) fn see(&mut self, seen: Vec<(tokio::time::Instant, Seen)>) {
        for (at, seen) in seen {
            let at = self.timeline.of(at);
            match seen {
                Seen::Wrote { socket, mark } => {
                    let (last, run) = self.last.entry(socket).or_insert((mark, 0));
                    *run = if *last == mark { *run + 1 } else { 1 };
                    *last = mark;
                    let event = &mut self.events[mark as usize];
                    event.copies = event.copies.max(*run);
                    event.until = event.until.max(at);
                }
                Seen::Swallowed { mark } => self.events[mark as usize].swallowed = true,
                Seen::Lost { mark } => {
                    let event = &mut self.events[mark as usize];
                    event.until = event.until.max(at);
                }
                Seen::Closed { socket } => {
                    self.last.remove(&socket);
                    self.line(|| format!("platform: socket {socket} sends no more"));
                    self.truth.see(at, Seen::Closed { socket });
                }
                about => {
                    match &about {
                        Seen::Opened { channel, socket } => {
                            self.line(|| format!("platform: socket {socket} opened on {channel}"));
                        }
                        Seen::Quiet { socket, quiet } => {
                            self.line(|| format!("platform: socket {socket} silent: {quiet}"));
                        }
                        Seen::Subscribed { channel, gone, come } => {
                            let (gone, come) = (gone.len(), come.len());
                            self.line(|| format!("platform: {channel} -{gone} +{come} topics"));
                        }
                        _ => {}
                    }
                    self.truth.see(at, about);
                }
            }
        }
    }

    /// An item came out of the stream.
    pub(super) fn item(&mut self, delivery: &Delivery) -> Verdict {
        match &delivery.event {
            Event::Lifecycle(lifecycle) => self.own(lifecycle),
            event => {
                if let Some(mark) = mark(event) {
                    return self.delivered(mark, &delivery.topic);
                }
                delivery.topic.name().hash(&mut self.digest);
                let malformed = matches!(event, Event::Malformed { .. });
                self.report.extra += 1;
                self.report.malformed += u64::from(malformed);
                Ok(())
            }
        }
    }

    fn delivered(&mut self, mark: u64, name: &Topic) -> Verdict {
        mark.hash(&mut self.digest);
        let Some(event) = self.events.get_mut(mark as usize) else {
            return Err(format!("event {mark} was never emitted"));
        };
        let (topic, number) = (event.topic as usize, event.number as usize);
        if name.name() != self.topics.name(topic) {
            return Err(format!("event {mark} came under the topic {name}"));
        }
        event.out += 1;
        if event.out > 1 {
            if event.out > event.copies.max(1) {
                return Err(self.about(mark, "delivered twice"));
            }
            self.report.sent_twice += 1;
            return Ok(());
        }
        if number < self.accounts[topic].next {
            // Judged already: only what one of two channels did not send may be late.
            match event.fate {
                Fate::Swallowed => self.report.swallowed -= 1,
                Fate::InGap if event.swallowed => self.report.in_gaps -= 1,
                Fate::Free if event.swallowed => self.report.free -= 1,
                _ => return Err(self.about(mark, "out of order")),
            }
            event.fate = Fate::Delivered;
            self.report.delivered += 1;
            self.report.late += 1;
            return Ok(());
        }
        event.fate = Fate::Delivered;
        self.report.delivered += 1;
        self.judge_until(topic, number);
        let account = &mut self.accounts[topic];
        account.next = number + 1;
        account.gaps.clear();
        Ok(())
    }

    /// Judges the events of a topic before this number, none of which came out.
    fn judge_until(&mut self, topic: usize, number: usize) {
        for missing in self.accounts[topic].next..number {
            let account = &self.accounts[topic];
            let mark = account.events[missing] as usize;
            let event = &mut self.events[mark];
            let free = account.since.is_none_or(|since| event.at <= since);
            event.fate = if free || missing < account.free {
                self.report.free += 1;
                Fate::Free
            } else if event.swallowed && event.copies == 0 {
                self.report.swallowed += 1;
                Fate::Swallowed
            } else if account.gaps.iter().any(|gap| event.is_inside(*gap)) {
                self.report.in_gaps += 1;
                Fate::InGap
            } else if event.swallowed {
                self.report.swallowed += 1;
                Fate::Swallowed
            } else {
                let until = self.timeline.present() + OWED;
                self.owed.push_back(Owed { mark: mark as u64, until, gaps: account.gaps.clone() });
                Fate::Owed
            };
        }
        self.accounts[topic].next = number;
    }

    fn about(&self, mark: u64, what: &str) -> String {
        let event = &self.events[mark as usize];
        let topic = event.topic as usize;
        let account = &self.accounts[topic];
        let since = account.since;
        let name = self.topics.name(topic);
        format!("{name}: {what}: event {mark}, {event:?}, covered since {since:?}")
    }

    fn own(&mut self, lifecycle: &Lifecycle) -> Verdict {
        lifecycle.what().hash(&mut self.digest);
        *self.report.items.entry(lifecycle.what()).or_default() += 1;
        match lifecycle {
            Lifecycle::Subscribed { topics, since } => {
                self.line(|| format!("stream: subscribed {} topics", topics.len()));
                let since = micros(*since);
                for topic in topics.iter() {
                    let account = &mut self.accounts[place(self.truth.names(), topic)];
                    if account.since.is_some() {
                        return Err(format!("{topic} was subscribed twice"));
                    }
                    account.since = Some(since);
                    account.rejected = false;
                }
            }
            Lifecycle::Unsubscribed { topics } => {
                self.line(|| format!("stream: unsubscribed {} topics", topics.len()));
                for topic in topics.iter() {
                    self.forget(topic);
                }
            }
            Lifecycle::Rejected { topic, .. } => {
                self.line(|| format!("stream: rejected {topic}"));
                self.accounts[place(self.truth.names(), topic)].rejected = true;
            }
            Lifecycle::Gap { gap, topics, covered_until, resumed_at, duration, cause } => {
                self.gaps += 1;
                let (from, to) = (micros(*covered_until), micros(*resumed_at));
                (from, to, topics.len()).hash(&mut self.digest);
                self.line(|| {
                    let (from, to) = (from as f64 / 1e6, to as f64 / 1e6);
                    format!("stream: gap of {} topics {from:.6} to {to:.6}: {cause}", topics.len())
                });
                if to < from || duration.as_micros() != u128::from(to - from) {
                    return Err(format!("a gap from {from} to {to} lasts {duration:?}"));
                }
                if *gap != crate::core::ids::GapId::new(self.gaps) {
                    return Err(format!("gap {} has the id {gap:?}", self.gaps));
                }
                for topic in topics.iter() {
                    self.gap(topic, from, to)?;
                }
            }
            Lifecycle::Lagged { dropped } => return Err(format!("{dropped} events dropped")),
            Lifecycle::Stopped { reason, uncovered } => {
                self.stopped = true;
                self.line(|| format!("stream: stopped: {reason}"));
                if !uncovered.is_empty() {
                    return Err(format!("uncovered at the end: {uncovered:?}"));
                }
            }
            Lifecycle::Disconnected { cause, retry_in, was_live, .. } => {
                *self.report.causes.entry(report_name(cause)).or_default() += 1;
                self.line(|| {
                    format!(
                        "stream: disconnected after {was_live:?}, again in {retry_in:?}: {cause}"
                    )
                });
            }
            Lifecycle::Renewed { channel, reason, .. } => {
                *self.report.renewals.entry(reason.as_str()).or_default() += 1;
                self.line(|| format!("stream: renewed {channel:?}: {reason}"));
            }
            Lifecycle::Connected { channel, .. } | Lifecycle::Released { channel } => {
                let what = lifecycle.what();
                self.line(|| format!("stream: {what} {channel:?}"));
            }
            other => self.line(|| format!("stream: {}", other.what())),
        }
        Ok(())
    }

    fn gap(&mut self, topic: &Topic, from: Micros, to: Micros) -> Verdict {
        let at = place(self.truth.names(), topic);
        let dark = self.truth.dark(at, from, to);
        let beyond = (to - from).saturating_sub(dark);
        self.report.topic_gaps += 1;
        self.report.widest = self.report.widest.max(beyond);
        let account = &mut self.accounts[at];
        if account.since.is_none() {
            return Err(format!("{topic} has a gap, and was never covered"));
        }
        account.rejected = false;
        account.gaps.push((from, to));
        for owed in &mut self.owed {
            if self.events[owed.mark as usize].topic as usize == at {
                owed.gaps.push((from, to));
            }
        }
        if beyond > super::report::WIDEST {
            let name = self.topics.name(at);
            return Err(format!("gap of {name} from {from} to {to} µs: dark for {dark} µs only"));
        }
        Ok(())
    }

    /// A topic is not wanted any more.
    fn forget(&mut self, topic: &Topic) {
        let at = place(self.truth.names(), topic);
        let account = &mut self.accounts[at];
        // What it still had to come is of no interest.
        account.since = None;
        account.rejected = false;
        account.gaps.clear();
        account.free = account.events.len();
        for owed in &self.owed {
            let event = &mut self.events[owed.mark as usize];
            if event.topic as usize == at && event.fate == Fate::Owed {
                event.fate = Fate::Free;
                self.report.free += 1;
                self.report.let_go += 1;
            }
        }
    }

    /// Topics that the platform does not deliver, or that the stream has been refused.
    pub(super) fn unsettled(&self, wanted: &[usize]) -> usize {
        let bad = |topic: &&usize| {
            let account = &self.accounts[**topic];
            account.since.is_none() || account.rejected || !self.truth.is_light(**topic)
        };
        wanted.iter().filter(bad).count()
    }

    /// Whether the last event of every one of these topics came out.
    pub(super) fn is_complete(&mut self, wanted: &[usize]) -> Verdict {
        self.owes(Micros::MAX)?;
        for topic in wanted {
            let account = &self.accounts[*topic];
            if account.next < account.events.len() {
                let mark = u64::from(account.events[account.next]);
                return Err(self.about(mark, "did not come out at the end"));
            }
        }
        let Report { events, delivered, in_gaps, swallowed, free, .. } = self.report;
        let open = self.events.iter().filter(|event| event.fate == Fate::Open).count() as u64;
        if events != delivered + in_gaps + swallowed + free + open {
            return Err(format!("the sum is wrong: {:?}, {open} open", self.report));
        }
        Ok(())
    }
}

fn report_name(cause: &crate::core::close::Gone) -> String {
    let text = format!("{cause:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}
