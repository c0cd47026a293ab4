//! What the HTTP library's errors mean: kind, whether anything was sent, and a clause that helps.

use std::error::Error as StdError;
use std::io;

use crate::error::{Error, ErrorKind};
use crate::transport::tls::advice;

/// Turns a failed exchange into an error that names no URL.
pub(crate) fn of_exchange(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let connecting = error.is_connect();
    let kind = if error.is_timeout() { ErrorKind::Timeout } else { ErrorKind::Transport };
    let tls = find::<rustls::Error>(&error);
    let hint = tls.and_then(advice);
    let tunnel = tunnel(&error);
    let message: String = match (hint, tunnel) {
        (Some(hint), _) => hint.into(),
        (None, Some(clause)) => clause.into(),
        _ if tls.is_some() => "TLS handshake failed".into(),
        _ if error.is_dns() => {
            "host name cannot be resolved; check the region and this machine's DNS".into()
        }
        _ if connecting && kind == ErrorKind::Timeout => "connection was not made in time".into(),
        _ if connecting => "connection cannot be made".into(),
        _ if error.is_builder() => {
            return Error::config("request cannot be built").with_source(error);
        }
        _ => "connection was cut before the answer was complete".into(),
    };
    // Nothing that a certificate or a proxy's refusal says changes by asking again.
    let hopeless = hint.is_some() || tunnel == Some(PROXY_AUTH);
    let mut out = Error::new(kind, message).with_source(error).retryable(true);
    if connecting {
        out = out.unsent();
    }
    out.retryable(!hopeless)
}

const PROXY_AUTH: &str = "the proxy asks for credentials, or refuses those it was given";
const PROXY_REFUSED: &str = "the proxy refused to connect to the host";

/// The tunnel's error is not a public type; its words are all there is.
fn tunnel(error: &reqwest::Error) -> Option<&'static str> {
    let mut next: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(error) = next {
        let text = error.to_string();
        if let Some(why) = text.strip_prefix("tunnel error: ") {
            return Some(match why {
                "proxy authorization required" => PROXY_AUTH,
                "failed to create underlying connection" => "the proxy cannot be reached",
                _ => PROXY_REFUSED,
            });
        }
        next = error.source();
    }
    None
}

/// Looks for a cause of a type, inside I/O errors too: their `source` skips what they wrap.
fn find<'a, T: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a T> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        if let Some(inner) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)
            && let Some(found) = find::<T>(inner)
        {
            return Some(found);
        }
        next = error.source();
    }
    None
}
