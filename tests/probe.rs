//! A probe of an application from end to end: who drops the connection, by what evidence, and what the platform says.

use std::time::{Duration, SystemTime};

use futures::StreamExt;
use genesys_cloud::probe::{ApplicationProbe, Confidence, DropCause, Party, Report, Stability};
use genesys_cloud::sim::{Fault, Platform, PlatformBuilder, SocketKind};
use genesys_cloud::{
    Client, DisconnectKind, ErrorKind, FixedDelay, LatencyConfig, Outbound, StaticToken, topics,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

const MS: fn(u64) -> Duration = Duration::from_millis;

/// What a peer may send to be shown in a report.
const MARKUP: &str = "<img src=x onerror=alert(1)>";

struct Rig {
    platform: Platform,
    client: Client,
}

fn quiet() -> PlatformBuilder {
    Platform::builder().events_per_second(0.0)
}

impl Rig {
    async fn of(builder: PlatformBuilder) -> Self {
        let platform = builder.start().await.unwrap();
        let client = Client::builder(platform.endpoints()).credentials(platform.credentials());
        Self { client: client.build().unwrap(), platform }
    }

    /// A run of a second with a ping every 100 ms, and reconnects at once.
    fn probe(&self, number: usize) -> ApplicationProbe {
        self.client
            .probe_application(&self.platform.applications()[number])
            .duration(MS(1_000))
            .latency(LatencyConfig::default().interval(MS(100)))
            .stream(|stream| stream.reconnect(FixedDelay::new(MS(50))))
    }

    fn fault(&self, fault: Fault) {
        assert_eq!(self.platform.fault_on_sockets(SocketKind::AppFoundry, fault).unwrap(), 1);
    }
}

/// What drops a connection.
#[derive(Clone, Debug)]
enum Cut {
    Fault(Fault),
    Oversize,
}

/// Runs, and drops the connection in the middle.
async fn dropped(cut: &Cut, correlated: bool) -> Report {
    let rig = Rig::of(quiet().application_message_max(10_000)).await;
    let mut probe = rig.probe(0);
    if !correlated {
        probe = probe.without_correlation();
    }
    let run = probe.start().await.unwrap();
    let handle = run.handle();
    let report = tokio::spawn(run.report());
    sleep(MS(450)).await;
    match cut {
        Cut::Fault(fault) => rig.fault(fault.clone()),
        Cut::Oversize => {
            handle.send(Outbound::Text("x".repeat(20_000).into())).await.unwrap();
        }
    }
    report.await.unwrap()
}

fn causes() -> Vec<(&'static str, Cut, Party, DropCause, &'static str)> {
    let fault = Cut::Fault;
    vec![
        (
            "idle timeout",
            fault(Fault::IdleTimeout),
            Party::Application,
            DropCause::IdleTimeout,
            "idle timeout",
        ),
        (
            "server error",
            fault(Fault::Close { code: 1011, reason: MARKUP.into() }),
            Party::Platform,
            DropCause::ServerError,
            "server error",
        ),
        (
            "network reset",
            fault(Fault::Reset),
            Party::Network,
            DropCause::NetworkReset,
            "client connection lost",
        ),
        (
            "proxy cut",
            fault(Fault::ProxyCut { after_ms: 0 }),
            Party::Network,
            DropCause::ProxyCut,
            "client connection lost",
        ),
        (
            "token expiry",
            fault(Fault::ExpireToken),
            Party::Application,
            DropCause::Token,
            "token expired",
        ),
        ("oversize", Cut::Oversize, Party::Application, DropCause::Oversize, "message too big"),
    ]
}

/// What every report of a drop has, in each of its forms.
fn check_forms(name: &str, report: &Report) {
    let text = report.to_string();
    for words in ["stability: unstable", "verdict: ", "check: "] {
        assert!(text.contains(words), "{name}: {words} in {text}");
    }
    let value = serde_json::to_value(report).unwrap();
    assert_eq!(value["verdict"], serde_json::to_value(&report.verdict).unwrap());
    assert!(value["drops"][0]["close"]["code"].is_number(), "{value}");
    let html = report.html();
    assert!(html.ends_with("</html>\n") && html.contains("Ends of connections"), "{name}");
    assert!(!html.contains("<img") && !html.contains("<script"), "{name}: markup of the peer");
    assert!(!html.contains("could not be drawn"), "{name}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_cause_of_a_drop_is_laid_at_the_right_door_with_evidence() {
    println!("| cause | party expected | correlated | verdict | confidence | evidence |");
    println!("|---|---|---|---|---|---|");
    for (name, cut, party, cause, reason) in causes() {
        let (with, without) = tokio::join!(dropped(&cut, true), dropped(&cut, false));
        for (report, correlated) in [(&with, true), (&without, false)] {
            let verdict = &report.verdict;
            let evidence: Vec<_> = verdict
                .evidence
                .iter()
                .map(|piece| format!("[{} {}] {}", piece.weight, piece.party.name(), piece.what))
                .collect();
            println!(
                "| {name} | {} | {correlated} | {}: {} | {} | {} |",
                party.name(),
                verdict.party.name(),
                verdict.cause.name(),
                verdict.confidence.name(),
                evidence.join("<br>")
            );
            assert_eq!((verdict.party, verdict.cause), (party, cause), "{name}: {report}");
            assert!(!verdict.evidence.is_empty());
            // By its own facts each of these is sure; what the platform says must not make it less so.
            assert_eq!(verdict.confidence, Confidence::High, "{name}: {report}");
            let drops: Vec<_> = report.drops.iter().filter(|drop| !drop.orderly).collect();
            assert_eq!((drops.len(), report.connects), (1, 2), "{name}: {report}");
            assert_eq!((report.gaps, &report.correlation_error), (1, &None), "{name}");
            assert!(matches!(report.stability, Stability::Unstable(_)), "{name}");
            let told: Vec<_> = drops[0].correlated.iter().map(|event| &*event.reason).collect();
            assert_eq!(told, if correlated { vec![reason] } else { vec![] }, "{name}");
            check_forms(name, report);
        }
    }
}

#[tokio::test]
async fn a_message_over_the_limit_is_evidence_for_its_own_drop_and_no_other() {
    let rig = Rig::of(quiet().application_message_max(10_000)).await;
    let run = rig.probe(1).without_correlation().duration(MS(1_500)).start().await.unwrap();
    let handle = run.handle();
    let report = tokio::spawn(run.report());
    sleep(MS(300)).await;
    handle.send(Outbound::Text("x".repeat(20_000).into())).await.unwrap();
    sleep(MS(600)).await;
    rig.fault(Fault::Reset);
    let report = report.await.unwrap();
    let [first, second, ..] = &report.drops[..] else { panic!("{report}") };
    assert_eq!((first.close.code, first.verdict.party), (1009, Party::Application));
    let size = "a message of 20000 bytes was sent, and maxMessageSize is 10000";
    assert!(first.verdict.evidence.iter().any(|piece| &*piece.what == size), "{report}");
    assert_eq!(second.verdict.party, Party::Network, "{report}");
    assert!(!second.verdict.evidence.iter().any(|piece| &*piece.what == size), "{report}");
}

#[tokio::test]
async fn silence_longer_than_the_application_allows_shows_in_the_clock() {
    let rig = Rig::of(quiet().application_idle(MS(400))).await;
    let latency = LatencyConfig::default().interval(Duration::from_secs(30));
    let probe = rig.probe(0).latency(latency).duration(MS(700)).without_correlation();
    let report = probe.run().await.unwrap();
    let verdict = &report.verdict;
    assert_eq!(
        (verdict.party, verdict.cause),
        (Party::Application, DropCause::IdleTimeout),
        "{report}"
    );
    let clock = verdict.evidence.iter().find(|piece| piece.what.contains("timeoutMillis is 0.4 s"));
    assert!(clock.is_some(), "{report}");
}

#[tokio::test]
async fn a_healthy_run_is_stable_and_nothing_was_dropped() {
    let rig = Rig::of(quiet()).await;
    let run = rig.probe(0).media("PCMU", 8_000).start().await.unwrap();
    let report = tokio::spawn(run.report());
    sleep(MS(300)).await;
    assert_eq!(rig.platform.emit_on(SocketKind::AppFoundry, json!({ "type": MARKUP })), 1);
    let report = report.await.unwrap();
    assert_eq!(report.stability, Stability::Stable, "{report}");
    assert_eq!((report.verdict.party, report.verdict.cause), (Party::None, DropCause::Orderly));
    assert!(report.drops.is_empty() && report.gaps == 0 && report.connects == 1, "{report}");
    assert_eq!((report.by_type["init_ack"], report.by_type[MARKUP]), (1, 1));
    let latency = report.latency.as_ref().unwrap();
    assert!(latency.counts.answered >= 5 && latency.counts.lost == 0, "{report}");
    let media = report.media.as_ref().unwrap();
    assert!(media.frames >= 30 && media.frames == report.media_frames && media.late == 0);
    assert!(media.causes.is_empty() && media.p50_ms >= 0.0, "{media:?}");
    assert!(report.to_string().contains("stability: stable"));
    let html = report.html();
    assert!(html.contains("&lt;img") && !html.contains("<img"), "markup of the peer");
    // Nobody was asked about drops.
    let asked = rig.platform.stats().requests;
    assert!(!asked.keys().any(|path| path.contains("query")), "{asked:?}");
}

#[tokio::test]
async fn late_audio_is_flagged_with_its_likely_cause() {
    for (late_pongs, cause) in [(0, "slow server"), (400, "region mismatch")] {
        let rig = Rig::of(quiet()).await;
        let probe = rig.probe(0).media("PCMU", 8_000).duration(MS(2_500));
        let run = probe.start().await.unwrap();
        let report = tokio::spawn(run.report());
        sleep(MS(300)).await;
        rig.fault(Fault::LatePong { delay_ms: late_pongs });
        sleep(MS(600)).await;
        rig.fault(Fault::Delay { ms: 800, jitter_ms: 0 });
        let report = report.await.unwrap();
        let media = report.media.as_ref().unwrap();
        assert!(media.late > 0 && media.max_ms > 500.0, "{media:?}");
        assert_eq!(media.threshold_ms, 500.0);
        assert!(media.causes.iter().any(|told| told.starts_with(cause)), "{cause}: {media:?}");
        let Stability::Unstable(reasons) = &report.stability else { panic!("{report}") };
        assert!(reasons.iter().any(|why| why.contains("over 500 ms late")), "{reasons:?}");
        assert_eq!(report.verdict.party, Party::None, "late is not dropped");
        let shown = format!("likely: {cause}");
        assert!(report.to_string().contains(&shown), "{report}");
        assert!(report.html().contains(cause));
    }
}

#[tokio::test]
async fn a_refused_token_an_unknown_application_and_one_without_a_socket_are_told_apart() {
    let rig = Rig::of(quiet()).await;
    let app = &rig.platform.applications()[0];
    let stranger = Client::builder(rig.platform.endpoints())
        .token_source(StaticToken::new("nobody-issued-this"))
        .build()
        .unwrap();
    let error = stranger.probe_application(app).run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth, "{error}");
    let unknown = "00000000-0000-4000-8000-000000000000";
    let error = rig.client.probe_application(unknown).run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let bare = rig.platform.application_without_socket();
    let error = rig.client.probe_application(bare).run().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config, "{error}");
    assert!(error.to_string().contains("no WebSocket configuration"), "{error}");
}

#[tokio::test]
async fn a_platform_that_cannot_be_asked_is_noted_and_the_verdict_stands() {
    let rig = Rig::of(quiet()).await;
    let run = rig.probe(0).start().await.unwrap();
    let report = tokio::spawn(run.report());
    sleep(MS(300)).await;
    let path = "/api/v2/analytics".to_owned();
    let no = Fault::Http { path, status: 403, retry_after: None, count: 10, html: false };
    rig.platform.fault(no).unwrap();
    rig.fault(Fault::Close { code: 1011, reason: String::new() });
    let report = report.await.unwrap();
    assert_eq!(report.verdict.party, Party::Platform, "{report}");
    let error = report.correlation_error.as_deref().unwrap();
    assert!(report.html().contains("could not be asked") && !error.is_empty());
}

#[tokio::test]
async fn closing_through_the_handle_ends_a_run_early() {
    let rig = Rig::of(quiet()).await;
    let run = rig.probe(0).duration(Duration::from_secs(600)).start().await.unwrap();
    let handle = run.handle();
    let report = tokio::spawn(run.report());
    sleep(MS(200)).await;
    handle.close().await;
    let report = report.await.unwrap();
    assert!(report.duration < Duration::from_secs(20), "{report}");
    assert_eq!((report.verdict.party, &report.stability), (Party::None, &Stability::Stable));
}

#[tokio::test]
async fn ends_of_conversations_are_read_from_the_published_query() {
    let rig = Rig::of(Platform::builder().events_per_second(2_000.0)).await;
    let queues = rig.platform.queues().iter().map(topics::routing::queue_conversations);
    let mut events = rig.client.stream().subscribe_all(queues).start().await.unwrap();
    let reader = tokio::spawn(async move { while let Some(Ok(_)) = events.next().await {} });
    let (begin, minute) = (SystemTime::now(), Duration::from_secs(60));
    let (start, deadline) = (begin - minute, Instant::now() + Duration::from_secs(20));
    let lost = DisconnectKind::TransportFailure;
    let found = loop {
        let found = rig.client.conversation_ends().between(start, begin + minute).await.unwrap();
        let has = |kind| found.ends.iter().any(|end| end.disconnect.as_ref() == Some(kind));
        if has(&lost) && has(&DisconnectKind::Error) {
            break found;
        }
        assert!(Instant::now() < deadline, "{found:?}");
        sleep(MS(100)).await;
    };
    reader.abort();
    assert!(!found.truncated && found.ends.is_sorted_by_key(|end| end.at));
    let of = |kind: &DisconnectKind| {
        let mut legs = found.ends.iter().filter(|end| end.purpose.as_deref() == Some("agent"));
        legs.find(|end| end.disconnect.as_ref() == Some(kind)).unwrap()
    };
    let cut = of(&lost);
    assert_eq!((&cut.q850_codes[..], cut.media_type.as_deref()), (&[38][..], Some("voice")));
    let media = cut.media.unwrap();
    assert!(media.min_mos.unwrap() < 3.6 && media.discarded().unwrap() > 0.1, "{media:?}");
    let failed = of(&DisconnectKind::Error);
    assert!(failed.error_code.is_some() && failed.sip_codes == [480], "{failed:?}");
    assert!(rig.platform.users().iter().any(|user| failed.user_id.as_deref() == Some(user)));
    // The query is by day: what is not in the interval is left out here.
    let before = rig.client.conversation_ends().between(start, start + MS(1)).await.unwrap();
    assert!(before.ends.is_empty(), "{before:?}");
}

#[tokio::test]
async fn conversations_that_ended_badly_at_the_time_of_a_drop_are_in_the_report() {
    let rig = Rig::of(Platform::builder().events_per_second(400.0)).await;
    let run = rig.probe(0).duration(MS(2_500)).start().await.unwrap();
    let report = tokio::spawn(run.report());
    sleep(MS(2_000)).await;
    rig.fault(Fault::Reset);
    let report = report.await.unwrap();
    assert_eq!(report.verdict.party, Party::Network, "{report}");
    let drop = report.drops.iter().find(|drop| !drop.orderly).unwrap();
    let (direct, other): (Vec<_>, Vec<_>) =
        drop.correlated.iter().partition(|event| event.conversation_id.is_none());
    assert_eq!(direct.len(), 1, "{report}");
    assert!((1..=5).contains(&other.len()), "{report}");
    assert!(other.iter().all(|event| &*event.source == "conversation details"));
    assert!(report.by_type["notification"] > 20, "{report}");
}
