//! An API over a loopback server.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::static_token::StaticToken;
use crate::region::Endpoints;
use crate::rest::api::Api;
use crate::rest::notifications::Notifications;
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::{BareExecutor, Limits};
use crate::transport::http::retry::{BackoffRetry, RetryRules};
use crate::transport::http::service::HttpService;
use crate::transport::http::window_limiter::WindowLimiter;
use crate::transport::loopback::{Loopback, Reply, Seen};
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

pub(super) fn api(server: &Loopback) -> Api {
    let ambient = Ambient::default();
    let bare =
        BareExecutor::new(&Tls::new(), &Proxy::none(), Limits::default(), ambient.clone()).unwrap();
    let rules = RetryRules {
        policy: Arc::new(BackoffRetry::default().base(Duration::from_millis(1))),
        ..RetryRules::default()
    };
    let service = HttpService::new(
        Arc::new(bare),
        Arc::new(StaticToken::new("hush-token")),
        rules,
        Arc::new(WindowLimiter::default()),
        &ambient,
    );
    Api::new(service, Endpoints::single(&server.url()).unwrap())
}

pub(super) async fn platform(
    answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Loopback, Notifications) {
    let server = Loopback::start(answer).await;
    let notifications = Notifications::new(api(&server));
    (server, notifications)
}

pub(super) fn topics(names: &[&str]) -> Vec<Box<str>> {
    names.iter().map(|name| (*name).into()).collect()
}
