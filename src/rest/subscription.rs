//! What the platform's listing says of the topics that were asked for.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::core::ports::TopicState;

/// A topic as it is sent.
#[derive(Serialize)]
pub(crate) struct Wanted<'a> {
    pub(crate) id: &'a str,
}

/// A listing.
#[derive(Deserialize)]
pub(crate) struct Listing<T> {
    #[serde(default = "Vec::new")]
    pub(crate) entities: Vec<T>,
}

/// A topic as it is returned.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChannelTopic {
    id: Option<Box<str>>,
    state: Option<Box<str>>,
    rejection_reason: Option<Box<str>>,
    missing_permissions: Option<Vec<Box<str>>>,
}

/// The reason given when the platform gives none.
const NO_REASON: &str = "rejected without a reason";

impl ChannelTopic {
    /// `None` for an entity without an id, which says nothing about any topic.
    pub(crate) fn state(self) -> Option<TopicState> {
        let id = self.id.filter(|id| !id.is_empty())?;
        let rejected = self.state.is_some_and(|state| state.eq_ignore_ascii_case("rejected"));
        Some(if rejected {
            TopicState::rejected(
                id,
                self.rejection_reason.unwrap_or_else(|| NO_REASON.into()),
                self.missing_permissions.unwrap_or_default(),
            )
        } else {
            TopicState::permitted(id)
        })
    }
}

/// One state for each topic that was asked for, in that order, and then one for each part of a combined topic that was rejected.
///
/// Names are compared without regard to case. A topic counts as rejected when any entity of its exact name is; a
/// combined one that the answer does not mention counts as its parts do.
pub(crate) fn states<'a>(
    asked: impl IntoIterator<Item = &'a str>,
    answer: Vec<ChannelTopic>,
) -> Vec<TopicState> {
    let mut by_name: HashMap<String, TopicState> = HashMap::new();
    for state in answer.into_iter().filter_map(ChannelTopic::state) {
        let name = state.topic.to_ascii_lowercase();
        let known = by_name.entry(name).or_insert_with(|| state.clone());
        if known.rejected.is_none() {
            *known = state;
        }
    }
    let mut out = Vec::new();
    let mut rejected_parts = Vec::new();
    let asked: Vec<&str> = asked.into_iter().collect();
    for topic in &asked {
        let parts = parts(topic);
        let found = |name: &str| by_name.get(&name.to_ascii_lowercase());
        let parts_found: Vec<_> = parts.iter().filter_map(|part| found(part)).collect();
        out.push(match found(topic) {
            Some(state) => TopicState { topic: (*topic).into(), rejected: state.rejected.clone() },
            None if !parts.is_empty() && parts_found.len() == parts.len() => {
                let all_rejected = parts_found.iter().all(|part| part.rejected.is_some());
                TopicState {
                    topic: (*topic).into(),
                    rejected: parts_found
                        .first()
                        .and_then(|part| part.rejected.clone())
                        .filter(|_| all_rejected),
                }
            }
            None => TopicState::rejected(
                *topic,
                "the platform's answer does not mention it",
                Vec::new(),
            ),
        });
        rejected_parts
            .extend(parts_found.into_iter().filter(|part| part.rejected.is_some()).cloned());
    }
    for part in rejected_parts {
        if !out.iter().any(|state| state.topic.eq_ignore_ascii_case(&part.topic)) {
            out.push(part);
        }
    }
    out
}

/// The topics that a combined one (`prefix?a&b`) stands for; nothing for a plain one.
pub(crate) fn parts(topic: &str) -> Vec<String> {
    match topic.split_once('?') {
        None => Vec::new(),
        Some((prefix, suffixes)) => suffixes
            .split('&')
            .filter(|suffix| !suffix.is_empty())
            .map(|suffix| format!("{prefix}.{suffix}"))
            .collect(),
    }
}

/// Those of `topics` that a text names: whole names only, in any case.
pub(crate) fn named<'a>(text: &str, topics: &[&'a str]) -> Vec<&'a str> {
    let text = text.to_ascii_lowercase();
    let goes_on = |c: Option<char>| {
        c.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '?' | '&'))
    };
    let whole = |start: usize, len: usize| {
        let (before, after) = (text.get(..start), text.get(start + len..));
        let mut after = after.unwrap_or_default().chars();
        let next = after.next();
        // A dot ends a sentence, unless a name goes on behind it.
        let dotted = next == Some('.') && goes_on(after.next());
        !goes_on(before.and_then(|before| before.chars().next_back())) && !goes_on(next) && !dotted
    };
    topics
        .iter()
        .copied()
        .filter(|topic| {
            let topic = topic.to_ascii_lowercase();
            !topic.is_empty()
                && text.match_indices(&topic).any(|(start, found)| whole(start, found.len()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(json: &str) -> Vec<ChannelTopic> {
        serde_json::from_str::<Listing<ChannelTopic>>(json).unwrap().entities
    }

    fn rejected(states: &[TopicState]) -> Vec<(&str, bool)> {
        states.iter().map(|s| (&*s.topic, s.rejected.is_some())).collect()
    }

    #[test]
    fn an_individual_rejection_wins_over_the_combined_topic_and_over_a_permission_of_the_same_name()
    {
        let entities = answer(
            r#"{"entities":[
                {"id":"v2.users.U1?presence&station","state":"Permitted"},
                {"id":"v2.users.u1.station","state":"Rejected","rejectionReason":"missing permissions","missingPermissions":["a:b:c"]},
                {"id":"v2.x","state":"Rejected"},{"id":"v2.x","state":"Permitted"},{"state":"Rejected"},{"id":"v2.other","state":"Permitted"}]}"#,
        );
        let states = states(["v2.users.u1?presence&station", "V2.x"], entities);
        assert_eq!(
            rejected(&states),
            [
                ("v2.users.u1?presence&station", false),
                ("V2.x", true),
                ("v2.users.u1.station", true)
            ]
        );
        let why = states[2].rejected.as_ref().unwrap();
        assert_eq!((&*why.reason, &*why.missing_permissions[0]), ("missing permissions", "a:b:c"));
        assert_eq!(&*states[1].rejected.as_ref().unwrap().reason, NO_REASON);
    }

    #[test]
    fn a_topic_that_the_answer_leaves_out_is_not_taken_for_permitted() {
        let states = states(["v2.a", "v2.b?c&d"], answer("{}"));
        assert_eq!(rejected(&states), [("v2.a", true), ("v2.b?c&d", true)]);
    }

    #[test]
    fn a_combined_topic_that_comes_back_as_its_parts_counts_as_they_do() {
        let entities =
            || answer(r#"{"entities":[{"id":"v2.b.c"},{"id":"v2.b.d","state":"Rejected"}]}"#);
        let found = states(["v2.b?c&d"], entities());
        assert_eq!(rejected(&found), [("v2.b?c&d", false), ("v2.b.d", true)]);
        assert_eq!(rejected(&states(["v2.b?d"], entities())), [("v2.b?d", true), ("v2.b.d", true)]);
    }

    #[test]
    fn a_text_names_whole_topics_only() {
        let topics = ["v2.users.1.presence", "v2.users.1", "v2.users.11.presence"];
        let named = |text| named(text, &topics);
        assert_eq!(named("Invalid topic: v2.users.1.presence."), ["v2.users.1.presence"]);
        assert_eq!(named("[V2.USERS.11.presence]"), ["v2.users.11.presence"]);
        assert_eq!(named("bad v2.users.1. Try again"), ["v2.users.1"]);
        assert!(named("something is wrong").is_empty());
        assert!(named("v2.users.1.presence2 xv2.users.1").is_empty());
        assert!(named("é v2.users.1é").len() == 1);
    }
}
