//! Which sockets a fault is asked for.

use serde_json::{Map, Value};

use super::socket_kind::SocketKind;
use crate::error::{Error, Result};

/// What a fault is aimed at, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Aim {
    All,
    Channel(String),
    Kind(SocketKind),
}

impl Aim {
    /// Takes the aim out of the body of `POST /_sim/fault`.
    pub(super) fn read(body: &mut Map<String, Value>) -> Result<Self> {
        let mut name = |field: &str| match body.remove(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Error::config(format!("{field} must be a string"))),
        };
        match (name("channel")?, name("socket")?) {
            (None, None) => Ok(Self::All),
            (Some(id), None) => Ok(Self::Channel(id)),
            (None, Some(name)) => Ok(Self::Kind(SocketKind::of_name(&name)?)),
            (Some(_), Some(_)) => Err(Error::config("name a channel or a socket, not both")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn aim(body: Value) -> Result<Aim> {
        let Value::Object(mut body) = body else { panic!("not an object") };
        Aim::read(&mut body)
    }

    #[test]
    fn a_fault_is_aimed_at_a_channel_or_a_socket_but_not_at_both() {
        assert_eq!(aim(json!({ "socket": "routing" })).unwrap(), Aim::Kind(SocketKind::Routing));
        assert_eq!(aim(json!({ "channel": "c" })).unwrap(), Aim::Channel("c".into()));
        assert_eq!(aim(json!({ "channel": null })).unwrap(), Aim::All);
        assert!(aim(json!({ "socket": "routing", "channel": "c" })).is_err());
        assert!(aim(json!({ "socket": 7 })).is_err());
        let error = aim(json!({ "socket": "phone" })).unwrap_err().to_string();
        assert!(error.contains("presence"), "{error}");
    }
}
