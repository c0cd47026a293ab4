//! Which topics exist, what a combined topic stands for, and what a topic asks for.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::topic_table::TEMPLATES;
use crate::core::limits::TOPIC_LENGTH;

/// The templates by the last of their words, in lower case.
static BY_END: LazyLock<BTreeMap<String, Vec<&'static str>>> = LazyLock::new(|| {
    let mut by_end = BTreeMap::<_, Vec<_>>::new();
    for template in TEMPLATES {
        by_end.entry(end_of(template)).or_default().push(*template);
    }
    by_end
});

fn end_of(topic: &str) -> String {
    topic.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

/// The template that a concrete topic is made from, when there is one.
pub(super) fn template_of(topic: &str) -> Option<&'static str> {
    let of = |end: &str| BY_END.get(end).into_iter().flatten().copied();
    let mut likely = of(&end_of(topic)).chain(of("{id}"));
    likely.find(|template| fits(template, topic))
}

/// Whether a concrete topic, or the template itself, is of a template. Names are compared in any case.
pub(super) fn fits(template: &str, topic: &str) -> bool {
    let mut wanted = template.split('.');
    let mut given = topic.split('.');
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some("{id}"), Some(id)) if is_segment(id) || id == "{id}" => {}
            (Some(word), Some(other)) if word.eq_ignore_ascii_case(other) => {}
            _ => return false,
        }
    }
}

fn is_segment(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// The single topics that an id of a subscription stands for; `None` when any of them does not exist.
///
/// `prefix?a&b` stands for `prefix.a` and `prefix.b`.
pub(super) fn expand(id: &str) -> Option<Vec<String>> {
    if id.len() > TOPIC_LENGTH {
        return None;
    }
    let singles = match id.split_once('?') {
        None => vec![id.to_owned()],
        Some((prefix, suffixes)) => {
            suffixes.split('&').map(|suffix| format!("{prefix}.{suffix}")).collect()
        }
    };
    let real = |topic: &String| !topic.contains("{id}") && template_of(topic).is_some();
    singles.iter().all(real).then_some(singles)
}

/// The permissions that a topic asks for.
///
/// The platform publishes no complete list; these are the permissions of the REST resources beside the topics.
pub(super) fn permissions(topic: &str) -> &'static [&'static str] {
    const FAMILIES: &[(&str, &[&str])] = &[
        ("v2.routing.queues.{id}.users", &["routing:queue:view"]),
        ("v2.routing.", &["conversation:communication:view"]),
        ("v2.conversations.", &["conversation:communication:view"]),
        ("v2.analytics.queues.", &["analytics:queueObservation:view"]),
        ("v2.analytics.users.", &["analytics:userAggregate:view"]),
        ("v2.analytics.", &["analytics:conversationDetail:view"]),
        ("v2.detail.events.", &["analytics:conversationDetail:view"]),
        ("v2.operations.", &["oauth:client:view"]),
        ("v2.telephony.", &["telephony:plugin:all"]),
        ("v2.outbound.", &["outbound:campaign:view"]),
        ("v2.workforcemanagement.", &["wfm:schedule:view"]),
    ];
    let name = template_of(topic).unwrap_or(topic);
    if name.starts_with("v2.users.{id}.conversations") {
        return &["conversation:communication:view"];
    }
    if name.starts_with("v2.users.{id}.workforcemanagement") {
        return &["wfm:schedule:view"];
    }
    FAMILIES
        .iter()
        .find(|(prefix, _)| name.starts_with(prefix))
        .map_or(&["directory:user:view"], |(_, permissions)| permissions)
}

/// The answer of `availabletopics`: the ids alone, and what `expand` asks for.
pub(super) fn available(expand: &[String]) -> Value {
    let entities: Vec<Value> = TEMPLATES
        .iter()
        .map(|template| {
            let mut entity = json!({ "id": template });
            for field in expand {
                let value = match field.as_str() {
                    "description" => json!(format!("Events of {template}")),
                    "enforced" => json!(true),
                    "schema" => json!({ "type": "object" }),
                    "visibility" => json!("Public"),
                    "transports" => json!(["Websocket"]),
                    "publicApiTemplateUriPaths" => json!([]),
                    "requiresPermissions" => json!(permissions(template)),
                    "permissionDetails" => json!([{
                        "type": "requiresPermissions",
                        "permissions": permissions(template),
                        "allowsCurrentUser": template.starts_with("v2.users."),
                        "enforced": true,
                    }]),
                    "topicParameters" => {
                        json!(vec!["id"; template.matches("{id}").count()])
                    }
                    _ => continue,
                };
                entity[field.as_str()] = value;
            }
            entity
        })
        .collect();
    json!({ "entities": entities })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_242_topics_are_known_by_a_concrete_name() {
        assert_eq!(TEMPLATES.len(), 242);
        for template in TEMPLATES {
            let concrete = template.replace("{id}", "8f0c-e1").to_uppercase();
            assert!(template_of(&concrete).is_some(), "{template}");
        }
    }

    #[test]
    fn a_topic_that_does_not_exist_is_not_expanded() {
        for bad in [
            "",
            "v2.users.x.nothing",
            "v2.users..presence",
            "v2.users.{id}.presence",
            "v2.users.x.presence.more",
            "v2.users.x?presence&nothing",
            "v2.users.x?",
            "v2.users.a b.presence",
        ] {
            assert_eq!(expand(bad), None, "{bad}");
        }
        let long = format!("v2.users.{}.presence", "a".repeat(200));
        assert_eq!(expand(&long), None);
    }

    #[test]
    fn a_combined_topic_stands_for_its_parts() {
        assert_eq!(
            expand("v2.users.x?presence&routingStatus").unwrap(),
            ["v2.users.x.presence", "v2.users.x.routingStatus"]
        );
    }

    #[test]
    fn expand_adds_the_fields_that_were_asked_for_and_no_others() {
        let listing = available(&["visibility".to_owned(), "topicParameters".to_owned()]);
        let first = &listing["entities"][0];
        assert_eq!(first["visibility"], "Public");
        assert_eq!(first.as_object().unwrap().len(), 3);
    }
}
