//! Nothing that this crate, or a library under it, prints or logs in a full run shows a secret.

#[path = "support/browser.rs"]
mod browser;

use std::fmt::{Debug, Write as _};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::protocols::{
    AppFoundry, InteractionFrames, PresenceEvents, RealtimeAnalytics, RoutingInteractions,
};
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use genesys_cloud::{
    AuditObserver, AuthorizationCode, Client, ClientCredentials, CredentialsIn, Event, FileStore,
    FixedDelay, IncludeChannels, Lifecycle, Protocol, Proxy, Saml2Bearer, Secret, Tls, Topic,
    TracingObserver, Typed,
};
use tracing_subscriber::fmt::MakeWriter;

/// Keeps everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// A platform on a thread whose log goes nowhere: it is the client that is tested.
fn unheard(seed: u64, tls: bool) -> (Platform, std::thread::JoinHandle<()>) {
    let (give, take) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        tracing::subscriber::with_default(tracing::subscriber::NoSubscriber::default(), || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let builder = Platform::builder().seed(seed).tls(tls).events_per_second(200.0);
                let platform = builder.start().await.unwrap();
                let url = platform.base_url().replace("http", "ws");
                give.send(platform).unwrap();
                drop(give);
                // Until the platform is dropped, and its port with it.
                let address = url.rsplit('/').next().unwrap().to_owned();
                while tokio::net::TcpStream::connect(&address).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            });
        });
    });
    (take.recv().unwrap(), thread)
}

/// Everything that was formatted.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn add(&mut self, thing: &(impl Debug + ?Sized)) {
        writeln!(self.0, "{thing:?}").unwrap();
    }
}

#[tokio::test]
async fn a_full_run_at_trace_shows_neither_token_nor_secret_nor_connect_uri() {
    let log = Log::default();
    // Installs a bridge from `log` too, so that the libraries below are heard.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(log.clone())
        .init();
    let mut shown = Shown::default();
    let mut channels = Vec::new();
    let mut hidden = vec!["proxy-password".to_owned(), "wrong-secret".to_owned()];

    shown.add(&Proxy::http("http://user:proxy-password@127.0.0.1:9").unwrap());
    let mut seed = 0;
    for placed in [CredentialsIn::BasicHeader, CredentialsIn::Form] {
        for tls in [false, true] {
            seed += 1;
            let (platform, thread) = unheard(seed, tls);
            run(placed, platform, &mut shown, &mut hidden, &mut channels).await;
            thread.join().unwrap();
        }
    }

    let (platform, thread) = unheard(seed + 2, false);
    run_users(platform, &mut shown, &mut hidden).await;
    thread.join().unwrap();

    let mut tokens = Vec::new();
    let audit = Log::default();
    let (platform, thread) = unheard(seed + 1, false);
    run_sockets(platform, &audit, &mut shown, &mut tokens).await;
    thread.join().unwrap();
    assert!(tokens.len() >= 5, "{}", tokens.len());
    let audit = String::from_utf8_lossy(&audit.0.lock().unwrap()).into_owned();
    for action in ["subscribed", "sent", "gap", "token_issued", "disconnected", "renewed"] {
        assert!(audit.contains(&format!(r#""action":"{action}""#)), "{action}: {audit:.2000}");
    }

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    let own: Vec<&str> = log.lines().filter(|line| !line.contains(" tungstenite::")).collect();
    let own = own.join("\n");
    for token in &tokens {
        must_not_show(&log, token);
        must_not_show(&shown.0, token);
        must_not_show(&audit, token);
    }
    for source in ["genesys_cloud", "tungstenite", "hyper_util", "reqwest", "rustls"] {
        assert!(log.contains(&format!(" {source}")), "the log hears {source}");
    }
    assert!(hidden.len() >= 2 + 4 * 4, "{}", hidden.len());
    assert!(channels.len() >= 8, "{}", channels.len());
    for secret in &hidden {
        must_not_show(&log, secret);
        must_not_show(&shown.0, secret);
    }
    // The platform names a channel in some of its messages, which the WebSocket library logs.
    for channel in &channels {
        must_not_show(&own, channel);
        must_not_show(&shown.0, channel);
    }
}

/// Users who sign in, with a store in files, through what ends a sign-in.
async fn run_users(platform: Platform, shown: &mut Shown, hidden: &mut Vec<String>) {
    let place = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tokens-not-printed");
    let _ = std::fs::remove_dir_all(&place);
    let store = FileStore::open(&place).unwrap();
    shown.add(&store);
    let credentials = platform.add_code_client("https://app.example/in");
    let app = AuthorizationCode::new(credentials.client_id(), "https://app.example/in")
        .client_secret(credentials.client_secret().clone());
    let sign_in = app.sign_in(platform.endpoints()).unwrap();
    let callback = browser::open(sign_in.url().as_str()).await.destination();
    let code = callback.split_once("code=").unwrap().1.split('&').next().unwrap().to_owned();
    let user = sign_in.answer(&callback).unwrap();
    let forged = sign_in.answer(&callback.replace("state=", "state=x")).unwrap_err();
    writeln!(shown.0, "{app:?} {sign_in:?} {user:?} {forged} {forged:?}").unwrap();
    for secret in [credentials.client_secret(), sign_in.state(), sign_in.verifier()] {
        hidden.push(secret.expose().to_owned());
    }
    hidden.push(code);
    let builder = || {
        let builder = Client::builder(platform.endpoints()).proxy(Proxy::none());
        builder.observer(TracingObserver).token_store(store.clone())
    };
    let replayed = builder().signed_in(user.clone()).build().unwrap();
    let client = builder().signed_in(user).build().unwrap();
    let mut keep = |shown: &mut Shown| {
        for file in std::fs::read_dir(&place).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let content: serde_json::Value = serde_json::from_str(&text).unwrap();
            for name in ["access_token", "refresh_token"] {
                hidden.extend(content["token"][name].as_str().map(str::to_owned));
            }
        }
        shown.add(&client);
    };
    for fault in
        [None, Some(Fault::RevokeToken), Some(Fault::RevokeRefreshToken), Some(Fault::RevokeToken)]
    {
        fault.map(|fault| platform.fault(fault).unwrap());
        shown.add(&client.token_source().token().await);
        keep(shown);
        shown.add(&client.get::<serde_json::Value>("/api/v2/users/me", &[]).await);
        keep(shown);
    }
    shown.add(&replayed.token_source().token().await.unwrap_err());
    let assertion = platform.saml2_assertion("nobody");
    hidden.push(assertion.expose().to_owned());
    for organization in ["acme", "other"] {
        let assertion = assertion.clone();
        let source = move || std::future::ready(Ok::<Secret, _>(assertion.clone()));
        let bearer =
            Saml2Bearer::new(platform.add_saml2_client(), source).organization(organization);
        shown.add(&bearer);
        let client = builder().saml2_bearer(bearer).build().unwrap();
        shown.add(&client.token_source().token().await.unwrap_err());
    }
    std::fs::remove_dir_all(&place).unwrap();
}

/// Every kind of socket, with the token in the address, a header or the first message, through what ends it.
async fn run_sockets(platform: Platform, audit: &Log, shown: &mut Shown, tokens: &mut Vec<String>) {
    let audit = Arc::new(AuditObserver::new(audit.clone()).unwrap());
    // One each, so that it is known whose token is shown.
    let client = || {
        let builder = Client::builder(platform.endpoints()).credentials(platform.credentials());
        builder.observer((TracingObserver, audit.clone())).build().unwrap()
    };
    let app = AppFoundry::new(&platform.applications()[0], platform.base_url());
    watch(&platform, &client(), SocketKind::AppFoundry, app, None, shown, tokens).await;
    let routing = RoutingInteractions::new();
    watch(&platform, &client(), SocketKind::Routing, routing, None, shown, tokens).await;
    let frames = InteractionFrames::new();
    watch(&platform, &client(), SocketKind::Frames, frames, None, shown, tokens).await;
    let realtime = RealtimeAnalytics::new("monitor-1");
    watch(&platform, &client(), SocketKind::Realtime, realtime, None, shown, tokens).await;
    let user = PresenceEvents::user(&platform.users()[0]).untyped();
    let presence = PresenceEvents::new();
    watch(&platform, &client(), SocketKind::Presence, presence, Some(user), shown, tokens).await;
    audit.flush(Duration::from_secs(10)).unwrap();
    shown.add(&audit);
}

async fn watch<T: Debug + Send + 'static>(
    platform: &Platform,
    client: &Client,
    kind: SocketKind,
    protocol: impl Protocol<Typed<T>> + Debug,
    topic: Option<Topic>,
    shown: &mut Shown,
    tokens: &mut Vec<String>,
) {
    shown.add(&protocol);
    let source = client.token_source();
    tokens.push(source.token().await.unwrap().secret.expose().to_owned());
    let stream = client
        .connect(protocol)
        .subscribe_all(topic)
        .reconnect(FixedDelay::new(Duration::from_millis(20)));
    shown.add(&stream);
    let mut events = stream.start().await.unwrap();
    let faults = [
        Some(Fault::Reset),
        Some(Fault::Close { code: 1002, reason: "why".into() }),
        Some(Fault::RevokeToken),
        None,
    ];
    for fault in faults {
        let what = if fault.is_some() { "gap" } else { "renewed" };
        match fault {
            Some(fault) => drop(platform.fault_on_sockets(kind, fault).unwrap()),
            None => events.handle().renew().await.unwrap(),
        }
        loop {
            let delivery = events.next().await.unwrap().unwrap();
            shown.add(&delivery);
            shown.add(&events);
            if matches!(&delivery.event, Typed::Lifecycle(item) if item.what() == what) {
                break;
            }
        }
    }
    tokens.push(source.token().await.unwrap().secret.expose().to_owned());
    platform
        .fault(Fault::Http {
            path: "/".into(),
            status: 404,
            retry_after: None,
            count: 1,
            html: false,
        })
        .unwrap();
    platform.fault_on_sockets(kind, Fault::Reset).unwrap();
    while let Some(item) = events.next().await {
        shown.add(&item);
        if let Err(error) = item {
            writeln!(shown.0, "{error}").unwrap();
        }
    }
}

fn must_not_show(text: &str, secret: &str) {
    assert!(secret.len() >= 8, "{secret:?} proves nothing");
    let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
    for spelling in [secret.to_owned(), encoded.to_string()] {
        if let Some(at) = text.find(&spelling) {
            let start = text[..at].rfind('\n').map_or(0, |n| n + 1);
            let line: String = text[start..].chars().take(400).collect();
            panic!("a secret is shown: {line}");
        }
    }
}

#[allow(clippy::too_many_lines)] // One run, from the first token to the last item.
async fn run(
    placed: CredentialsIn,
    platform: Platform,
    shown: &mut Shown,
    hidden: &mut Vec<String>,
    channels: &mut Vec<String>,
) {
    let credentials = platform.credentials().placed(placed);
    let secret = credentials.client_secret().expose().to_owned();
    let pair = format!("{}:{secret}", credentials.client_id());
    hidden.push(base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair));
    hidden.push(secret);
    let mut builder = Client::builder(platform.endpoints())
        .credentials(credentials.clone())
        .observer(TracingObserver);
    let mut trust = Tls::new();
    if let Some(root) = platform.root_certificate_pem() {
        trust = trust.add_root_pem(root.as_bytes()).unwrap();
        builder = builder.tls(trust.clone());
    }
    shown.add(&builder);
    let client = builder.build().unwrap();
    shown.add(&client);
    shown.add(&credentials);
    let token = client.token_source().token().await.unwrap();
    shown.add(&token);
    hidden.push(token.secret.expose().to_owned());

    let stream = client
        .stream()
        .subscribe_all(
            platform.users().iter().map(|id| format!("v2.users.{id}?presence&routingStatus")),
        )
        .subscribe_all(
            platform.queues().iter().map(|id| format!("v2.analytics.queues.{id}.observations")),
        )
        .reconnect(FixedDelay::new(Duration::from_millis(20)));
    shown.add(&stream);
    let mut events = stream.start().await.unwrap();
    shown.add(&events);
    let faults = [
        Fault::Malformed { count: 1 },
        Fault::UnknownTopic { count: 1 },
        Fault::InvalidUtf8 { count: 1 },
        Fault::Reset,
        Fault::Close { code: 1011, reason: "why".into() },
        Fault::EvictChannel,
        Fault::SlowHandshake { delay_ms: 1 },
        Fault::RevokeToken,
    ];
    let mut faults = faults.into_iter();
    let mut quiet = 0;
    while quiet < 30 {
        let delivery = events.next().await.unwrap().unwrap();
        shown.add(&delivery);
        shown.add(&events);
        shown.add(&events.state());
        if let Some(channel) = &delivery.channel {
            channels.push(channel.expose().to_owned());
        }
        let calm = !matches!(delivery.event, Event::Lifecycle(Lifecycle::Disconnected { .. }));
        quiet = if calm { quiet + 1 } else { 0 };
        if quiet == 10
            && let Some(fault) = faults.next()
        {
            platform.fault(fault).unwrap();
            quiet = 0;
        }
    }
    assert!(faults.next().is_none(), "every fault was played");
    for listed in client.notifications().channels(IncludeChannels::Token).await.unwrap() {
        shown.add(&listed);
        if let Some(channel) = &listed.channel {
            channels.push(channel.id.expose().to_owned());
            hidden.push(channel.connect_uri.expose().to_owned());
        }
    }
    hidden.push(client.token_source().token().await.unwrap().secret.expose().to_owned());
    events.close().await;
    while let Some(item) = events.next().await {
        shown.add(&item);
    }
    let checkpoint = events.checkpoint().await.unwrap();
    for channel in checkpoint.channels() {
        channels.push(channel.id.expose().to_owned());
        hidden.push(channel.connect_uri.expose().to_owned());
    }
    shown.add(&checkpoint);
    let cut = checkpoint.to_json().unwrap();
    shown.add(&genesys_cloud::Checkpoint::from_json(&cut[..cut.len() / 2]).unwrap_err());
    let resuming = client.stream().resume(checkpoint);
    shown.add(&resuming);
    shown.add(&resuming.start().await.unwrap());
    let wrong = ClientCredentials::new(credentials.client_id(), "wrong-secret").placed(placed);
    let wrong =
        Client::builder(platform.endpoints()).credentials(wrong).tls(trust).build().unwrap();
    let error = wrong.stream().subscribe("v2.users.a.presence").start().await.unwrap_err();
    shown.add(&error);
    writeln!(shown.0, "{error}").unwrap();
    hidden.sort();
    hidden.dedup();
}
