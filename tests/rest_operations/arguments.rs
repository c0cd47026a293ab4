//! Untyped arguments, and operations whose type does not show.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use genesys_cloud::{Client, Operation, Result, Secret, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// What one call gives.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) path: BTreeMap<String, String>,
    pub(crate) query: BTreeMap<String, Value>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<Value>,
}

impl Arguments {
    pub(crate) fn path(&self, name: &str) -> String {
        self.path[name].clone()
    }

    pub(crate) fn text(&self, name: &str) -> Option<String> {
        if let Some(value) = self.headers.get(name) {
            return Some(value.clone());
        }
        self.query.get(name).map(|value| value.as_str().expect("a text").to_owned())
    }

    pub(crate) fn time(&self, name: &str) -> Option<Timestamp> {
        self.query.get(name).map(|value| value.as_str().expect("a time").into())
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.query.get(name).map(|value| value.as_i64().expect("an integer"))
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.query.get(name).map(|value| value.as_bool().expect("a flag"))
    }

    pub(crate) fn list(&self, name: &str) -> Option<Vec<String>> {
        let values = self.query.get(name)?.as_array().expect("a list");
        Some(values.iter().map(|value| value.as_str().expect("texts").to_owned()).collect())
    }

    pub(crate) fn body<T: DeserializeOwned>(&self) -> T {
        let text = self.body.as_ref().expect("a body").to_string();
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

/// What came back.
#[derive(Debug, PartialEq)]
pub(crate) enum Got {
    /// A typed answer, written again.
    Typed(Value),
    Location(String),
    Nothing,
}

/// An operation of any type.
pub(crate) trait Erased {
    fn call<'a>(&'a self, client: &'a Client) -> Pin<Box<dyn Future<Output = Result<Got>> + 'a>>;
    fn shown(&self) -> String;
}

struct Any<O: Operation> {
    operation: O,
    got: fn(O::Response) -> Got,
}

impl<O: Operation + Debug> Erased for Any<O> {
    fn call<'a>(&'a self, client: &'a Client) -> Pin<Box<dyn Future<Output = Result<Got>> + 'a>> {
        Box::pin(async { client.execute(&self.operation).await.map(self.got) })
    }

    fn shown(&self) -> String {
        format!("{:?}", self.operation)
    }
}

pub(crate) fn model<O>(operation: O) -> Box<dyn Erased>
where
    O: Operation<Response: Serialize> + Debug + 'static,
{
    let got = |response: O::Response| {
        let text = serde_json::to_string(&response).expect("an answer can be written");
        Got::Typed(serde_json::from_str(&text).expect("what is written is JSON"))
    };
    Box::new(Any { operation, got })
}

pub(crate) fn location<O>(operation: O) -> Box<dyn Erased>
where
    O: Operation<Response = Secret> + Debug + 'static,
{
    Box::new(Any { operation, got: |link| Got::Location(link.expose().to_owned()) })
}

pub(crate) fn nothing<O: Operation<Response = ()> + Debug + 'static>(
    operation: O,
) -> Box<dyn Erased> {
    Box::new(Any { operation, got: |()| Got::Nothing })
}
