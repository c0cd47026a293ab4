//! What crosses a wire: clocks, TLS, proxies, HTTP and WebSocket.

pub(crate) mod ambient;
pub(crate) mod clock;
pub(crate) mod http;
#[cfg(test)]
pub(crate) mod pipe;
pub(crate) mod proxy;
pub(crate) mod tls;
pub(crate) mod ws;

#[cfg(test)]
#[path = "../../tests/support/loopback.rs"]
pub(crate) mod loopback;
