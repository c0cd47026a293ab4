//! The last state of every user: a pure function of what was heard.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Serialize, Serializer};

use super::event::{Presence, PresenceState};
use crate::core::id_text::canonical;
use crate::events::Timestamp;

/// What is known of a user who is tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KnownPresence {
    /// The state; `None` until the user was heard of.
    pub state: Option<PresenceState>,
    /// Since when the user is in it: the platform's time where the event told it, else when it came in.
    #[serde(serialize_with = "time")]
    pub since: Option<SystemTime>,
    /// When the user was heard of last.
    #[serde(serialize_with = "time")]
    pub heard_at: Option<SystemTime>,
    /// Whether something may have been missed since: the stream had a gap, and the user was not heard of after it.
    pub stale: bool,
    /// Why the platform refuses to tell of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<Box<str>>,
    /// The newest time that the platform named, which is what lateness is judged by.
    #[serde(skip)]
    newest: Option<SystemTime>,
}

#[allow(clippy::ref_option)] // What serde calls.
fn time<S: Serializer>(time: &Option<SystemTime>, to: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::from).serialize(to)
}

fn moment<S: Serializer>(time: &SystemTime, to: S) -> Result<S::Ok, S::Error> {
    Timestamp::from(*time).serialize(to)
}

/// That a user came from one state to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PresenceChange {
    /// The user's id, as the platform spells it.
    pub user: Arc<str>,
    /// The state before; `None` when the user is heard of for the first time.
    pub from: Option<PresenceState>,
    /// Whether something may have been missed between `from` and `to`.
    pub after_gap: bool,
    /// The state.
    pub to: PresenceState,
    /// When, by the platform's clock; `None` when the event does not say.
    #[serde(serialize_with = "time")]
    pub at: Option<SystemTime>,
    /// When the event came in.
    #[serde(serialize_with = "moment")]
    pub received_at: SystemTime,
}

/// What a presence was to the cache.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// The user is in another state now.
    Changed(PresenceChange),
    /// The user is in the same state still.
    Unchanged,
    /// Something newer was heard before.
    Late,
    /// The user is not tracked.
    Stranger,
}

/// The users who are tracked, by their ids as the platform spells them.
#[derive(Debug, Default)]
pub(super) struct Cache {
    users: BTreeMap<Arc<str>, KnownPresence>,
}

impl Cache {
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    pub(super) fn tracks(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }

    /// Begins to track a user; what is known of one who is tracked stays.
    pub(super) fn track(&mut self, user: Arc<str>) {
        self.users.entry(user).or_default();
    }

    pub(super) fn untrack(&mut self, user: &str) {
        self.users.remove(user);
    }

    pub(super) fn get(&self, user: &str) -> Option<&KnownPresence> {
        self.users.get(&*canonical(user))
    }

    pub(super) fn snapshot(&self) -> BTreeMap<Arc<str>, KnownPresence> {
        self.users.clone()
    }

    /// Takes note of a presence.
    ///
    /// An event that is older by the platform's clock than one before says nothing of now. Events without a time are
    /// taken in the order in which they come, which is the order of their channel.
    pub(super) fn hear(&mut self, presence: Presence, received_at: SystemTime) -> Heard {
        let Presence { user, state, at } = presence;
        let id = canonical(&user);
        let Some((id, _)) = self.users.get_key_value(&*id) else {
            return Heard::Stranger;
        };
        let id = id.clone();
        let Some(known) = self.users.get_mut(&*id) else {
            return Heard::Stranger;
        };
        if let (Some(at), Some(newest)) = (at, known.newest)
            && at < newest
        {
            return Heard::Late;
        }
        known.newest = at.or(known.newest);
        known.heard_at = Some(received_at);
        known.refused = None;
        let after_gap = std::mem::take(&mut known.stale);
        if known.state.as_ref() == Some(&state) {
            return Heard::Unchanged;
        }
        known.since = at.or(Some(received_at));
        let from = known.state.replace(state.clone());
        Heard::Changed(PresenceChange { user: id, from, after_gap, to: state, at, received_at })
    }

    /// Marks users whose changes may have been missed; says who was not marked before.
    pub(super) fn doubt<'a>(&mut self, users: impl IntoIterator<Item = &'a str>) -> Vec<Arc<str>> {
        let mut marked = Vec::new();
        for user in users {
            let id = canonical(user);
            let Some((id, _)) = self.users.get_key_value(&*id) else { continue };
            let id = id.clone();
            if let Some(known) = self.users.get_mut(&*id)
                && !std::mem::replace(&mut known.stale, true)
            {
                marked.push(id);
            }
        }
        marked
    }

    /// Marks everybody.
    pub(super) fn doubt_all(&mut self) -> Vec<Arc<str>> {
        let everybody: Vec<Arc<str>> = self.users.keys().cloned().collect();
        self.doubt(everybody.iter().map(|user| &**user))
    }

    /// Notes that the platform tells of a user after all.
    pub(super) fn permit(&mut self, user: &str) {
        if let Some(known) = self.users.get_mut(&*canonical(user)) {
            known.refused = None;
        }
    }

    /// Notes that the platform refuses to tell of a user.
    pub(super) fn refuse(&mut self, user: &str, reason: &str) {
        if let Some(known) = self.users.get_mut(&*canonical(user)) {
            known.refused = Some(reason.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn at(second: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(second)
    }

    fn heard(cache: &mut Cache, user: &str, state: &str, time: Option<u64>) -> Heard {
        let presence = Presence::new(user, PresenceState::new(state), time.map(at));
        cache.hear(presence, at(1_000))
    }

    fn tracking(users: &[&str]) -> Cache {
        let mut cache = Cache::default();
        for user in users {
            cache.track((*user).into());
        }
        cache
    }

    #[test]
    fn only_a_change_is_a_change() {
        let mut cache = tracking(&["u"]);
        let first = heard(&mut cache, "u", "a", Some(1));
        assert!(matches!(first, Heard::Changed(change) if change.from.is_none()));
        assert_eq!(heard(&mut cache, "u", "a", Some(2)), Heard::Unchanged);
        assert_eq!(cache.get("u").unwrap().since, Some(at(1)), "since the first time");
        let Heard::Changed(change) = heard(&mut cache, "u", "b", Some(3)) else { panic!() };
        assert_eq!((change.from.unwrap().name, change.to.name), ("a".into(), "b".into()));
        assert_eq!(heard(&mut cache, "u", "a", Some(2)), Heard::Late);
        assert_eq!(cache.get("u").unwrap().state, Some(PresenceState::new("b")));
        assert_eq!(heard(&mut cache, "stranger", "a", Some(2)), Heard::Stranger);
        assert_eq!(cache.len(), 1);
    }

    #[test]
    fn another_definition_of_the_same_name_is_another_state() {
        let mut cache = tracking(&["u"]);
        for definition in ["lunch", "lunch", "meeting"] {
            let state = PresenceState::new("AWAY").definition(definition);
            cache.hear(Presence::new("u", state, None), at(1));
        }
        let state = cache.get("u").unwrap().state.as_ref().unwrap();
        assert_eq!(state.definition.as_deref(), Some("meeting"));
    }

    #[test]
    fn an_event_without_a_time_counts_as_it_comes_and_our_clock_makes_nothing_late() {
        let mut cache = tracking(&["u"]);
        assert!(matches!(heard(&mut cache, "u", "a", None), Heard::Changed(_)));
        assert_eq!(cache.get("u").unwrap().since, Some(at(1_000)));
        // The platform's clock is behind ours.
        assert!(matches!(heard(&mut cache, "u", "b", Some(500)), Heard::Changed(_)));
        assert!(matches!(heard(&mut cache, "u", "c", None), Heard::Changed(_)));
        assert_eq!(heard(&mut cache, "u", "b", Some(499)), Heard::Late);
    }

    #[test]
    fn whoever_was_in_a_gap_is_in_doubt_until_heard_of_again() {
        let mut cache = tracking(&["a", "b"]);
        heard(&mut cache, "a", "x", Some(5));
        assert_eq!(cache.doubt(["a", "stranger"]), [Arc::<str>::from("a")]);
        assert!(cache.doubt(["a"]).is_empty(), "told once");
        assert_eq!(heard(&mut cache, "a", "y", Some(4)), Heard::Late);
        assert!(cache.get("a").unwrap().stale, "what is old says nothing of now");
        assert_eq!(heard(&mut cache, "a", "x", Some(6)), Heard::Unchanged);
        assert!(!cache.get("a").unwrap().stale);
        assert_eq!(cache.doubt_all().len(), 2);
        let Heard::Changed(change) = heard(&mut cache, "a", "z", Some(7)) else { panic!() };
        assert!(change.after_gap);
    }

    #[test]
    fn a_user_is_one_however_the_id_is_spelled() {
        let id = "8f0c1d2e-3a4b-4c5d-8e6f-0123456789ab";
        let mut cache = tracking(&[id]);
        let spelled = id.to_uppercase().replace('-', "");
        let Heard::Changed(change) = heard(&mut cache, &spelled, "a", None) else { panic!() };
        assert_eq!(&*change.user, id);
        assert!(cache.get(&spelled).is_some());
        assert_eq!(cache.doubt([&*spelled]), [Arc::<str>::from(id)]);
    }

    #[test]
    fn a_snapshot_is_written_as_json() {
        let mut cache = tracking(&["u"]);
        heard(&mut cache, "u", "a", Some(1));
        let json = serde_json::to_value(cache.snapshot()).unwrap();
        assert_eq!(json["u"]["state"]["name"], "a");
        assert_eq!(json["u"]["since"], "1970-01-01T00:00:01.000Z");
        assert_eq!(json["u"]["stale"], false);
    }

    proptest! {
        /// Whatever comes: the changes, strung together, are the state; each event is one thing; nothing goes back.
        #[test]
        fn the_changes_lead_from_nothing_to_the_state(
            events in proptest::collection::vec((0_usize..4, 0_u8..3, proptest::option::of(0_u64..20), any::<bool>()), 0..200),
        ) {
            let users = ["a", "b", "c"];
            let mut cache = tracking(&users);
            let mut shown: BTreeMap<Arc<str>, PresenceState> = BTreeMap::new();
            let mut newest: BTreeMap<usize, u64> = BTreeMap::new();
            for (user, state, time, gap) in events {
                if gap {
                    cache.doubt([users[user.min(2)]]);
                }
                let name = users.get(user).copied().unwrap_or("stranger");
                let late = time.zip(newest.get(&user)).is_some_and(|(time, newest)| time < *newest);
                match heard(&mut cache, name, &state.to_string(), time) {
                    Heard::Changed(change) => {
                        prop_assert!(!late && user < 3);
                        prop_assert_eq!(shown.get(&change.user), change.from.as_ref());
                        prop_assert_ne!(Some(&change.to), change.from.as_ref());
                        shown.insert(change.user, change.to);
                    }
                    Heard::Unchanged => {
                        prop_assert!(!late && user < 3);
                        let state = PresenceState::new(state.to_string());
                        prop_assert_eq!(shown.get(name), Some(&state));
                    }
                    Heard::Late => prop_assert!(late),
                    Heard::Stranger => prop_assert_eq!(user, 3),
                }
                if let Some(time) = time && user < 3 && !late {
                    newest.insert(user, time);
                }
                for user in users {
                    prop_assert_eq!(shown.get(user), cache.get(user).unwrap().state.as_ref());
                }
            }
            prop_assert_eq!(cache.len(), 3);
        }
    }
}
