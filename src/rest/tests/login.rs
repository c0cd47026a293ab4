//! Login and API together: the whole stack over sockets.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::auth::cache::CachedTokens;
use crate::auth::client_credentials::ClientCredentialsGrant;
use crate::auth::keeper::Keeper;
use crate::core::credentials::ClientCredentials;
use crate::error::ErrorKind;
use crate::region::Endpoints;
use crate::rest::api::Api;
use crate::rest::notifications::{IncludeChannels, Notifications};
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::{BareExecutor, Limits};
use crate::transport::http::retry::RetryRules;
use crate::transport::http::service::HttpService;
use crate::transport::http::window_limiter::WindowLimiter;
use crate::transport::loopback::{Loopback, Reply, Seen};
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

/// Issues `hush-1`, `hush-2` and so on, and takes tokens from `first_good` on.
fn platform(first_good: usize) -> impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static {
    let issued = AtomicUsize::new(0);
    move |_, seen| {
        if seen.target == "/oauth/token" {
            let number = issued.fetch_add(1, Ordering::SeqCst) + 1;
            return Reply::json(
                200,
                &format!(r#"{{"access_token":"hush-{number}","expires_in":300}}"#),
            );
        }
        let token = seen.header("authorization").unwrap();
        let number: usize = token.strip_prefix("Bearer hush-").unwrap().parse().unwrap();
        if number >= first_good {
            Reply::json(200, r#"{"entities":[]}"#)
        } else {
            Reply::json(401, r#"{"code":"bad.credentials","contextId":"c-1"}"#)
        }
    }
}

fn notifications(server: &Loopback) -> Notifications {
    let ambient = Ambient::default();
    let endpoints = Endpoints::single(&server.url()).unwrap();
    let bare = BareExecutor::new(&Tls::new(), &Proxy::none(), Limits::default(), ambient.clone());
    let bare = Arc::new(bare.unwrap());
    let credentials = ClientCredentials::new("id", "hush-secret");
    let grant = ClientCredentialsGrant::new(&credentials, &endpoints, bare.clone()).unwrap();
    let keeper = Keeper::new(Arc::new(grant), None, ambient.clone());
    let tokens = Arc::new(CachedTokens::new(keeper, ambient.clone()));
    let limiter = Arc::new(WindowLimiter::default());
    let service = HttpService::new(bare, tokens, RetryRules::default(), limiter, &ambient);
    Notifications::new(Api::new(service, endpoints))
}

fn logins(server: &Loopback) -> usize {
    let seen = server.seen();
    seen.iter().filter(|seen| seen.target == "/oauth/token").count()
}

#[tokio::test]
async fn a_revoked_token_costs_one_login_however_many_calls_it_hits() {
    let server = Loopback::start(platform(2)).await;
    let notifications = notifications(&server);
    let calls = (0..20).map(|_| notifications.channels(IncludeChannels::Token));
    for result in futures::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(logins(&server), 2);
    assert!(server.count() <= 42, "each call is replayed at most once");
}

#[tokio::test]
async fn when_every_token_is_refused_a_call_ends_after_one_replay() {
    let server = Loopback::start(platform(usize::MAX)).await;
    let error = notifications(&server).channels(IncludeChannels::Token).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("bad.credentials")));
    assert_eq!(error.correlation_id(), Some("c-1"));
    assert_eq!((logins(&server), server.count()), (2, 4));
}
