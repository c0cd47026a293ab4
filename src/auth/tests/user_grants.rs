//! The grants of users against a loopback login service: what is sent, and what each refusal becomes.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use crate::auth::authorization_code::AuthorizationCode;
use crate::auth::code_grant::CodeGrant;
use crate::auth::keeper::Grant;
use crate::auth::saml2::{AssertionSource, Saml2Bearer, Saml2Grant};
use crate::core::credentials::{ClientCredentials, CredentialsIn};
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::region::{Endpoints, Region};
use crate::transport::ambient::Ambient;
use crate::transport::http::executor::{BareExecutor, Execute, Limits};
use crate::transport::http::retry::{BackoffRetry, RetryRules, Retrying};
use crate::transport::loopback::{Loopback, Reply};
use crate::transport::proxy::Proxy;
use crate::transport::tls::Tls;

const GOOD: &str = r#"{"access_token":"hush-token","token_type":"bearer","expires_in":300,"refresh_token":"hush-next"}"#;

fn http() -> Arc<dyn Execute> {
    let ambient = Ambient::default();
    let bare =
        BareExecutor::new(&Tls::new(), &Proxy::none(), Limits::default(), ambient.clone()).unwrap();
    let rules = RetryRules {
        policy: Arc::new(BackoffRetry::default().base(Duration::from_millis(1))),
        ..RetryRules::default()
    };
    Arc::new(Retrying::new(Arc::new(bare), rules, ambient))
}

fn app() -> AuthorizationCode {
    AuthorizationCode::new("my-id", "https://app.example/in")
}

fn grant(app: &AuthorizationCode, server: &Loopback) -> (CodeGrant, Secret) {
    let endpoints = Endpoints::single(&server.url()).unwrap();
    let sign_in = app.sign_in(endpoints.clone()).unwrap();
    let user = sign_in.code("hush-code", sign_in.state().clone()).unwrap();
    (CodeGrant::signed_in(user, &endpoints, http()).unwrap(), sign_in.verifier().clone())
}

fn saml2(server: &Loopback, bearer: Saml2Bearer) -> Saml2Grant {
    Saml2Grant::new(bearer, &Endpoints::single(&server.url()).unwrap(), http()).unwrap()
}

fn assertions(text: &'static str) -> impl AssertionSource + 'static {
    move || std::future::ready(Ok(Secret::new(text)))
}

fn credentials() -> ClientCredentials {
    ClientCredentials::new("my-id", "hush-secret")
}

/// Everything that is shown of an error.
fn shown(error: &Error) -> String {
    let mut text = format!("{error} {error:?} {:?}", error.body());
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&source.to_string());
        next = source.source();
    }
    text
}

#[tokio::test]
async fn a_code_is_exchanged_with_its_verifier_and_refresh_tokens_follow() {
    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    let (grant, verifier) = grant(&app(), &server);
    assert!(grant.is_fresh());
    let issued = grant.request(None).await.unwrap();
    assert_eq!(issued.refresh, Some(Secret::new("hush-next")));
    assert!(!grant.is_fresh() && !format!("{issued:?}").contains("hush"));
    grant.request(issued.refresh.as_ref()).await.unwrap();
    let seen = server.seen();
    assert_eq!(
        seen[0].header("authorization"),
        None,
        "a client without a secret is named in the form"
    );
    let expected = format!(
        "grant_type=authorization_code&code=hush-code&redirect_uri=https%3A%2F%2Fapp.example%2Fin&code_verifier={}&client_id=my-id",
        verifier.expose()
    );
    assert_eq!(seen[0].body, expected);
    assert_eq!(seen[1].body, "grant_type=refresh_token&refresh_token=hush-next&client_id=my-id");
}

#[tokio::test]
async fn a_client_with_a_secret_shows_it_in_the_header_or_the_form() {
    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    let app = app().client_secret("hush-secret");
    grant(&app, &server).0.request(None).await.unwrap();
    let app = app.placed(CredentialsIn::Form);
    grant(&app, &server).0.request(None).await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic bXktaWQ6aHVzaC1zZWNyZXQ="));
    assert!(!seen[0].body.contains("client_"), "{}", seen[0].body);
    assert_eq!(seen[1].header("authorization"), None);
    assert!(seen[1].body.ends_with("&client_id=my-id&client_secret=hush-secret"));
}

#[tokio::test]
async fn a_refused_code_and_a_refused_refresh_token_say_that_the_user_must_sign_in_again() {
    let server = Loopback::start(|number, _| {
        let shown = if number == 0 { "hush-code" } else { "hush-next" };
        let words = format!("{shown} is bad");
        Reply::json(400, &format!(r#"{{"error":"invalid_grant","error_description":"{words}"}}"#))
    })
    .await;
    let (grant, verifier) = grant(&app(), &server);
    let old = Secret::new("hush-next");
    for refresh in [None, Some(&old)] {
        let error = grant.request(refresh).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_grant")));
        assert!(error.to_string().contains("must sign in again"), "{error}");
        assert!(!error.is_retryable());
        let shown = shown(&error);
        assert!(!shown.contains("hush") && !shown.contains(verifier.expose()), "{shown}");
    }
    assert_eq!(server.count(), 2);
    let error = grant.request(None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert!(error.to_string().contains("nobody is signed in"), "{error}");
    assert_eq!(
        server.count(),
        2,
        "a code is shown once, and without a refresh token nothing is asked"
    );
}

#[tokio::test]
async fn a_login_service_that_is_down_does_not_use_the_code_up() {
    let server = Loopback::start(|number, _| match number {
        0..4 => Reply::new(503, &[], ""),
        _ => Reply::json(200, GOOD),
    })
    .await;
    let (grant, _) = grant(&app(), &server);
    assert_eq!(grant.request(None).await.unwrap_err().kind(), ErrorKind::Status(503));
    assert!(grant.is_fresh());
    grant.request(None).await.unwrap();
}

#[tokio::test]
async fn a_code_of_another_login_service_is_refused_before_it_is_sent() {
    let sign_in = app().sign_in(Region::EuWest1).unwrap();
    let user = sign_in.code("hush-code", sign_in.state().clone()).unwrap();
    let error = CodeGrant::signed_in(user, &Region::UsEast1.endpoints(), http()).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("every region has its own"), "{error}");
}

#[tokio::test]
async fn an_assertion_goes_into_the_form_with_the_organization() {
    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    let bearer = Saml2Bearer::new(credentials(), assertions("PGh1\r\nc2g+\n")).organization("acme");
    assert!(!format!("{bearer:?}").contains("hush"));
    saml2(&server, bearer).request(None).await.unwrap();
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Basic bXktaWQ6aHVzaC1zZWNyZXQ="));
    assert_eq!(
        seen.body,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Asaml2-bearer&orgName=acme&assertion=PGh1c2g%2B"
    );
    // As RFC 7522 has it: the other alphabet, without padding.
    let bearer = Saml2Bearer::new(credentials(), assertions("PGh1c2g-PGE"));
    saml2(&server, bearer).request(None).await.unwrap();
    assert!(server.seen()[1].body.ends_with("saml2-bearer&assertion=PGh1c2g-PGE"));
}

#[tokio::test]
async fn what_is_no_assertion_is_not_sent() {
    let server = Loopback::start(|_, _| Reply::json(200, GOOD)).await;
    for bad in ["", " \n", "<hush/>", "hush hush ?"] {
        let error = saml2(&server, Saml2Bearer::new(credentials(), assertions(bad)));
        let error = error.request(None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "{bad}");
        assert!(!shown(&error).contains("hush"));
    }
    let large = || std::future::ready(Ok(Secret::new("A".repeat(500_000))));
    let error = saml2(&server, Saml2Bearer::new(credentials(), large));
    assert_eq!(error.request(None).await.unwrap_err().kind(), ErrorKind::Capacity);
    let failing = || std::future::ready(Err::<Secret, _>(Error::config("no session")));
    let error = saml2(&server, Saml2Bearer::new(credentials(), failing));
    assert_eq!(error.request(None).await.unwrap_err().to_string(), "no session");
    let empty = Saml2Bearer::new(ClientCredentials::new("id", ""), assertions("PGh1c2g+"));
    let refused = Saml2Grant::new(empty, &Region::UsEast1.endpoints(), http());
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::Config);
    assert_eq!(server.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_of_assertions_that_hangs_is_given_up() {
    let hangs = || std::future::pending::<Result<Secret>>();
    let bearer = Saml2Bearer::new(credentials(), hangs);
    let grant = Saml2Grant::new(bearer, &Region::UsEast1.endpoints(), http()).unwrap();
    let begun = tokio::time::Instant::now();
    let error = grant.request(None).await.unwrap_err();
    assert_eq!((error.kind(), begun.elapsed().as_secs()), (ErrorKind::Timeout, 60));
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_refused_assertion_says_what_to_check_and_is_not_repeated() {
    let refusal = r#"{"error":"invalid_grant","description":"PGh1c2gtaHVzaD4= is too old"}"#;
    let server = Loopback::start(move |_, _| Reply::json(400, refusal)).await;
    let bearer = Saml2Bearer::new(credentials(), assertions("PGh1c2gtaHVzaD4="));
    let error = saml2(&server, bearer).request(None).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_grant")));
    assert!(error.to_string().contains("name of the organization"), "{error}");
    assert!(!shown(&error).contains("PGh1c2g"), "{}", shown(&error));
    let refusal = r#"{"error":"unauthorized_client"}"#;
    let server = Loopback::start(move |_, _| Reply::json(400, refusal)).await;
    let bearer = Saml2Bearer::new(credentials(), assertions("PGh1c2g+"));
    let error = saml2(&server, bearer).request(None).await.unwrap_err();
    assert!(error.to_string().contains("grant type SAML2 bearer"), "{error}");
}
