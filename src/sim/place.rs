//! Where a dial leads.

use http::HeaderMap;
use http::header::UPGRADE;

use super::socket_kind::SocketKind;

/// What is behind the path of a dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The socket of a channel.
    Channel(String),
    /// The socket of an application.
    Application(String),
    /// Any other socket that is not a channel's.
    Socket(SocketKind),
    /// A path beside that of a socket: the dial succeeds, and is closed as a protocol error.
    Astray(SocketKind),
}

/// The place of a request; `None` for a request that is answered by REST.
///
/// Only the paths of channels belong to sockets alone; the others are sockets for those who ask for an upgrade.
pub(super) fn place_of(path: &str, headers: &HeaderMap) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if let ["channels", id] = parts.as_slice() {
        return Some(Place::Channel((*id).to_owned()));
    }
    let upgrade = headers.get(UPGRADE)?.to_str().ok()?;
    if !upgrade.eq_ignore_ascii_case("websocket") {
        return None;
    }
    match parts.as_slice() {
        ["api", "v2", "appfoundry", "websocket", id] => Some(Place::Application((*id).to_owned())),
        ["api", "v2", "routing", "interactions", "events"] => {
            Some(Place::Socket(SocketKind::Routing))
        }
        ["api", "v2", "streaming", "interactions"] => Some(Place::Socket(SocketKind::Frames)),
        ["v2", "analytics", "events", "realtime"] => Some(Place::Socket(SocketKind::Realtime)),
        ["api", "v2", "analytics", "events"] => Some(Place::Socket(SocketKind::Presence)),
        ["api", "v2", "appfoundry", ..] => Some(Place::Astray(SocketKind::AppFoundry)),
        ["api", "v2", "routing", ..] => Some(Place::Astray(SocketKind::Routing)),
        ["api", "v2", "streaming", ..] => Some(Place::Astray(SocketKind::Frames)),
        ["api", "v2", "analytics", ..] => Some(Place::Astray(SocketKind::Presence)),
        ["v2", "analytics", ..] => Some(Place::Astray(SocketKind::Realtime)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn place(path: &str, upgrade: Option<&'static str>) -> Option<Place> {
        let mut headers = HeaderMap::new();
        if let Some(value) = upgrade {
            headers.insert(UPGRADE, HeaderValue::from_static(value));
        }
        place_of(path, &headers)
    }

    #[test]
    fn sockets_are_found_by_path_and_upgrade() {
        let upgrade = Some("WebSocket");
        let presence = "/api/v2/analytics/events";
        assert_eq!(place(presence, upgrade), Some(Place::Socket(SocketKind::Presence)));
        assert_eq!(place(presence, None), None);
        assert_eq!(place(presence, Some("h2c")), None);
        let application = "/api/v2/appfoundry/websocket/a";
        assert_eq!(place(application, upgrade), Some(Place::Application("a".into())));
        assert_eq!(
            place("/v2/analytics/events", upgrade),
            Some(Place::Astray(SocketKind::Realtime))
        );
        assert_eq!(place("/api/v2/users", upgrade), None);
        assert_eq!(place("/channels/c", None), Some(Place::Channel("c".into())));
        assert_eq!(place("/channels/", None), None);
    }
}
