//! What an operation of the REST API is.

use std::time::Duration;

use crate::error::Result;
use crate::rest::answer::Answer;
use crate::rest::arguments::Arguments;
use crate::transport::http::request::Priority;

/// An HTTP method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Method {
    /// Reads.
    Get,
    /// Reads without a body.
    Head,
    /// Sends; not to be repeated blindly.
    Post,
    /// Replaces.
    Put,
    /// Changes; not to be repeated blindly.
    Patch,
    /// Deletes.
    Delete,
}

impl Method {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Head => Self::HEAD,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Patch => Self::PATCH,
            Method::Delete => Self::DELETE,
        }
    }
}

/// An operation of the REST API: what is sent, and how the answer is read.
///
/// Those of the platform are in [`operations`](crate::operations). What is not there can be written:
///
/// ```
/// use genesys_cloud::{Answer, Arguments, Method, Operation};
///
/// struct GetGroupName<'a>(&'a str);
///
/// impl Operation for GetGroupName<'_> {
///     type Response = Option<String>;
///
///     const METHOD: Method = Method::Get;
///     const TEMPLATE: &'static str = "/api/v2/groups/{groupId}";
///
///     fn arguments(&self) -> Arguments {
///         Arguments::new().path("groupId", self.0)
///     }
///
///     fn response(answer: Answer) -> genesys_cloud::Result<Option<String>> {
///         let group: serde_json::Value = answer.json()?;
///         Ok(group["name"].as_str().map(str::to_owned))
///     }
/// }
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// let name = client.execute(GetGroupName("8f0c")).await?;
/// # Ok(())
/// # }
/// ```
pub trait Operation: Send + Sync {
    /// What it answers.
    type Response;

    /// Its method. What is not a POST or a PATCH is repeated when that may help.
    const METHOD: Method;
    /// Its path with the names of its parameters in braces, such as `/api/v2/users/{userId}`.
    const TEMPLATE: &'static str;

    /// What is sent.
    fn arguments(&self) -> Arguments;

    /// Reads the answer, which is a success.
    ///
    /// # Errors
    /// [`Decode`](crate::ErrorKind::Decode) when it cannot be read.
    fn response(answer: Answer) -> Result<Self::Response>;
}

impl<O: Operation> Operation for &O {
    type Response = O::Response;

    const METHOD: Method = O::METHOD;
    const TEMPLATE: &'static str = O::TEMPLATE;

    fn arguments(&self) -> Arguments {
        (**self).arguments()
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        O::response(answer)
    }
}

/// An operation that may be answered without a body, such as by 202 or 204: `None` then.
#[derive(Clone, Debug)]
pub struct Optional<O>(pub O);

impl<O: Operation> Operation for Optional<O> {
    type Response = Option<O::Response>;

    const METHOD: Method = O::METHOD;
    const TEMPLATE: &'static str = O::TEMPLATE;

    fn arguments(&self) -> Arguments {
        self.0.arguments()
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        if answer.body().is_empty() { Ok(None) } else { O::response(answer).map(Some) }
    }
}

/// How one call is made.
#[derive(Clone, Copy, Debug, Default)]
#[must_use]
pub struct CallOptions {
    pub(crate) priority: Priority,
    pub(crate) deadline: Option<Duration>,
    pub(crate) repeatable: Option<bool>,
}

impl CallOptions {
    /// Who goes first when calls wait for the rate limiter. Default [`Priority::User`].
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Longest time for one attempt, answer included. Default: that of the client, 32 s.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Says whether sending it twice does what sending it once does. Default: what the operation says.
    pub fn repeatable(mut self, yes: bool) -> Self {
        self.repeatable = Some(yes);
        self
    }
}
