//! One JSON object to a line.

use std::io::{self, Write};

use genesys_cloud::{Delivery, Event, Lifecycle};
use serde::Serialize;

use crate::common::json;

/// A line about an item of the stream.
#[derive(Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Event {
        kind: &'static str,
        topic: &'a str,
        variant: &'static str,
        origin: &'static str,
        body: &'a Event,
    },
    Lifecycle {
        kind: &'static str,
        #[serde(flatten)]
        item: &'a Lifecycle,
    },
}

/// Writes one item.
pub(crate) fn item(to: impl Write, delivery: &Delivery) -> io::Result<()> {
    let line = match &delivery.event {
        Event::Lifecycle(item) => Line::Lifecycle { kind: "lifecycle", item },
        event => Line::Event {
            kind: "event",
            topic: delivery.topic.name(),
            variant: event.variant(),
            origin: delivery.origin.as_str(),
            body: event,
        },
    };
    json(to, &line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_members_in_the_documented_order() {
        let text = |line: &Line<'_>| serde_json::to_string(line).unwrap();
        let item = Lifecycle::Lagged { dropped: 2 };
        let line = Line::Lifecycle { kind: "lifecycle", item: &item };
        assert_eq!(text(&line), r#"{"kind":"lifecycle","what":"lagged","dropped":2}"#);
        let body = r#"{"primary":true}"#;
        let event = Event::UsersPresence(serde_json::from_str(body).unwrap());
        let line = Line::Event {
            kind: "event",
            topic: "v2.users.1.presence",
            variant: event.variant(),
            origin: "live",
            body: &event,
        };
        let head = r#"{"kind":"event","topic":"v2.users.1.presence","variant":"UsersPresence","origin":"live""#;
        assert_eq!(text(&line), format!(r#"{head},"body":{body}}}"#));
    }
}
