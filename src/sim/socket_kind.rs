//! The sockets that are not notification channels, by name.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A socket of the simulator that is not a notification channel.
///
/// Tutorials describe these sockets; the platform's published API does not have them. The name, in lower case, is what
/// `"socket"` is in the bodies of `POST /_sim/emit` and `POST /_sim/fault`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SocketKind {
    /// `/api/v2/appfoundry/websocket/{appId}`: heartbeats of an application, and media on request.
    AppFoundry,
    /// `/api/v2/routing/interactions/events?access_token=…`: what happens in every queue.
    Routing,
    /// `/api/v2/streaming/interactions`: JSON frames and binary media frames.
    Frames,
    /// `/v2/analytics/events/realtime`: the token is in the first message.
    Realtime,
    /// `/api/v2/analytics/events?token=…`: presence of the users that were subscribed to.
    Presence,
}

impl SocketKind {
    /// Every kind.
    pub const ALL: [Self; 5] =
        [Self::AppFoundry, Self::Routing, Self::Frames, Self::Realtime, Self::Presence];

    /// The name, in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::AppFoundry => "appfoundry",
            Self::Routing => "routing",
            Self::Frames => "frames",
            Self::Realtime => "realtime",
            Self::Presence => "presence",
        }
    }

    /// The kind of a name.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config), with the names that exist.
    pub(super) fn of_name(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::config(format!("no socket is called {name:?}; there are: {names}"))
        })
    }

    /// The name under which the generator knows what these sockets hear about a queue or a user.
    pub(super) fn topic(self, id: &str) -> String {
        format!("{}.{id}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_kind_is_that_of_its_json() {
        for kind in SocketKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.name());
            assert_eq!(SocketKind::of_name(kind.name()).unwrap(), kind);
        }
        let error = SocketKind::of_name("notifications").unwrap_err().to_string();
        assert!(error.contains("appfoundry, routing, frames, realtime, presence"), "{error}");
    }
}
