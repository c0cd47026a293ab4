//! Users who sign in, as a program sees it, against the simulator; and programs that start again.

#[path = "support/browser.rs"]
mod browser;

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::sim::{Fault, Platform, PlatformBuilder};
use genesys_cloud::{
    AuthorizationCode, Client, ClientBuilder, ClientCredentials, ErrorKind, Event, FileStore,
    FixedDelay, MemoryStore, Proxy, Result, Saml2Bearer, Secret, SignIn, Signal, SignedIn,
};
use serde_json::{Value, json};

const REDIRECT: &str = "https://app.example/signed-in?from=login";
const ME: &str = "/api/v2/users/me";

fn quiet() -> PlatformBuilder {
    Platform::builder().seed(7).events_per_second(0.0)
}

struct Rig {
    platform: Platform,
    credentials: ClientCredentials,
    app: AuthorizationCode,
}

impl Rig {
    async fn new() -> Self {
        Self::of(quiet()).await
    }

    async fn of(builder: PlatformBuilder) -> Self {
        let platform = builder.start().await.unwrap();
        let credentials = platform.add_code_client(REDIRECT);
        let app = AuthorizationCode::new(credentials.client_id(), REDIRECT);
        Self { platform, credentials, app }
    }

    /// The same client, with its secret.
    fn confidential(&self) -> AuthorizationCode {
        self.app.clone().client_secret(self.credentials.client_secret().clone())
    }

    fn begin(&self, app: &AuthorizationCode) -> SignIn {
        app.sign_in(self.platform.endpoints()).unwrap()
    }

    /// Lets the user go through the platform's page.
    async fn sign_in(&self, app: &AuthorizationCode) -> SignedIn {
        let sign_in = self.begin(app);
        sign_in.answer(&visit(&sign_in).await).unwrap()
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder(self.platform.endpoints()).proxy(Proxy::none())
    }

    async fn client(&self, app: &AuthorizationCode) -> Client {
        self.builder().signed_in(self.sign_in(app).await).build().unwrap()
    }

    fn issued(&self) -> u64 {
        self.platform.stats().tokens_issued
    }
}

/// Where the platform's page sends the user back to.
async fn visit(sign_in: &SignIn) -> String {
    browser::open(sign_in.url().as_str()).await.destination()
}

async fn me(client: &Client) -> Result<Value> {
    client.get(ME, &[]).await
}

#[tokio::test]
async fn a_user_signs_in_and_calls_are_made_as_that_user() {
    let rig = Rig::new().await;
    for app in [rig.app.clone(), rig.confidential()] {
        let client = rig.client(&app).await;
        assert_eq!(me(&client).await.unwrap()["id"], rig.platform.users()[0]);
        let token: Value = client.get("/api/v2/tokens/me", &[]).await.unwrap();
        assert_eq!(token["OAuthClient"]["authorizedGrantType"], "CODE");
    }
    assert_eq!(rig.issued(), 2);
    let machine = rig.builder().credentials(rig.platform.credentials()).build().unwrap();
    assert_eq!(me(&machine).await.unwrap_err().code(), Some("not.a.user"));
}

#[tokio::test]
async fn the_page_sends_nobody_to_an_address_that_is_not_the_clients() {
    let rig = Rig::new().await;
    let id = rig.credentials.client_id();
    for (app, error) in [
        (AuthorizationCode::new("nobody", REDIRECT), "invalid_client"),
        (AuthorizationCode::new(id, "https://evil.example/"), "invalid_request"),
        (
            AuthorizationCode::new(rig.platform.credentials().client_id(), REDIRECT),
            "unauthorized_client",
        ),
    ] {
        let page = browser::open(rig.begin(&app).url().as_str()).await;
        assert_eq!((page.status, page.location), (400, None));
        let body: Value = serde_json::from_str(&page.body).unwrap();
        assert_eq!(body["error"], error);
    }
}

#[tokio::test]
async fn what_the_page_refuses_comes_back_with_its_reason() {
    let rig = Rig::new().await;
    let sign_in = rig.begin(&rig.app.clone().organization("not-acme"));
    let callback = visit(&sign_in).await;
    assert!(callback.starts_with(REDIRECT), "{callback}");
    let error = sign_in.answer(&callback).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("access_denied")));
    let sign_in = rig.begin(&rig.app.clone().organization("Acme").provider("okta"));
    sign_in.answer(&visit(&sign_in).await).unwrap();
    for (from, to, code) in [
        ("response_type=code", "response_type=token", "unsupported_response_type"),
        ("code_challenge_method=S256", "code_challenge_method=plain", "invalid_request"),
    ] {
        let address = sign_in.url().as_str().replace(from, to);
        let callback = browser::open(&address).await.destination();
        assert_eq!(sign_in.answer(&callback).unwrap_err().code(), Some(code));
    }
}

#[tokio::test]
async fn a_callback_of_another_sign_in_is_refused_and_nothing_is_sent() {
    let rig = Rig::new().await;
    let (mine, theirs) = (rig.begin(&rig.app), rig.begin(&rig.app));
    let error = mine.answer(&visit(&theirs).await).unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, None));
    assert!(error.to_string().contains("state"), "{error}");
    assert!(!rig.platform.stats().requests.contains_key("/oauth/token"));
}

#[tokio::test]
async fn a_code_is_good_once_in_time_and_for_whom_it_was_given_to() {
    let rig = Rig::new().await;
    let refused = async |user: SignedIn, words: &str| {
        let client = rig.builder().signed_in(user).build().unwrap();
        let error = me(&client).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.code()),
            (ErrorKind::Auth, Some("invalid_grant")),
            "{words}"
        );
        assert!(error.to_string().contains("sign in again"), "{error}");
        let below = std::error::Error::source(&error).unwrap().to_string();
        assert!(below.contains(words), "{below}");
    };
    let user = rig.sign_in(&rig.app).await;
    let client = rig.builder().signed_in(user.clone()).build().unwrap();
    me(&client).await.unwrap();
    refused(user, "used before").await;

    let sign_in = rig.begin(&rig.app);
    let callback = visit(&sign_in).await;
    let stolen =
        rig.app.resume(rig.platform.endpoints(), sign_in.state().clone(), "x".repeat(43)).unwrap();
    refused(stolen.answer(&callback).unwrap(), "code_verifier").await;

    let other = rig.platform.add_code_client(REDIRECT);
    let other = AuthorizationCode::new(other.client_id(), REDIRECT);
    let sign_in = rig.begin(&rig.app);
    let callback = visit(&sign_in).await;
    let stolen = other
        .resume(rig.platform.endpoints(), sign_in.state().clone(), sign_in.verifier().clone())
        .unwrap();
    refused(stolen.answer(&callback).unwrap(), "invalid").await;
    assert_eq!(rig.issued(), 1);
}

#[tokio::test]
async fn a_code_that_is_too_old_is_refused() {
    let rig = Rig::of(quiet().code_life(Duration::ZERO)).await;
    let error = me(&rig.client(&rig.app).await).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_grant")));
    assert!(format!("{error:?}").contains("has expired"), "{error:?}");
    assert_eq!(rig.issued(), 0);
}

#[tokio::test]
async fn a_wrong_secret_is_told_and_leaves_the_code_unused() {
    let rig = Rig::new().await;
    let sign_in = rig.begin(&rig.app);
    let callback = visit(&sign_in).await;
    let wrong = rig.app.clone().client_secret("hush-hush-hush");
    let (state, verifier) = (sign_in.state().clone(), sign_in.verifier().clone());
    let wrong = wrong.resume(rig.platform.endpoints(), state, verifier).unwrap();
    let client = rig.builder().signed_in(wrong.answer(&callback).unwrap()).build().unwrap();
    let error = me(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_client")));
    assert!(error.to_string().contains("client secret"), "{error}");
    let right = rig.builder().signed_in(sign_in.answer(&callback).unwrap()).build().unwrap();
    me(&right).await.unwrap();
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_lost_one_asks_for_a_new_sign_in() {
    let rig = Rig::new().await;
    let store = MemoryStore::new();
    let user = rig.sign_in(&rig.app).await;
    let client = rig.builder().signed_in(user).token_store(store.clone()).build().unwrap();
    me(&client).await.unwrap();
    for issued in [2, 3, 4] {
        rig.platform.fault(Fault::RevokeToken).unwrap();
        me(&client).await.unwrap();
        assert_eq!(rig.issued(), issued);
    }
    // Another process goes on from the store.
    let again =
        || rig.builder().authorization_code(rig.app.clone()).token_store(store.clone()).build();
    let other = again().unwrap();
    me(&other).await.unwrap();
    assert_eq!(rig.issued(), 4);
    rig.platform.fault(Fault::RevokeToken).unwrap();
    me(&other).await.unwrap();
    me(&client).await.unwrap();
    assert_eq!(rig.issued(), 5, "the first process takes what the other one stored");

    rig.platform.fault(Fault::RevokeRefreshToken).unwrap();
    me(&client).await.unwrap();
    rig.platform.fault(Fault::RevokeToken).unwrap();
    let error = me(&client).await.unwrap_err();
    assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_grant")));
    assert!(error.to_string().contains("must sign in again"), "{error}");
    let asked = || rig.platform.stats().requests["/oauth/token"];
    let before = asked();
    for client in [client, again().unwrap()] {
        let error = me(&client).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Auth);
        assert!(error.to_string().contains("nobody is signed in"), "{error}");
    }
    assert_eq!(asked(), before, "nothing is left to ask with");
    let client = rig.client(&rig.app).await;
    me(&client).await.unwrap();
}

#[tokio::test]
async fn assertions_are_exchanged_each_for_one_token() {
    let rig = Rig::new().await;
    let rig = Arc::new(rig);
    let credentials = rig.platform.add_saml2_client();
    let about = |user: String| {
        let rig = rig.clone();
        move || std::future::ready(Ok(rig.platform.saml2_assertion(&user)))
    };
    let user = rig.platform.users()[3].clone();
    let bearer = Saml2Bearer::new(credentials.clone(), about(user.clone())).organization("acme");
    let client = rig.builder().saml2_bearer(bearer.clone()).build().unwrap();
    assert_eq!(me(&client).await.unwrap()["id"], *user);
    rig.platform.fault(Fault::ExpireToken).unwrap();
    assert_eq!(me(&client).await.unwrap()["id"], *user);
    assert_eq!(rig.issued(), 2);

    let same = rig.platform.saml2_assertion(&user);
    let old = Saml2Bearer::new(credentials.clone(), move || std::future::ready(Ok(same.clone())));
    let client = rig.builder().saml2_bearer(old.organization("acme")).build().unwrap();
    me(&client).await.unwrap();
    rig.platform.fault(Fault::RevokeToken).unwrap();
    let refused = [
        (client, "used before"),
        (rig.builder().saml2_bearer(bearer.organization("other")).build().unwrap(), "orgName"),
        (
            rig.builder()
                .saml2_bearer(
                    Saml2Bearer::new(credentials, about("nobody".into())).organization("acme"),
                )
                .build()
                .unwrap(),
            "no user",
        ),
    ];
    for (client, words) in refused {
        let error = me(&client).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("invalid_grant")));
        assert!(error.to_string().contains("SAML2 assertion is refused"), "{error}");
        let shown = format!("{error:?}");
        assert!(shown.contains(words), "{shown}");
    }
}

#[tokio::test]
async fn a_client_of_another_grant_is_told_which_one_it_needs() {
    let rig = Rig::new().await;
    let saml2 = rig.platform.add_saml2_client();
    let cases = [
        (rig.builder().credentials(saml2), "client credentials"),
        (
            rig.builder().saml2_bearer(Saml2Bearer::new(rig.platform.credentials(), || {
                std::future::ready(Ok(Secret::new("PGE+")))
            })),
            "SAML2 bearer",
        ),
    ];
    for (builder, words) in cases {
        let error = me(&builder.build().unwrap()).await.unwrap_err();
        assert_eq!((error.kind(), error.code()), (ErrorKind::Auth, Some("unsupported_grant_type")));
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[tokio::test]
async fn a_live_stream_survives_its_users_refresh() {
    let rig = Rig::new().await;
    let client = rig.client(&rig.app).await;
    let topic = format!("v2.users.{}.presence", rig.platform.users()[0]);
    let mut events = client
        .stream()
        .subscribe(&topic)
        .reconnect(FixedDelay::new(Duration::from_millis(10)))
        .start()
        .await
        .unwrap();
    for (fault, issued) in [(None, 1), (Some(Fault::ExpireToken), 2), (Some(Fault::RevokeToken), 3)]
    {
        if let Some(fault) = fault {
            rig.platform.fault(fault).unwrap();
            // A call is refused, and leads to a new token.
            me(&client).await.unwrap();
        }
        assert_eq!(rig.issued(), issued);
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        let body = json!({ "source": "PURECLOUD", "message": format!("number {issued}") });
        loop {
            rig.platform.emit(&topic, &body);
            match tokio::time::timeout(Duration::from_millis(50), events.next()).await {
                Ok(Some(Ok(delivery))) => match delivery.event {
                    Event::UsersPresence(event)
                        if event.message.as_deref() == Some(&*format!("number {issued}")) =>
                    {
                        break;
                    }
                    _ => {}
                },
                Ok(ended) => panic!("{ended:?}"),
                Err(_) => assert!(tokio::time::Instant::now() < deadline, "the stream is silent"),
            }
        }
    }
    events.close().await;
}

/// A directory of one test, gone when it is dropped.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("tokens-{name}"));
        let _ = std::fs::remove_dir_all(&place);
        Self(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn a_program_that_starts_again_makes_no_token_call() {
    let rig = Rig::new().await;
    let place = Place::new("restart");
    let told: Arc<Mutex<Vec<String>>> = Arc::default();
    let client = || {
        let sink = told.clone();
        rig.builder()
            .credentials(rig.platform.credentials())
            .token_store(FileStore::open(&place.0).unwrap())
            .observer(move |signal: &Signal<'_>| {
                let text = match signal {
                    Signal::TokenIssued { .. } => "issued".to_owned(),
                    Signal::TokenRestored { .. } => "restored".to_owned(),
                    Signal::TokenStoreFailed { error } => error.to_string(),
                    _ => return,
                };
                sink.lock().unwrap().push(text);
            })
            .build()
            .unwrap()
    };
    let call = async |client: Client| client.get::<Value>("/api/v2/tokens/me", &[]).await;
    for _ in 0..3 {
        call(client()).await.unwrap();
    }
    assert_eq!(rig.issued(), 1);
    assert_eq!(*told.lock().unwrap(), ["issued", "restored", "restored"]);

    // A token that was revoked meanwhile is replaced, in the store too.
    rig.platform.fault(Fault::RevokeToken).unwrap();
    for _ in 0..2 {
        call(client()).await.unwrap();
    }
    assert_eq!(rig.issued(), 2);

    let file = std::fs::read_dir(&place.0).unwrap().next().unwrap().unwrap().path();
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    call(client()).await.unwrap();
    assert!(told.lock().unwrap().iter().any(|text| text.contains("counts as empty")));
    call(client()).await.unwrap();
    assert_eq!(rig.issued(), 3, "what was damaged is whole again");

    // A token for other scopes is another one.
    let scoped = rig.platform.credentials().scope("notifications");
    let builder = rig.builder().credentials(scoped);
    let scoped = builder.token_store(FileStore::open(&place.0).unwrap()).build().unwrap();
    call(scoped).await.unwrap();
    assert_eq!(rig.issued(), 4);
}

#[cfg(unix)]
#[tokio::test]
async fn a_token_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let rig = Rig::new().await;
    let place = Place::new("readable");
    let client = || {
        let builder = rig.builder().credentials(rig.platform.credentials());
        builder.token_store(FileStore::open(&place.0).unwrap()).build().unwrap()
    };
    client().token_source().token().await.unwrap();
    let file = std::fs::read_dir(&place.0).unwrap().next().unwrap().unwrap().path();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = client().token_source().token().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("can be read by others"), "{error}");
    assert_eq!(rig.issued(), 1);
}

#[tokio::test]
async fn settings_that_do_not_go_together_are_refused() {
    let rig = Rig::new().await;
    let source = genesys_cloud::StaticToken::new("hush-token");
    let builder = rig.builder().token_source(source).token_store(MemoryStore::new());
    assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::Config);
    let error = rig.builder().authorization_code(rig.app.clone()).build().unwrap_err();
    assert!(error.to_string().contains("token_store()"), "{error}");
    let elsewhere = quiet().start().await.unwrap();
    let user = rig.sign_in(&rig.app).await;
    let error = Client::builder(elsewhere.endpoints()).signed_in(user).build().unwrap_err();
    assert!(error.to_string().contains("another login service"), "{error}");
}
