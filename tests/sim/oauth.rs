//! Tokens: issue, refusal, expiry, revocation, quota.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::browser;
use super::support::{Answer, Rig, quiet};

const ME: &str = "/api/v2/tokens/me";

async fn ask(rig: &Rig, form: String, basic: Option<(&str, &str)>) -> Answer {
    let mut request = rig
        .request(Method::POST, "/oauth/token")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    if let Some((id, secret)) = basic {
        request = request.basic_auth(id, Some(secret));
    }
    rig.send(request).await
}

#[tokio::test]
async fn credentials_are_taken_from_the_basic_header_and_from_the_form() {
    let rig = Rig::of(quiet().token_life(Duration::from_secs(600))).await;
    let credentials = rig.platform.credentials();
    let (id, secret) = (credentials.client_id(), credentials.client_secret().expose());
    let grant = "grant_type=client_credentials";
    let basic = ask(&rig, grant.to_owned(), Some((id, secret))).await;
    let form = format!("{grant}&client_id={id}&client_secret={secret}&scope=notifications");
    let form = ask(&rig, form, None).await;
    for answer in [&basic, &form] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.json()["token_type"], "bearer");
        assert_eq!(answer.json()["expires_in"], 600);
    }
    assert_eq!(basic.json().get("scope"), None);
    assert_eq!(form.json()["scope"], "notifications");
    assert_eq!(rig.platform.stats().tokens_issued, 2);
}

#[tokio::test]
async fn a_chunked_token_request_is_understood() {
    let rig = Rig::new().await;
    let credentials = rig.platform.credentials();
    let address = rig.platform.base_url().strip_prefix("http://").unwrap().to_owned();
    let form = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        credentials.client_id(),
        credentials.client_secret().expose()
    );
    let (one, two) = form.split_at(20);
    let request = format!(
        "POST /oauth/token HTTP/1.1\r\nHost: {address}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
         {:x}\r\n{one}\r\n{:x}\r\n{two}\r\n0\r\n\r\n",
        one.len(),
        two.len()
    );
    let mut tcp = TcpStream::connect(address).await.unwrap();
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("access_token"), "{answer}");
}

#[tokio::test]
async fn refused_token_requests_say_why_in_the_body_of_the_login_host() {
    let rig = Rig::new().await;
    let credentials = rig.platform.credentials();
    let (id, secret) = (credentials.client_id(), credentials.client_secret().expose());
    let grant = "grant_type=client_credentials".to_owned();
    let cases = [
        (ask(&rig, grant.clone(), Some(("nobody", "x"))).await, 400, "invalid_client"),
        (ask(&rig, grant.clone(), None).await, 400, "invalid_client"),
        (ask(&rig, grant, Some((id, "wrong"))).await, 401, "invalid_client"),
        (
            ask(&rig, "grant_type=password".to_owned(), Some((id, secret))).await,
            400,
            "unsupported_grant_type",
        ),
    ];
    for (answer, status, error) in cases {
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)));
        assert_eq!(answer.json()["description"], answer.json()["error_description"]);
        assert!(!answer.header("inin-correlation-id").is_empty());
    }
}

#[tokio::test]
async fn each_bad_token_gets_its_own_401() {
    let rig = Rig::of(quiet().token_life(Duration::from_millis(50))).await;
    let none = rig.send(rig.request(Method::GET, ME)).await;
    assert_eq!((none.status, none.code().as_str()), (401, "authentication.required"));
    let unknown = rig.get(ME, "nonsense").await;
    assert_eq!((unknown.status, unknown.code().as_str()), (401, "bad.credentials"));
    let token = rig.token().await;
    sleep(Duration::from_millis(60)).await;
    let expired = rig.get(ME, &token).await;
    assert_eq!((expired.status, expired.code().as_str()), (401, "credentials.expired"));
    assert_eq!(expired.json()["contextId"], expired.header("inin-correlation-id"));
}

#[tokio::test]
async fn a_deleted_token_is_refused_and_head_has_no_body() {
    let rig = Rig::new().await;
    let token = rig.token().await;
    assert_eq!(rig.call(Method::HEAD, ME, &token, Value::Null).await.status, 200);
    let info = rig.get(ME, &token).await.json();
    assert_eq!(info["OAuthClient"]["id"], rig.platform.credentials().client_id());
    assert_eq!(rig.call(Method::DELETE, ME, &token, Value::Null).await.status, 200);
    let head = rig.call(Method::HEAD, ME, &token, Value::Null).await;
    assert_eq!((head.status, head.text.as_str()), (401, ""));
    assert_eq!(rig.get(ME, &token).await.code(), "bad.credentials");
}

#[tokio::test]
async fn the_quota_is_per_token_and_429_says_when_to_come_back() {
    let rig = Rig::of(quiet().requests_per_minute(3)).await;
    let token = rig.token().await;
    for _ in 0..3 {
        assert_eq!(rig.get(ME, &token).await.status, 200);
    }
    let over = rig.get(ME, &token).await;
    assert_eq!((over.status, over.code().as_str()), (429, "too.many.requests.retry.after"));
    let wait: u64 = over.header("retry-after").parse().unwrap();
    assert!((1..=60).contains(&wait));
    let message = over.json()["message"].as_str().unwrap().to_owned();
    assert!(message.contains(&format!("[{wait}] seconds")), "{message}");
    assert_eq!(over.json()["limit"]["value"], 3);
    assert!(over.headers.keys().all(|name| !name.as_str().contains("ratelimit")));
    assert_eq!(rig.get(ME, &rig.token().await).await.status, 200);
    assert_eq!(rig.platform.stats().throttled, 1);
}

#[tokio::test]
async fn the_retired_quota_headers_are_sent_on_request() {
    let rig = Rig::of(quiet().legacy_rate_headers(true).requests_per_minute(9)).await;
    let answer = rig.get(ME, &rig.token().await).await;
    assert_eq!(answer.header("inin-ratelimit-count"), "1");
    assert_eq!(answer.header("inin-ratelimit-allowed"), "9");
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let rig = Rig::new().await;
    let request = rig.request(Method::POST, "/oauth/token").body("x".repeat(512_001));
    assert_eq!(rig.send(request).await.status, 413);
}

#[tokio::test]
async fn clients_of_other_grants_are_added_over_http() {
    let rig = Rig::new().await;
    let redirect = "https://app.example/in";
    let code = rig.post("/_sim/client", json!({ "grant": "code", "redirect_uri": redirect })).await;
    assert_eq!(code.status, 200, "{}", code.text);
    let text = |answer: &Answer, name: &str| answer.json()[name].as_str().unwrap().to_owned();
    let (id, secret) = (text(&code, "client_id"), text(&code, "client_secret"));
    // As official SDKs sign users in: with the secret, without PKCE.
    let page =
        format!("/oauth/authorize?response_type=code&client_id={id}&redirect_uri={redirect}");
    let page = format!("{}{page}", rig.platform.base_url());
    let location = browser::open(&page).await.destination();
    let (_, given) = location.split_once("?code=").unwrap();
    assert!(!given.contains("state="), "{location}");
    let form = format!("grant_type=authorization_code&code={given}&redirect_uri={redirect}");
    let token = ask(&rig, form.clone(), Some((&id, &secret))).await;
    assert_eq!(token.status, 200, "{}", token.text);
    assert_eq!(rig.get("/api/v2/users/me", &text(&token, "access_token")).await.status, 200);
    let again = ask(&rig, form, Some((&id, &secret))).await;
    assert_eq!((again.status, text(&again, "error").as_str()), (400, "invalid_grant"));

    let refresh = text(&token, "refresh_token");
    let form = format!("grant_type=refresh_token&refresh_token={refresh}");
    let next = ask(&rig, form.clone(), Some((&id, &secret))).await;
    assert!(next.status == 200 && text(&next, "refresh_token") != refresh);
    let again = ask(&rig, form, Some((&id, &secret))).await;
    assert_eq!((again.status, text(&again, "error").as_str()), (400, "invalid_grant"));

    // A code that was asked for without PKCE is of no use without the secret.
    let (_, given) = browser::open(&page)
        .await
        .destination()
        .split_once("?code=")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let form = format!(
        "grant_type=authorization_code&code={given}&redirect_uri={redirect}&client_id={id}"
    );
    assert_eq!(ask(&rig, form, None).await.status, 401);

    let saml2 = rig.post("/_sim/client", json!({ "grant": "saml2" })).await;
    let (id, secret) = (text(&saml2, "client_id"), text(&saml2, "client_secret"));
    let grant = "grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer&orgName=acme";
    let nonsense = ask(&rig, format!("{grant}&assertion=nonsense"), Some((&id, &secret))).await;
    assert_eq!((nonsense.status, text(&nonsense, "error").as_str()), (400, "invalid_grant"));
    let good = rig.platform.saml2_assertion(&rig.platform.users()[1]);
    let good = good.expose().replace('+', "%2B");
    let token = ask(&rig, format!("{grant}&assertion={good}"), Some((&id, &secret))).await;
    assert_eq!(token.status, 200, "{}", token.text);
    assert_eq!(token.json().get("refresh_token"), None);
    let bad = rig.post("/_sim/client", json!({ "grant": "password" })).await;
    assert!(bad.status == 400 && bad.text.contains("redirect_uri"), "{}", bad.text);
}
