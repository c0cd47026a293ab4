//! What crosses a wire: TLS, proxies, HTTP and WebSocket.

pub(crate) mod ws;
