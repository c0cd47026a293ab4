//! The report as a file.

use std::time::Duration;

use super::support::{MS, Said, connected, gap, gone, say, script};
use crate::core::close::{CloseCode, Gone};
use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::link_probe::LinkProbe;
use crate::probe::{DisconnectEvent, Probe, Report};

const EVIL: &str = "<script>alert(1)</script>\"'&\u{202e}\n</svg>";

/// Ten minutes with three drops, round trips that rise, and a peer that sends markup.
async fn report() -> Report {
    let monitor = LatencyMonitor::new(LatencyConfig::default().pong_timeout(MS(1_500))).unwrap();
    let pinger = monitor.clone();
    tokio::spawn(async move {
        let mut rng = fastrand::Rng::with_seed(5);
        pinger.opened(tokio::time::Instant::now().into_std());
        for n in 0..295_u32 {
            let due = pinger.next_ping().unwrap();
            tokio::time::sleep_until(due.into()).await;
            let Some(id) = pinger.ping(due) else { continue };
            if n % 50 != 17 {
                let slow = f64::from(n) / 8.0 - 30.0 * (1.0 - rng.f64()).ln();
                pinger.pong(due + MS(20) + Duration::from_secs_f64(slow / 1e3), &id);
            }
        }
    });
    let evil: &'static str = EVIL;
    let closed = Gone::Closed { code: CloseCode::INTERNAL, reason: EVIL.into() };
    let cut = Gone::Cut { detail: "connection reset".into() };
    let items = vec![
        (0, connected()),
        (500, say(Said::Json("init_ack"))),
        (1_000, say(Said::Json(evil))),
        (98_500, gone(closed.clone(), MS(100_000))),
        (9_000, connected()),
        (0, gap(closed.clone(), MS(9_000))),
        (100_000, gone(cut.clone(), MS(100_000))),
        (20_000, gone(closed.clone(), MS(0))),
        (10_000, connected()),
        (0, gap(cut, MS(30_000))),
        (200_000, gone(closed, MS(200_000))),
        (2_000, connected()),
    ];
    let mut report = Probe::new()
        .application(EVIL)
        .duration(MS(600_000))
        .monitor(&monitor)
        .run(script(items))
        .await;
    let event = DisconnectEvent::new(None, EVIL, EVIL);
    report.drops[0].correlated.push(event);
    report
}

#[tokio::test(start_paused = true)]
async fn the_file_holds_everything_loads_nothing_and_escapes_what_peers_say() {
    let report = report().await;
    let html = report.html();
    if let Some(path) = std::env::var_os("PROBE_REPORT_HTML") {
        std::fs::write(path, &html).unwrap();
    }
    assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>\n"));
    for evil in ["<script", "\u{202e}", "alert(1)</"] {
        assert!(!html.contains(evil), "{evil}");
    }
    assert!(html.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;"));
    // Round trips, jitter, spread and timeline; the peer's own end of one is escaped.
    assert_eq!((html.matches("<svg").count(), html.matches("</svg>").count()), (4, 4));
    for outside in ["src=", "href=", "url(", "@import"] {
        assert!(!html.contains(outside), "{outside}");
    }
    assert!(html.contains("class=\"tag bad\"") && html.contains("Dropped by the platform"));
    assert!(!html.contains("could not be drawn"));
    assert!(html.len() < 400_000, "{}", html.len());
}

#[tokio::test(start_paused = true)]
async fn a_run_in_which_nothing_happened_has_a_file_too() {
    for seconds in [0, 5] {
        let html = Probe::new().duration(MS(seconds * 1_000)).run(script(Vec::new())).await.html();
        assert!(html.contains("Timeline") && !html.contains("could not be drawn"), "{html}");
    }
}
