//! A platform whose sockets do whatever a test wants, and what a notification socket says.

#[path = "../support/scripted.rs"]
mod server;

pub(crate) use server::{Scripted, frame, hold, text};

/// The platform's answer to a ping.
pub(crate) fn pong() -> Vec<u8> {
    text(r#"{"topicName":"channel.metadata","eventBody":{"message":"pong"}}"#)
}

/// A presence event of user `u1` that carries a number.
pub(crate) fn presence(n: usize) -> Vec<u8> {
    text(&format!(
        r#"{{"topicName":"v2.users.u1.presence","version":"2","eventBody":{{"source":"PURECLOUD","primary":true,"message":"{n}"}},"metadata":{{"CorrelationId":"c{n}"}}}}"#
    ))
}

/// The number in an event of [`presence`].
pub(crate) fn number(event: &genesys_cloud::Event) -> Option<usize> {
    match event {
        genesys_cloud::Event::UsersPresence(body) => body.message.as_ref()?.parse().ok(),
        _ => None,
    }
}
