//! Logging in, as a user of the crate sees it, against the simulator.

use std::error::Error as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{
    BackoffRetry, Client, ClientCredentials, CredentialsIn, ErrorKind, IncludeChannels, Proxy,
    Signal,
};

async fn platform() -> Platform {
    Platform::builder().seed(7).start().await.unwrap()
}

fn client(platform: &Platform, credentials: ClientCredentials) -> Client {
    Client::builder(platform.endpoints())
        .credentials(credentials)
        .proxy(Proxy::none())
        .retry(BackoffRetry::default().base(Duration::from_millis(1)))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_wrong_client_id_and_a_wrong_secret_say_what_to_check() {
    let platform = platform().await;
    let good = platform.credentials();
    let unknown = ClientCredentials::new("nobody", "hush-hush-hush");
    let wrong = ClientCredentials::new(good.client_id(), "hush-hush-hush");
    for placed in [CredentialsIn::BasicHeader, CredentialsIn::Form] {
        for (credentials, words) in [(&unknown, "client id"), (&wrong, "client secret")] {
            let client = client(&platform, credentials.clone().placed(placed));
            let error = client.notifications().create_channel().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(error.to_string().contains(words), "{error}");
            assert_eq!(error.code(), Some("invalid_client"));
            assert!(error.correlation_id().is_some() && !error.is_retryable());
            let shown = format!("{error} {error:?} {:?} {client:?}", error.source());
            assert!(!shown.contains("hush"), "{shown}");
        }
    }
    assert_eq!(platform.stats().tokens_issued, 0);
}

#[tokio::test]
async fn both_places_for_credentials_log_in_and_many_callers_are_one_login() {
    for placed in [CredentialsIn::BasicHeader, CredentialsIn::Form] {
        let platform = platform().await;
        let client = client(&platform, platform.credentials().placed(placed));
        let notifications = client.notifications();
        let calls = (0..50).map(|_| notifications.channels(IncludeChannels::Token));
        for result in futures::future::join_all(calls).await {
            result.unwrap();
        }
        assert_eq!(platform.stats().tokens_issued, 1);
    }
}

#[tokio::test]
async fn a_login_service_in_trouble_is_asked_again_and_one_that_forbids_is_not() {
    let platform = platform().await;
    let login = |status, count, html| Fault::Http {
        path: "/oauth/token".into(),
        status,
        retry_after: None,
        count,
        html,
    };
    let notifications = client(&platform, platform.credentials()).notifications();
    platform.fault(login(403, 1, false)).unwrap();
    let error = notifications.create_channel().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    platform.fault(login(502, 3, true)).unwrap();
    notifications.create_channel().await.unwrap();
    assert_eq!(platform.stats().tokens_issued, 1);
}

#[tokio::test]
async fn a_revoked_and_an_expired_token_are_replaced_without_the_caller_noticing() {
    let platform = platform().await;
    let told: Arc<Mutex<Vec<u64>>> = Arc::default();
    let sink = told.clone();
    let client = Client::builder(platform.endpoints())
        .credentials(platform.credentials())
        .proxy(Proxy::none())
        .observer(move |signal: &Signal<'_>| {
            if let Signal::TokenIssued { generation, .. } = signal {
                sink.lock().unwrap().push(*generation);
            }
        })
        .build()
        .unwrap();
    let notifications = client.notifications();
    for fault in [Fault::RevokeToken, Fault::ExpireToken] {
        notifications.create_channel().await.unwrap();
        platform.fault(fault).unwrap();
        notifications.create_channel().await.unwrap();
    }
    assert_eq!(*told.lock().unwrap(), [1, 2, 3]);
}
