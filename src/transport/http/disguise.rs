//! Errors that come with a successful status.

use serde_json::{Map, Value};

use crate::error::{Error, ErrorKind};
use crate::transport::http::request::Request;
use crate::transport::http::response::{Complaint, Response};

/// Answers over this are not looked through for an error: the platform's are a few hundred bytes.
const LARGEST_ERROR: usize = 64 * 1024;

/// Longest message that is made of one.
const LONGEST: usize = 400;

/// The members of the platform's error body (its `ErrorBody`, and what older services add).
const ERROR_MEMBERS: &[&str] = &[
    "code",
    "contextId",
    "details",
    "entityId",
    "entityName",
    "errors",
    "limit",
    "message",
    "messageParams",
    "messageWithParams",
    "status",
];

impl Response {
    /// The error in a body that came with a successful status: the platform's error body with nothing else in it, or a list
    /// of such. A status in it decides on the kind.
    pub(crate) fn disguised_error(&self, request: &Request) -> Option<Error> {
        let body = &self.body;
        // Whatever is no error is found out without being read, but for a few of the small ones.
        let may_be = body.len() <= LARGEST_ERROR && body.trim_ascii_start().starts_with(b"{");
        let has = |name: &[u8]| body.windows(name.len()).any(|part| part == name);
        if !may_be || !(has(b"\"code\"") || has(b"\"message\"")) {
            return None;
        }
        let Ok(Value::Object(members)) = serde_json::from_slice(body) else { return None };
        if !is_error(&members) {
            return None;
        }
        // Where the body itself says nothing, the first of its list does.
        let inner = if text(&members, "code").is_none() { first(&members)? } else { &members };
        let status = status(inner).or_else(|| status(&members));
        let complaint = Complaint {
            code: text(inner, "code").map(str::to_owned),
            words: text(inner, "message").map(str::to_owned),
            context_id: text(inner, "contextId").or(text(&members, "contextId")).map(str::to_owned),
        };
        let named = status.map_or_else(|| "an error".to_owned(), |it| format!("the error {it}"));
        let mut message = format!("HTTP {} with {named}", self.status);
        for part in [&complaint.code, &complaint.words].into_iter().flatten() {
            message.push_str(": ");
            message.push_str(part);
        }
        let message: String = request.scrub(&message).chars().take(LONGEST).collect();
        let kind = status.map_or(ErrorKind::Decode, ErrorKind::of_status);
        Some(self.dress(Error::new(kind, message), &complaint, request))
    }

    /// The error of an answer that is a page for people, where the platform would have sent JSON or nothing.
    pub(crate) fn page_error(&self, request: &Request) -> Option<Error> {
        let kind = self.header("content-type")?;
        let is_page = kind.trim_start().to_ascii_lowercase().starts_with("text/html");
        (is_page && !self.body.is_empty()).then(|| {
            let kind: String = kind.chars().take(80).collect();
            let message = format!(
                "answer is {kind} and not the platform's, probably the page of a gateway in between; the call may not have \
                 reached the platform"
            );
            let error = Error::new(ErrorKind::Decode, request.scrub(&message).into_owned());
            self.dress(error, &Complaint::default(), request)
        })
    }
}

/// Whether it is the platform's error body: a status of an error and a code, or nothing but a list of such bodies.
fn is_error(members: &Map<String, Value>) -> bool {
    if !members.keys().all(|name| ERROR_MEMBERS.contains(&name.as_str())) {
        return false;
    }
    match (status(members), text(members, "code")) {
        (Some(_), Some(_)) => true,
        (_, None) => first(members)
            .is_some_and(|inner| text(inner, "code").is_some() || text(inner, "message").is_some()),
        (None, Some(_)) => false,
    }
}

/// The first of the errors in it.
fn first(members: &Map<String, Value>) -> Option<&Map<String, Value>> {
    members.get("errors")?.as_array()?.iter().find_map(Value::as_object)
}

/// The status in it, if it is that of an error.
fn status(members: &Map<String, Value>) -> Option<u16> {
    let status = u16::try_from(members.get("status")?.as_u64()?).ok()?;
    (400..600).contains(&status).then_some(status)
}

fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    members.get(name)?.as_str().filter(|text| !text.trim().is_empty())
}
