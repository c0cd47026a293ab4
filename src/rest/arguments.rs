//! What one call of an operation sends.

use std::fmt;

use serde::Serialize;

use crate::core::secret::Secret;
use crate::error::{Error, Result};

/// What one call of an operation sends: what stands in its path, its query, headers and a JSON body.
///
/// Values are given as they are; they are encoded for where they go.
#[derive(Default)]
#[must_use]
pub struct Arguments {
    pub(crate) path: Vec<(&'static str, String)>,
    pub(crate) secret_path: Vec<(&'static str, Secret)>,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Option<Result<Vec<u8>>>,
    pub(crate) only_reads: bool,
    pub(crate) secret: bool,
    pub(crate) redirects: bool,
    pub(crate) missing: Option<&'static str>,
}

impl Arguments {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// What stands for `{name}` in the path.
    pub fn path(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.path.push((name, value.into()));
        self
    }

    /// As [`path`](Self::path), for what is a credential: no error repeats it.
    pub fn secret_path(mut self, name: &'static str, value: Secret) -> Self {
        self.secret_path.push((name, value));
        self
    }

    /// Adds a query parameter; call it again to repeat the name.
    #[allow(clippy::needless_pass_by_value)] // Numbers and texts are given as they are.
    pub fn query(mut self, name: &'static str, value: impl ToString) -> Self {
        self.query.push((name, value.to_string()));
        self
    }

    /// Puts a value in the place of those that the name has.
    pub(crate) fn set_query(&mut self, name: &'static str, value: String) {
        self.query.retain(|(other, _)| *other != name);
        self.query.push((name, value));
    }

    /// Adds a query parameter for each value, with the same name.
    pub fn repeated<T: AsRef<str>>(mut self, name: &'static str, values: &[T]) -> Self {
        self.query.extend(values.iter().map(|value| (name, value.as_ref().to_owned())));
        self
    }

    /// Adds one query parameter with all values in it, separated by commas; none when there are no values.
    pub fn commas<T: AsRef<str>>(mut self, name: &'static str, values: &[T]) -> Self {
        let values: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        if !values.is_empty() {
            self.query.push((name, values.join(",")));
        }
        self
    }

    /// Adds a header. `authorization` is the client's own.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body.
    pub fn json<T: Serialize + ?Sized>(mut self, body: &T) -> Self {
        self.body = Some(serde_json::to_vec(body).map_err(unwritable));
        self
    }

    /// Says that the operation only reads, whatever its method: it is repeated when that may help.
    pub fn only_reads(mut self) -> Self {
        self.only_reads = true;
        self
    }

    /// Says that what is sent or answered holds a credential: no error keeps any of the answer.
    pub fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    /// Says that a redirect is the answer, which [`Answer::location`](crate::Answer::location) reads. It is not followed: the
    /// link in it is signed, so it needs no token and no error repeats it.
    pub fn redirects(mut self) -> Self {
        self.redirects = true;
        self
    }

    /// Says that a required parameter has no value: the call fails before anything is sent.
    #[cfg(feature = "_rest")]
    #[allow(dead_code)] // Few families have lists that are required.
    pub(crate) fn required<T>(mut self, name: &'static str, values: &[T]) -> Self {
        if values.is_empty() {
            self.missing = Some(name);
        }
        self
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::config("request body cannot be written as JSON").with_source(error)
}

impl fmt::Debug for Arguments {
    /// Shows names, and no values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |all: &[(&'static str, String)]| -> Vec<_> {
            all.iter().map(|(name, _)| *name).collect()
        };
        f.debug_struct("Arguments")
            .field("path", &names(&self.path))
            .field("query", &names(&self.query))
            .field("body", &self.body.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_values() {
        let arguments = Arguments::new().path("userId", "hush").query("q", "hush").json("hush");
        let shown = format!("{arguments:?}");
        assert!(shown.contains("userId") && !shown.contains("hush"), "{shown}");
    }

    #[test]
    fn lists_are_repeated_or_joined() {
        let arguments = Arguments::new().repeated("a", &["1", "2"]).commas("b", &["1", "2"]);
        let query: Vec<_> = arguments
            .commas::<&str>("c", &[])
            .query
            .into_iter()
            .map(|(n, v)| n.to_owned() + &v)
            .collect();
        assert_eq!(query, ["a1", "a2", "b1,2"]);
    }
}
