//! Tokens that end, are revoked, are replaced, or are too old.

use std::time::Duration;

use genesys_cloud::protocols::RealtimeAnalytics;
use genesys_cloud::sim::{Fault, Platform, SocketKind};
use genesys_cloud::{Client, Entropy, Gone, Lifecycle, RenewalReason, Timing, TokenSource};

use tokio::io::AsyncWriteExt;

use crate::five::{Events, Place, Settings, each, open, start};
use crate::rig::Rig;
use crate::scripted::{Scripted, frame, hold};

const NO_TOKEN: (SocketKind, &str) = (SocketKind::AppFoundry, "opens without a token");

#[tokio::test]
async fn a_token_that_ends_leads_to_a_fresh_one_and_a_gap() {
    for fault in [Fault::ExpireToken, Fault::RevokeToken] {
        let name = format!("{fault:?}");
        each(&name, &[], move |kind| {
            let fault = fault.clone();
            async move {
                let rig = Rig::new(kind).await;
                let mut events = rig.live(Settings::default()).await;
                rig.delivers(&mut events, 1).await;
                rig.fault(fault);
                let Lifecycle::Gap { cause, .. } = events.until("gap").await else {
                    unreachable!()
                };
                assert!(
                    matches!(&cause, Gone::Closed { code, .. } if code.get() == 1008),
                    "{cause}"
                );
                rig.delivers(&mut events, 2).await;
                assert_eq!(rig.tokens_issued(), if rig.has_token() { 2 } else { 0 });
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_newer_token_renews_the_connection_without_a_gap() {
    each("token rotation", &[NO_TOKEN], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.delivers(&mut events, 1).await;
        let tokens = rig.client.token_source();
        tokens.invalidate(&tokens.token().await.unwrap());
        let Lifecycle::Renewed { reason, .. } = events.until("renewed").await else {
            unreachable!()
        };
        assert_eq!(reason, RenewalReason::Token);
        rig.eventually("one socket", || rig.platform.stats().sockets_open == 1).await;
        rig.delivers(&mut events, 2).await;
        assert_eq!((events.stats().gaps, rig.tokens_issued()), (0, 2));
    })
    .await;
}

#[tokio::test]
async fn a_login_that_refuses_ends_the_stream_with_what_to_check() {
    each("no token to be had", &[NO_TOKEN], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        let (path, retry_after) = ("/oauth/token".to_owned(), None);
        let refuse = Fault::Http { path, status: 401, retry_after, count: 99, html: false };
        rig.platform.fault(refuse).unwrap();
        rig.fault(Fault::RevokeToken);
        let (_, error) = events.end().await;
        let error = error.unwrap();
        assert_eq!(error.kind(), genesys_cloud::ErrorKind::Auth);
        assert!(error.to_string().contains("token or scope"), "{error}");
        assert_eq!(rig.dials(), 1, "nothing is dialled without a token");
    })
    .await;
}

#[tokio::test]
async fn two_closes_for_policy_in_a_row_say_once_what_to_check() {
    each("close 1008 right after the upgrade, twice", &[NO_TOKEN], |kind| async move {
        let close = frame(8, &[&1008u16.to_be_bytes()[..], b"no"].concat());
        let server = Scripted::start(move |_, mut socket| {
            let close = close.clone();
            async move {
                let _ = socket.write_all(&close).await;
                hold(socket).await;
            }
        })
        .await;
        let place =
            Place { origin: server.base.clone(), application: "app-1".into(), user: "u".into() };
        let mut events = open(kind, &server.client(), &place, Settings::default()).await.unwrap();
        let (_, error) = events.end().await;
        let error = error.unwrap();
        assert_eq!(error.kind(), genesys_cloud::ErrorKind::Auth);
        assert_eq!(error.to_string().matches("check the token or scope").count(), 1, "{error}");
        assert_eq!(server.dials(), 2);
    })
    .await;
}

/// Takes nothing off.
struct NoSpread;

impl Entropy for NoSpread {
    fn unit(&self) -> f64 {
        0.0
    }
}

/// Time passes at once.
async fn pass(minutes: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(60 * minutes)).await;
    tokio::time::resume();
}

struct Monitor {
    platform: Platform,
    client: Client,
}

impl Monitor {
    async fn new() -> Self {
        let platform = Platform::builder().events_per_second(0.0).start().await.unwrap();
        let builder = Client::builder(platform.endpoints()).credentials(platform.credentials());
        Self { client: builder.entropy(NoSpread).build().unwrap(), platform }
    }

    /// A stream that nothing but its age ends.
    async fn live(&self) -> Events {
        let day = Duration::from_secs(86_400);
        let timing = Timing::default().silence(day).ping_after(day);
        let builder = self.client.connect(RealtimeAnalytics::new("monitor-1"));
        let mut events =
            start(builder, Settings { timing, ..Settings::default() }, |_| None).await.unwrap();
        events.until("subscribed").await;
        events
    }

    fn tokens_issued(&self) -> u64 {
        self.platform.stats().tokens_issued
    }
}

#[tokio::test]
async fn a_connection_that_was_opened_with_a_token_from_the_cache_outlives_it() {
    let monitor = Monitor::new().await;
    monitor.client.token_source().token().await.unwrap();
    pass(30).await;
    let mut events = monitor.live().await;
    assert_eq!(monitor.tokens_issued(), 1, "a token of half an hour opens a connection");
    pass(19).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!((events.stats().renewals, events.stats().dials), (0, 1), "after 49 minutes");
    pass(1).await;
    let Lifecycle::Renewed { reason, .. } = events.until("renewed").await else { unreachable!() };
    assert_eq!(reason, RenewalReason::Age, "50 minutes of the token, 20 of the connection");
    let stats = events.stats();
    assert_eq!((monitor.tokens_issued(), stats.dials, stats.gaps), (2, 2, 0));
    // The new token is as old as the new connection.
    pass(49).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(events.stats().renewals, 1);
    pass(1).await;
    events.until("renewed").await;
    assert_eq!((monitor.tokens_issued(), events.stats().gaps), (3, 0));
}

#[tokio::test]
async fn a_token_that_is_nearly_too_old_opens_no_connection() {
    let monitor = Monitor::new().await;
    monitor.client.token_source().token().await.unwrap();
    pass(46).await;
    let events = monitor.live().await;
    assert_eq!((monitor.tokens_issued(), events.stats().dials), (2, 1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(events.stats().renewals, 0, "and what replaces it is no reason to renew");
}

#[tokio::test]
async fn a_login_service_that_is_down_takes_no_token_from_anybody_when_a_connection_wants_a_younger_one()
 {
    let monitor = Monitor::new().await;
    let tokens = monitor.client.token_source();
    let old = tokens.token().await.unwrap();
    pass(46).await;
    let (path, retry_after) = ("/oauth/token".to_owned(), None);
    let down = Fault::Http { path, status: 503, retry_after, count: 1_000, html: false };
    monitor.platform.fault(down).unwrap();
    let events = monitor.live().await;
    assert_eq!(monitor.tokens_issued(), 1, "precondition: there was no other");
    assert_eq!((events.stats().dials, events.stats().renewals), (1, 0));
    assert_eq!(tokens.token().await.unwrap().generation, old.generation, "for all other calls");
    let me = monitor.client.get::<serde_json::Value>("/api/v2/users/me", &[]).await;
    assert!(me.as_ref().err().is_none_or(|error| error.status() != Some(503)), "{me:?}");
}

#[tokio::test]
async fn a_source_that_has_only_an_old_token_is_not_asked_in_a_loop() {
    use genesys_cloud::{AccessToken, BoxFuture, Result};

    /// Has one token, whatever becomes of it.
    struct Only(AccessToken);

    impl TokenSource for Only {
        fn token(&self) -> BoxFuture<'_, Result<AccessToken>> {
            Box::pin(std::future::ready(Ok(self.0.clone())))
        }

        fn invalidate(&self, _: &AccessToken) {}
    }

    let monitor = Monitor::new().await;
    let token = monitor.client.token_source().token().await.unwrap();
    pass(60).await;
    let client = Client::builder(monitor.platform.endpoints()).token_source(Only(token));
    let monitor = Monitor { client: client.entropy(NoSpread).build().unwrap(), ..monitor };
    let events = monitor.live().await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((events.stats().dials, events.stats().renewals), (1, 0));
}
