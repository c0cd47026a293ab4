//! Which conversations a query finds, and in which order.

use serde::Deserialize;

use super::books::Books;
use super::conversation::Conversation;
use super::dimensions::{CONVERSATION, SEGMENT};
use super::fields::{Place, places};
use super::filter::Filter;
use super::history::LONGEST;
use super::interval::Interval;
use super::plan::Plan;
use crate::sim::response::Reply;
use crate::sim::world::World;

/// Where a conversation is found again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// In the past, by number.
    Past(usize),
    /// Among those that are over, by number.
    Over(usize),
    /// With an agent, by the place of the agent.
    Live(usize),
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum Order {
    #[default]
    Asc,
    Desc,
    Unordered,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) enum OrderBy {
    #[default]
    ConversationStart,
    ConversationEnd,
    SegmentStart,
    SegmentEnd,
}

/// When a conversation belongs to an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Touch {
    /// It began in it.
    Began,
    /// It was there at some time of it.
    Active,
}

/// What is looked for.
pub(super) struct Search<'q> {
    pub(super) interval: Interval,
    pub(super) touch: Touch,
    pub(super) conversations: &'q [Filter],
    pub(super) segments: &'q [Filter],
    pub(super) order: Order,
    pub(super) order_by: OrderBy,
}

/// Whether the filters name only what there is.
pub(super) fn check(conversations: &[Filter], segments: &[Filter]) -> Result<(), Reply> {
    conversations.iter().try_for_each(|filter| filter.check(CONVERSATION))?;
    segments.iter().try_for_each(|filter| filter.check(SEGMENT))
}

/// The conversation at a place; `None` when it has been forgotten.
pub(super) fn conversation<'a>(
    world: &'a World,
    books: &'a Books,
    at: At,
) -> Option<Conversation<'a>> {
    let plan = match at {
        At::Past(number) => books.history.plan(world, books.wrap_ups.at_start(), number),
        At::Over(number) => {
            let one = world.finished.get(number)?;
            Plan::of_call(world, &one.call, world.agents.get(one.agent))
        }
        At::Live(place) => {
            let agent = world.agents.get(place)?;
            Plan::of_call(world, agent.call.as_ref()?, Some(agent))
        }
    };
    Some(Conversation::of(plan))
}

/// The conversation of an id.
pub(super) fn find<'a>(world: &'a World, books: &'a Books, id: &str) -> Option<Conversation<'a>> {
    let live = || {
        let calls = world.agents.iter().enumerate();
        let mut calls = calls.filter_map(|(place, one)| Some((place, one.call.as_ref()?)));
        calls.find(|(_, call)| call.id.eq_ignore_ascii_case(id)).map(|(place, _)| At::Live(place))
    };
    let over = || {
        let found = world.finished.iter().find(|(_, one)| one.call.id.eq_ignore_ascii_case(id));
        found.map(|(number, _)| At::Over(number))
    };
    let at = books.history.find(id).map(At::Past).or_else(over).or_else(live)?;
    conversation(world, books, at)
}

/// Everything that may be in an interval, in the order of its start.
pub(super) fn candidates(
    world: &World,
    books: &Books,
    interval: Interval,
    touch: Touch,
) -> Vec<At> {
    let from = match touch {
        Touch::Began => interval.from,
        Touch::Active => interval.from.saturating_sub(LONGEST),
    };
    let mut found: Vec<At> = books.history.began(from, interval.to).map(At::Past).collect();
    let over = world.finished.iter().map(|(number, one)| (one.call.started, At::Over(number)));
    let live = world.agents.iter().enumerate().filter_map(|(place, agent)| {
        agent.call.as_ref().map(|call| (call.started, At::Live(place)))
    });
    let began_in =
        |started: i64| started < interval.to && (touch == Touch::Active || started >= from);
    let mut recent: Vec<(i64, At)> = over.chain(live).filter(|(at, _)| began_in(*at)).collect();
    recent.sort_by_key(|(started, _)| *started);
    found.extend(recent.into_iter().map(|(_, at)| at));
    found
}

impl Search<'_> {
    /// All that is found, in order; each takes 16 bytes.
    pub(super) fn run(&self, world: &World, books: &Books) -> Vec<At> {
        let mut found = candidates(world, books, self.interval, self.touch);
        let filtered = !self.conversations.is_empty() || !self.segments.is_empty();
        if filtered || self.touch == Touch::Active {
            let division = world.division["id"].as_str().unwrap_or_default();
            found.retain(|at| {
                let one = conversation(world, books, *at);
                one.is_some_and(|one| self.wants(&one, division))
            });
        }
        if matches!(self.order_by, OrderBy::ConversationEnd | OrderBy::SegmentEnd) {
            found.sort_by_cached_key(|at| {
                let one = conversation(world, books, *at);
                let end = one.and_then(|one| match self.order_by {
                    OrderBy::ConversationEnd => one.plan.ended,
                    _ => one.plan.last(),
                });
                // What goes on ends last.
                end.unwrap_or(i64::MAX)
            });
        }
        if self.order == Order::Desc {
            found.reverse();
        }
        found
    }

    /// A filter of segments holds when it holds for one and the same segment.
    fn wants(&self, one: &Conversation<'_>, division: &str) -> bool {
        let plan = &one.plan;
        if self.touch == Touch::Active
            && (plan.started >= self.interval.to
                || plan.last().is_some_and(|last| last < self.interval.from))
        {
            return false;
        }
        let whole = Place { conversation: one, participant: None, segment: None, division };
        self.conversations.iter().all(|filter| filter.fits(&whole))
            && self
                .segments
                .iter()
                .all(|filter| places(one, division).any(|place| filter.fits(&place)))
    }
}
