//! What the platform writes down about the sockets of applications, and the query that reads it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::SystemTime;

use serde::Deserialize;
use serde_json::{Value, json};

use super::clock::iso;
use super::farewell::Cause;
use super::request::Request;
use super::response::Reply;
use crate::events::Timestamp;

/// Entries that are kept; of more the oldest are forgotten.
const KEPT: usize = 10_000;

/// Entries of one answer.
const ANSWER_MAX: usize = 1_000;

/// The type of every entry.
const TYPE: &str = "appfoundry.connection";

/// Names that a filter may ask for.
const NAMES: &str =
    "type, appId, connectionId, eventType, disconnectReason, disconnectedBy, closeCode";

/// One connection, from its opening on.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) application: Arc<str>,
    pub(super) id: String,
    /// In milliseconds of the epoch.
    pub(super) opened: i64,
}

#[derive(Debug)]
struct Entry {
    at: i64,
    data: Value,
}

/// The latest openings and ends of connections.
#[derive(Debug, Default)]
pub(super) struct ConnectionLog {
    entries: VecDeque<Entry>,
}

/// Body of the query.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Query {
    #[serde(default)]
    types: Vec<String>,
    start_time: Option<String>,
    end_time: Option<String>,
    interval: Option<String>,
    #[serde(default)]
    filters: Vec<Filter>,
}

#[derive(Deserialize)]
struct Filter {
    name: String,
    #[serde(default = "equal")]
    op: String,
    value: Value,
}

fn equal() -> String {
    "eq".to_owned()
}

impl ConnectionLog {
    pub(super) fn opened(&mut self, connection: &Connection) {
        let data = json!({
            "appId": connection.application,
            "connectionId": connection.id,
            "eventType": "connected",
        });
        self.push(connection.opened, data);
    }

    pub(super) fn ended(&mut self, connection: &Connection, cause: Cause, code: u16, now: i64) {
        let data = json!({
            "appId": connection.application,
            "connectionId": connection.id,
            "eventType": "disconnected",
            "disconnectReason": cause.reason(),
            "disconnectedBy": cause.by(),
            "closeCode": code,
            "connectedTime": iso(connection.opened),
            "durationMillis": now - connection.opened,
        });
        self.push(now, data);
    }

    fn push(&mut self, at: i64, data: Value) {
        if self.entries.len() == KEPT {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at, data });
    }

    /// `POST /api/v2/analytics/events/query`.
    pub(super) fn query(&self, request: &Request) -> Result<Reply, Reply> {
        let query: Query = serde_json::from_slice(&request.body).map_err(|error| {
            let shape = "{\"types\":[…],\"interval\":\"start/end\",\"filters\":[{\"name\":…,\"op\":…,\"value\":…}]}";
            Reply::bad_request(&format!("{error}; the body is {shape}"))
        })?;
        let (from, to) = query.bounds()?;
        for filter in &query.filters {
            filter.check()?;
        }
        let wanted = |entry: &&Entry| {
            (query.types.is_empty() || query.types.iter().any(|name| name == TYPE))
                && (from..=to).contains(&entry.at)
                && query.filters.iter().all(|filter| filter.matches(&entry.data))
        };
        let total = self.entries.iter().filter(wanted).count();
        let entities: Vec<Value> = self
            .entries
            .iter()
            .filter(wanted)
            .skip(total.saturating_sub(ANSWER_MAX))
            .map(|entry| json!({ "type": TYPE, "timestamp": iso(entry.at), "data": entry.data }))
            .collect();
        Ok(Reply::json(&json!({ "entities": entities, "total": total })))
    }
}

impl Query {
    /// The bounds in milliseconds of the epoch, both included; what is left out has no bound.
    fn bounds(&self) -> Result<(i64, i64), Reply> {
        let (mut start, mut end) = (self.start_time.as_deref(), self.end_time.as_deref());
        if let Some(interval) = &self.interval {
            let (first, second) = interval
                .split_once('/')
                .ok_or_else(|| Reply::bad_request("interval must be start/end"))?;
            (start, end) = (Some(first), Some(second));
        }
        let bounds = (
            start.map_or(Ok(i64::MIN), |text| moment("start", text))?,
            end.map_or(Ok(i64::MAX), |text| moment("end", text))?,
        );
        if bounds.0 > bounds.1 {
            return Err(Reply::bad_request("the start is after the end"));
        }
        Ok(bounds)
    }
}

/// An ISO-8601 time, in UTC when it has no offset, in milliseconds of the epoch.
pub(super) fn moment(what: &str, text: &str) -> Result<i64, Reply> {
    let time = Timestamp::from(text)
        .to_system_time()
        .or_else(|| Timestamp::from(format!("{text}Z").as_str()).to_system_time());
    let time = time.ok_or_else(|| {
        let message = format!("the {what} must be a time such as 2026-03-04T09:30:00Z");
        Reply::bad_request(&message)
    })?;
    let (sign, distance) = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => (1, after),
        Err(before) => (-1, before.duration()),
    };
    Ok(sign * i64::try_from(distance.as_millis()).unwrap_or(i64::MAX))
}

impl Filter {
    fn check(&self) -> Result<(), Reply> {
        let name = self.field();
        if !NAMES.split(", ").any(|known| known == name) {
            let message = format!("no filter is called {name:?}; there are: {NAMES}");
            return Err(Reply::bad_request(&message));
        }
        match (self.op.as_str(), &self.value) {
            ("in", Value::Array(_)) | ("eq" | "ne" | "contains" | "exists", _) => Ok(()),
            ("in", _) => Err(Reply::bad_request("the value of op in must be an array")),
            _ => Err(Reply::bad_request("op must be one of: eq, ne, in, contains, exists")),
        }
    }

    fn field(&self) -> &str {
        self.name.strip_prefix("data.").unwrap_or(&self.name)
    }

    fn matches(&self, data: &Value) -> bool {
        let kind = json!(TYPE);
        let name = self.field();
        let field = if name == "type" { Some(&kind) } else { data.get(name) };
        let same = |wanted: &Value| field.is_some_and(|field| text(field) == text(wanted));
        match self.op.as_str() {
            "eq" => same(&self.value),
            "ne" => !same(&self.value),
            "in" => self.value.as_array().is_some_and(|values| values.iter().any(same)),
            "contains" => field.is_some_and(|field| text(field).contains(&text(&self.value))),
            _ => field.is_some() == self.value.as_bool().unwrap_or(true),
        }
    }
}

/// What is compared: text in lower case, whatever the type.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(name: &str, op: &str, value: Value) -> Filter {
        Filter { name: name.into(), op: op.into(), value }
    }

    #[test]
    fn filters_compare_what_they_name() {
        let data = json!({ "appId": "A-1", "closeCode": 1011, "disconnectReason": "server error" });
        for (name, op, value, expected) in [
            ("appId", "eq", json!("a-1"), true),
            ("data.appId", "eq", json!("a-2"), false),
            ("appId", "ne", json!("a-2"), true),
            ("closeCode", "eq", json!("1011"), true),
            ("closeCode", "in", json!([1006, 1011]), true),
            ("disconnectReason", "contains", json!("server"), true),
            ("disconnectReason", "exists", json!(false), false),
            ("disconnectedBy", "exists", json!(true), false),
            ("type", "eq", json!(TYPE), true),
        ] {
            let filter = filter(name, op, value);
            assert!(filter.check().is_ok(), "{name} {op}");
            assert_eq!(filter.matches(&data), expected, "{name} {op} {}", filter.value);
        }
        assert!(filter("colour", "eq", json!(1)).check().is_err());
        assert!(filter("appId", "like", json!(1)).check().is_err());
        assert!(filter("appId", "in", json!("a")).check().is_err());
    }

    #[test]
    fn times_without_an_offset_are_in_utc() {
        let expected = 1_772_616_600_000;
        for text in ["2026-03-04T09:30:00Z", "2026-03-04T09:30:00.000", "2026-03-04T10:30:00+01:00"]
        {
            assert_eq!(moment("start", text).ok(), Some(expected), "{text}");
        }
        assert_eq!(moment("start", "1969-12-31T23:59:59Z").ok(), Some(-1_000));
        assert!(moment("start", "yesterday").is_err());
    }

    #[test]
    fn the_log_is_bounded() {
        let mut log = ConnectionLog::default();
        let connection = Connection { application: "a".into(), id: "c".into(), opened: 0 };
        for _ in 0..KEPT + 5 {
            log.opened(&connection);
        }
        assert_eq!(log.entries.len(), KEPT);
    }
}
