//! How bytes reach the platform: clocks, TLS, proxies and HTTP.

pub(crate) mod ambient;
pub(crate) mod clock;
pub(crate) mod http;
pub(crate) mod proxy;
pub(crate) mod tls;

#[cfg(test)]
#[path = "../../tests/support/loopback.rs"]
pub(crate) mod loopback;
