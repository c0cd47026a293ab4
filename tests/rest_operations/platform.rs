//! The server: it holds each request against the description, keeps what it understood, and answers what it is told.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::arguments::Arguments;
use crate::description::{Description, Kind, Operation};
use crate::loopback::{Loopback, Reply, Seen};
use crate::validate::validate;

/// What is between the test and the server.
#[derive(Default)]
struct Between {
    /// What the next request is answered with.
    next: Option<(u16, &'static str, String)>,
    /// What was understood of the last one: the operation, and its arguments.
    last: Option<Result<(String, Arguments), String>>,
    served: usize,
}

pub(crate) struct Platform {
    server: Loopback,
    between: Arc<Mutex<Between>>,
}

impl Platform {
    pub(crate) async fn start(description: Arc<Description>) -> Self {
        let between: Arc<Mutex<Between>> = Arc::default();
        let shared = between.clone();
        let server = Loopback::start(move |_, seen| {
            let understood = understand(&description, seen);
            let mut between = shared.lock().unwrap();
            between.served += 1;
            let reply = match (&understood, between.next.take()) {
                (Ok(_), Some((status, _, link))) if (300..400).contains(&status) => {
                    Reply::new(status, &[("location", &link)], "")
                }
                (Ok(_), Some((status, kind, body))) => {
                    let kind = if kind.is_empty() { vec![] } else { vec![("content-type", kind)] };
                    Reply::new(status, &kind, &body)
                }
                (Ok(_), None) => Reply::json(500, "{}"),
                (Err(_), _) => Reply::json(400, r#"{"code":"refused","message":"by the test"}"#),
            };
            between.last = Some(understood);
            reply
        });
        Self { server: server.await, between }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// What is answered next; to a redirect, the body is where it leads.
    pub(crate) fn answer(&self, status: u16, kind: &'static str, body: String) {
        self.between.lock().unwrap().next = Some((status, kind, body));
    }

    pub(crate) fn last(&self) -> Option<Result<(String, Arguments), String>> {
        self.between.lock().unwrap().last.take()
    }

    pub(crate) fn served(&self) -> usize {
        self.between.lock().unwrap().served
    }
}

fn decoded(text: &str) -> Result<String, String> {
    let text = percent_decode_str(text).decode_utf8().map_err(|error| error.to_string())?;
    Ok(text.into_owned())
}

/// The operation and its arguments; what is not as described is an error.
fn understand(description: &Description, seen: &Seen) -> Result<(String, Arguments), String> {
    let target = &seen.target;
    if seen.header("authorization") != Some("Bearer a-token-of-the-test") {
        return Err("no token".to_owned());
    }
    if seen.header("content-type") != Some("application/json") {
        return Err("not sent as JSON".to_owned());
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic()) || target.contains('#') {
        return Err(format!("{target} is not encoded"));
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let found = description.find(&seen.method, path);
    let (operation, values) = found.ok_or_else(|| format!("{} {path}: nobody", seen.method))?;
    let mut arguments = Arguments::default();
    for (name, value) in operation.path().into_iter().zip(values) {
        if value.is_empty() {
            return Err(format!("{name} is empty"));
        }
        arguments.path.insert(name.to_owned(), decoded(&value)?);
    }
    arguments.query = read_query(operation, query)?;
    for name in &operation.headers {
        if let Some(value) = seen.header(name) {
            arguments.headers.insert(name.clone(), value.to_owned());
        }
    }
    arguments.body = match (&operation.body, seen.body.is_empty()) {
        (None, true) => None,
        (None, false) => return Err(format!("a body that is not described: {}", seen.body)),
        (Some(_), true) => return Err("no body".to_owned()),
        (Some(schema), false) => {
            let body: Value =
                serde_json::from_str(&seen.body).map_err(|error| error.to_string())?;
            validate(&description.spec, schema, &body).map_err(|fault| format!("body{fault}"))?;
            Some(body)
        }
    };
    Ok((operation.id.clone(), arguments))
}

fn read_query(operation: &Operation, query: &str) -> Result<BTreeMap<String, Value>, String> {
    let mut values: BTreeMap<String, Value> = BTreeMap::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair} has no value"))?;
        let (name, value) = (decoded(name)?, decoded(&value.replace('+', " "))?);
        let known = operation.query.iter().find(|parameter| parameter.name == name);
        let parameter = known.ok_or_else(|| format!("{name} is not described"))?;
        let is_off = || format!("{name} cannot be {value}");
        let read: Value = match parameter.kind {
            Kind::Text | Kind::Time => value.as_str().into(),
            Kind::Integer => value.parse::<i64>().map_err(|_| is_off())?.into(),
            Kind::Bool => value.parse::<bool>().map_err(|_| is_off())?.into(),
            Kind::Commas => value.split(',').collect::<Vec<_>>().into(),
            Kind::Repeated => {
                let list = values.entry(name).or_insert_with(|| Value::Array(Vec::new()));
                if let Value::Array(list) = list {
                    list.push(value.into());
                }
                continue;
            }
        };
        if values.insert(name.clone(), read).is_some() {
            return Err(format!("{name} comes twice"));
        }
    }
    let missing = operation.query.iter().find(|it| it.required && !values.contains_key(&it.name));
    missing.map_or(Ok(values), |it| Err(format!("{} is missing", it.name)))
}
