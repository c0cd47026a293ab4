//! `AppFoundry` applications: where their sockets are, and why connections to them ended.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::rest::api::Api;
#[cfg(feature = "preflight")]
use crate::rest::facades::{
    Caller,
    preflight::{self, Preflight, Requirements},
};
use crate::transport::http::request::Priority;

const APPLICATION: &str = "/api/v2/appfoundry/applications/{appId}";
const EVENTS: &str = "/api/v2/analytics/events/query";

/// The type of the events that tell of connections.
const CONNECTION: &str = "appfoundry.connection";

/// Most events that are kept of one answer.
const MOST_EVENTS: usize = 1_000;

/// The API of `AppFoundry` applications, from [`Client::app_foundry`](crate::Client::app_foundry).
///
/// Both calls are tutorial endpoints that are not in the platform's published API. The published way to why a
/// conversation was dropped is the conversation details query of analytics.
#[derive(Clone, Debug)]
pub struct AppFoundryApi {
    api: Api,
}

/// An application.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Application {
    /// Its id.
    pub id: Option<Box<str>>,
    /// Its name.
    pub name: Option<Box<str>>,
    /// Its socket; see [`socket`](Self::socket).
    pub web_socket: Option<ApplicationSocket>,
}

/// The socket of an application, as it is configured.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ApplicationSocket {
    /// Host and port, with a scheme or without; empty when the configuration has none.
    #[serde(default)]
    pub origin_url: Box<str>,
    /// After so many milliseconds without a message of the client the server closes.
    pub timeout_millis: Option<u64>,
    /// The longest message that the server takes, in bytes.
    pub max_message_size: Option<u64>,
}

/// Something that the platform has written down about a connection.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ConnectionEvent {
    /// When; `None` when the platform does not say.
    pub at: Option<SystemTime>,
    /// Why the connection ended; `None` for events that are no end.
    pub reason: Option<Box<str>>,
    /// Who ended it, in the platform's words.
    pub by: Option<Box<str>>,
    /// The close code.
    pub code: Option<u16>,
    /// The id of the connection.
    pub connection_id: Option<Box<str>>,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    entities: Vec<Entity>,
}

#[derive(Deserialize)]
struct Entity {
    #[serde(default, deserialize_with = "lenient")]
    timestamp: Option<String>,
    #[serde(default)]
    data: Value,
}

#[derive(Serialize)]
struct Query<'a> {
    types: [&'a str; 1],
    interval: String,
    filters: [Filter<'a>; 1],
}

#[derive(Serialize)]
struct Filter<'a> {
    name: &'a str,
    op: &'a str,
    value: &'a str,
}

/// A text; anything else counts as none.
fn lenient<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(from)? {
        Value::String(text) => Some(text),
        _ => None,
    })
}

impl ApplicationSocket {
    /// [`timeout_millis`](Self::timeout_millis) as a duration; `None` when there is none.
    pub fn idle_timeout(&self) -> Option<Duration> {
        self.timeout_millis.filter(|ms| *ms > 0).map(Duration::from_millis)
    }
}

impl Application {
    /// Its socket.
    ///
    /// # Errors
    /// [`Config`](crate::ErrorKind::Config) when the application has no WebSocket configuration, or one without `originUrl`.
    pub fn socket(&self) -> Result<&ApplicationSocket> {
        let what = match &self.web_socket {
            Some(socket) if !socket.origin_url.is_empty() => return Ok(socket),
            Some(_) => "no originUrl in its WebSocket configuration",
            None => "no WebSocket configuration",
        };
        let id = self.id.as_deref().unwrap_or("without an id");
        Err(Error::config(format!(
            "application {id} has {what}: add webSocket with originUrl, timeoutMillis and maxMessageSize to it"
        )))
    }
}

impl AppFoundryApi {
    pub(crate) fn new(api: Api) -> Self {
        Self { api }
    }

    /// An application. Whether it has a socket is what [`Application::socket`] tells.
    ///
    /// # Errors
    /// [`Auth`](crate::ErrorKind::Auth) when the token is refused, [`NotFound`](crate::ErrorKind::NotFound) when there is no such
    /// application, and as every call: [`Forbidden`](crate::ErrorKind::Forbidden), [`Throttled`](crate::ErrorKind::Throttled),
    /// [`Transport`](crate::ErrorKind::Transport), [`Timeout`](crate::ErrorKind::Timeout), [`Decode`](crate::ErrorKind::Decode), or the status.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn application(&self, id: &str) -> Result<Application> {
        self.api.get(APPLICATION).id("appId", id).fetch().await
    }

    /// What the platform has written down about connections to an application in an interval: at most 1,000 events, the
    /// latest.
    ///
    /// # Errors
    /// As [`application`](Self::application); [`Config`](crate::ErrorKind::Config) for an interval that ends before it starts.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn connection_events(
        &self,
        id: &str,
        start: SystemTime,
        end: SystemTime,
    ) -> Result<Vec<ConnectionEvent>> {
        if end < start {
            return Err(Error::config("the interval ends before it starts"));
        }
        let query = Query {
            types: [CONNECTION],
            interval: format!("{}/{}", iso(start)?, iso(end)?),
            filters: [Filter { name: "appId", op: "eq", value: id }],
        };
        // A query by POST: asking twice does no harm.
        let call = self.api.post(EVENTS).json(&query).retry_unsafe().priority(Priority::Backfill);
        let answer: Answer = call.fetch().await?;
        let skipped = answer.entities.len().saturating_sub(MOST_EVENTS);
        Ok(answer.entities.into_iter().skip(skipped).map(ConnectionEvent::from).collect())
    }
}

#[cfg(feature = "preflight")]
impl AppFoundryApi {
    /// Looks whether an organisation has all that a product needs: a token that works, scopes, permissions, topics, an
    /// integration that is active, channels and requests.
    ///
    /// Permissions are read from the roles of the token, if the platform lists them; else those are tried out for which
    /// there is a call that only reads. A call that fails is a line of the report, and ends nothing.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
    /// use genesys_cloud::Requirements;
    ///
    /// let needs = Requirements::new()
    ///     .integration_type("premium-app-example")
    ///     .permission("routing:queue:view")
    ///     .topic_template("v2.users.{id}.presence")?
    ///     .channels(2);
    /// let report = client.app_foundry().preflight(&needs).await;
    /// println!("{report}");
    /// for line in report.missing() {
    ///     println!("{}: {:?}", line.name, line.remedy);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn preflight(&self, needs: &Requirements) -> Preflight {
        Box::pin(preflight::run(Caller::new(self.api.clone()), needs)).await
    }
}

/// A time as the platform takes it.
pub(crate) fn iso(time: SystemTime) -> Result<String> {
    let time = jiff::Timestamp::try_from(time)
        .map_err(|error| Error::config("the interval cannot be written").with_source(error))?;
    Ok(format!("{time:.3}"))
}

impl From<Entity> for ConnectionEvent {
    fn from(entity: Entity) -> Self {
        let text = |name: &str| entity.data.get(name).and_then(Value::as_str);
        let at = entity.timestamp.as_deref().or_else(|| text("timestamp"));
        let at = at.and_then(|at| at.parse::<jiff::Timestamp>().ok());
        let code = entity.data.get("closeCode").and_then(Value::as_u64);
        Self {
            at: at.map(SystemTime::from),
            reason: text("disconnectReason").map(Into::into),
            by: text("disconnectedBy").map(Into::into),
            code: code.and_then(|code| u16::try_from(code).ok()),
            connection_id: text("connectionId").map(Into::into),
        }
    }
}
