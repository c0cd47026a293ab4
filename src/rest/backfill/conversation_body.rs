//! A conversation of the REST API in the shape that events have.

use serde_json::{Map, Value};

/// Members that only the REST API has. Source: the schemas of both.
const CONVERSATION: &[&str] =
    &["conversationIds", "endTime", "name", "selfUri", "startTime", "state"];
const PARTICIPANT: &[&str] = &[
    "ani",
    "aniName",
    "dnis",
    "evaluations",
    "locale",
    "participantType",
    "queueName",
    "startTime",
    "userUri",
    "wrapupSkipped",
];
const MEDIUM: &[&str] = &["clientIpAddress", "recordingId", "segments", "startAlertingTime"];
const ROUTING: &[&str] = &["label", "skillExpression"];
const WRAPUP: &[&str] = &["name", "provisional"];
/// Times here, and numbers in events.
const DISPOSITION: &[&str] = &[
    "amdTimeout",
    "detectedSpeechEnd",
    "detectedSpeechStart",
    "dispositionParameters",
    "silentCallTimeout",
];

/// Participants' lists of communications.
const MEDIA: &[&str] = &[
    "callbacks",
    "calls",
    "chats",
    "cobrowsesessions",
    "emails",
    "internalMessages",
    "messages",
    "screenMonitorings",
    "screenshares",
    "socialExpressions",
    "videos",
];

/// Written in lower case by events.
const OF_TRANSFERS: [&str; 2] = ["state", "transferType"];

/// Takes off what events do not have, and spells what they spell otherwise.
pub(super) fn as_in_events(conversation: &mut Map<String, Value>) {
    strip(conversation, CONVERSATION);
    for transfer in objects(conversation, "recentTransfers") {
        for name in OF_TRANSFERS {
            if let Some(Value::String(text)) = transfer.get_mut(name) {
                text.make_ascii_lowercase();
            }
        }
    }
    for participant in objects(conversation, "participants") {
        strip(participant, PARTICIPANT);
        strip_in(participant, "conversationRoutingData", ROUTING);
        strip_in(participant, "wrapup", WRAPUP);
        for list in MEDIA {
            for medium in objects(participant, list) {
                strip(medium, MEDIUM);
                strip_in(medium, "wrapup", WRAPUP);
                strip_in(medium, "disposition", DISPOSITION);
            }
        }
    }
}

fn strip(object: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        object.remove(*name);
    }
}

fn strip_in(object: &mut Map<String, Value>, member: &str, names: &[&str]) {
    if let Some(Value::Object(inner)) = object.get_mut(member) {
        strip(inner, names);
    }
}

/// The objects in a list.
fn objects<'a>(
    object: &'a mut Map<String, Value>,
    list: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    let list = object.get_mut(list).and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_the_rest_api_has_is_taken_off_at_every_level() {
        let mut value = json!({
            "id": "c", "name": "n", "startTime": "t", "state": "connected", "maxParticipants": 2,
            "recentTransfers": [{"id": "x", "state": "Pending", "transferType": "Attended"}, null],
            "participants": [
                {"id": "p", "startTime": "t", "attributes": {"startTime": "kept"}, "wrapup": {"code": "w", "name": "n"},
                 "calls": [{"id": "s", "segments": [], "state": "connected",
                            "disposition": {"name": "d", "amdTimeout": {"timerStartTime": "t"}}}],
                 "chats": null},
                7,
            ],
        });
        as_in_events(value.as_object_mut().unwrap());
        assert_eq!(
            value,
            json!({
                "id": "c", "maxParticipants": 2,
                "recentTransfers": [{"id": "x", "state": "pending", "transferType": "attended"}, null],
                "participants": [
                    {"id": "p", "attributes": {"startTime": "kept"}, "wrapup": {"code": "w"},
                     "calls": [{"id": "s", "state": "connected", "disposition": {"name": "d"}}], "chats": null},
                    7,
                ],
            })
        );
    }
}
