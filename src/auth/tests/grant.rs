//! The client-credentials grant against a loopback login service.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::cache::CachedTokens;
use crate::auth::client_credentials::ClientCredentialsGrant;
use crate::auth::keeper::{Grant, Keeper};
use crate::auth::token_answer::Issued;
use crate::core::credentials::{ClientCredentials, CredentialsIn};
use crate::core::ports::TokenSource;
use crate::error::{Error, ErrorKind, Result};
use crate::region::Endpoints;
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::{BareExecutor, Limits};
use crate::transport::http::retry::{BackoffRetry, RetryRules, Retrying};
use crate::transport::loopback::{Loopback, Reply, Seen};
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

const GOOD: &str =
    r#"{"access_token":"hush-token","token_type":"Bearer","expires_in":300,"scope":"a b"}"#;

fn grant(server: &Loopback, credentials: &ClientCredentials) -> ClientCredentialsGrant {
    let ambient = Ambient::default();
    let limits = Limits { attempt: Duration::from_millis(500), ..Limits::default() };
    let bare = BareExecutor::new(&Tls::new(), &Proxy::none(), limits, ambient.clone()).unwrap();
    let rules = RetryRules {
        policy: Arc::new(BackoffRetry::default().base(Duration::from_millis(1))),
        ..RetryRules::default()
    };
    let http = Arc::new(Retrying::new(Arc::new(bare), rules, ambient));
    let endpoints = Endpoints::single(&server.url()).unwrap();
    ClientCredentialsGrant::new(credentials, &endpoints, http).unwrap()
}

async fn ask(
    answer: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
) -> (Result<Issued>, Vec<Seen>) {
    let server = Loopback::start(answer).await;
    let credentials = ClientCredentials::new("my-id", "hush-secret");
    let result = grant(&server, &credentials).request(None).await;
    if let Err(error) = &result {
        let mut text = format!("{error} {error:?} {:?}", error.body());
        let mut next = std::error::Error::source(error);
        while let Some(source) = next {
            text.push_str(&source.to_string());
            next = source.source();
        }
        assert!(!text.contains("hush"), "{text}");
    }
    (result, server.seen())
}

async fn refusal(status: u16, body: &'static str) -> (Error, usize) {
    let (result, seen) = ask(move |_, _| Reply::json(status, body)).await;
    (result.unwrap_err(), seen.len())
}

#[tokio::test]
async fn credentials_go_into_the_header_or_the_form() {
    let (issued, seen) = ask(|_, _| Reply::json(200, GOOD)).await;
    let issued = issued.unwrap();
    assert_eq!(issued.secret.expose(), "hush-token");
    assert_eq!(issued.life, Duration::from_secs(300));
    assert_eq!(issued.scopes, ["a", "b"].map(Box::<str>::from));
    assert!(!format!("{issued:?}").contains("hush"));
    assert_eq!(seen[0].target, "/oauth/token");
    // my-id:hush-secret
    assert_eq!(seen[0].header("authorization"), Some("Basic bXktaWQ6aHVzaC1zZWNyZXQ="));
    assert_eq!(seen[0].body, "grant_type=client_credentials");

    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    let credentials = ClientCredentials::new("my id", "h&sh")
        .placed(CredentialsIn::Form)
        .scope("x")
        .scope("y:readonly");
    grant(&server, &credentials).request(None).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(
        seen.body,
        "grant_type=client_credentials&scope=x+y%3Areadonly&client_id=my+id&client_secret=h%26sh"
    );
}

#[tokio::test]
async fn refusals_are_final_and_say_what_to_check() {
    let cases: [(u16, &str, ErrorKind, &str); 7] = [
        (
            400,
            r#"{"error":"invalid_client","description":"client not found","error_description":"client not found: invalid_client"}"#,
            ErrorKind::Auth,
            "check the client id and the region",
        ),
        (
            401,
            r#"{"error":"invalid_client","description":"authentication failed"}"#,
            ErrorKind::Auth,
            "refuses the client secret",
        ),
        (
            400,
            r#"{"error":"unsupported_grant_type"}"#,
            ErrorKind::Auth,
            "grant type client credentials",
        ),
        (
            400,
            r#"{"error":"invalid_client","description":"client is disabled"}"#,
            ErrorKind::Auth,
            "disabled",
        ),
        (400, "<html>?</html>", ErrorKind::Auth, "check client id, secret and region"),
        (403, r#"{"error":"access_denied"}"#, ErrorKind::Forbidden, "roles"),
        (404, "", ErrorKind::NotFound, "check the region"),
    ];
    for (status, body, kind, words) in cases {
        let (error, requests) = refusal(status, body).await;
        assert_eq!((error.kind(), requests), (kind, 1), "{status} {body}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(error.status(), Some(status));
        assert!(!error.is_retryable());
    }
    let (error, _) =
        refusal(401, r#"{"error":"invalid_client","description":"hush-secret is wrong"}"#).await;
    assert_eq!(error.code(), Some("invalid_client"));
}

#[tokio::test]
async fn faults_and_5xx_are_retried_and_a_page_of_a_gateway_is_survived() {
    let replies = [
        Reply::new(502, &[("content-type", "text/html")], "<html>Bad Gateway</html>"),
        Reply::cut(),
        Reply::truncated(),
    ];
    let (issued, seen) =
        ask(move |n, _| replies.get(n).cloned().unwrap_or_else(|| Reply::json(200, GOOD))).await;
    issued.unwrap();
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn a_429_with_an_hour_is_returned_and_a_short_one_is_waited_for() {
    let (result, seen) = ask(|_, _| Reply::new(429, &[("retry-after", "3600")], "")).await;
    let error = result.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert_eq!((error.retry_after(), seen.len()), (Some(Duration::from_secs(3600)), 1));
    let (result, seen) = ask(|n, _| match n {
        0 => Reply::new(429, &[("retry-after", "0")], ""),
        _ => Reply::json(200, GOOD),
    })
    .await;
    result.unwrap();
    assert_eq!(seen.len(), 2);
}

#[tokio::test]
async fn an_answer_that_is_no_token_is_not_kept_in_the_error() {
    let bad = [
        "",
        "[]",
        "hush",
        "<html>hush</html>",
        r#"{"access_token":""}"#,
        r#"{"access_token":["hush"]}"#,
        r#"{"access_token":"hush","token_type":"mac-hush"}"#,
        r#"{"access_token":"hush","expires_in":"hush"}"#,
        r#"{"access_token":"hush","expires_in":-1}"#,
        r#"{"access_token":"hush","expires_in":1e999}"#,
        r#"{"access_token":"hush","expires_in":0}"#,
    ];
    for body in bad {
        let (result, seen) = ask(move |_, _| Reply::json(200, body)).await;
        let error = result.unwrap_err();
        assert_eq!(
            (error.kind(), error.body(), seen.len()),
            (ErrorKind::Decode, None, 1),
            "{body}"
        );
    }
}

#[tokio::test]
async fn odd_but_usable_answers_are_taken() {
    let day = Duration::from_secs(86_400);
    for (body, life) in [
        (r#"{"access_token":"t"}"#, day),
        (r#"{"access_token":"t","expires_in":null,"token_type":null,"scope":null}"#, day),
        (r#"{"access_token":"t","token_type":"BEARER","expires_in":"86400","novel":[1]}"#, day),
        (r#"{"access_token":"t","expires_in":1e18}"#, day * 450),
    ] {
        let (issued, _) = ask(move |_, _| Reply::new(200, &[], body)).await;
        assert_eq!(issued.unwrap().life, life, "{body}");
    }
}

#[tokio::test]
async fn a_hundred_concurrent_callers_make_one_request_over_the_wire() {
    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    let credentials = ClientCredentials::new("my-id", "hush-secret");
    let keeper = Keeper::new(Arc::new(grant(&server, &credentials)), None, Ambient::default());
    let tokens = CachedTokens::new(keeper, Ambient::default());
    let all = futures::future::join_all((0..100).map(|_| tokens.token())).await;
    assert!(all.iter().all(|token| token.as_ref().unwrap().generation == 1));
    assert_eq!(server.count(), 1);
    assert!(!format!("{tokens:?} {all:?} {credentials:?}").contains("hush"));
}

#[test]
fn empty_credentials_are_refused_before_anything_is_sent() {
    struct Never;
    impl crate::transport::http::executor::Execute for Never {
        fn execute<'a>(
            &'a self,
            _: &'a crate::transport::http::request::Request,
        ) -> crate::BoxFuture<'a, Result<crate::transport::http::response::Response>> {
            unreachable!("nothing is to be sent")
        }
    }
    let endpoints = Endpoints::single("https://login.example").unwrap();
    for (id, secret) in [("", "hush"), ("id", "")] {
        let credentials = ClientCredentials::new(id, secret);
        let result = ClientCredentialsGrant::new(&credentials, &endpoints, Arc::new(Never));
        assert_eq!(result.err().unwrap().kind(), ErrorKind::Config);
    }
}
