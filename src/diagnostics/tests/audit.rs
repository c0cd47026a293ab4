//! What an audit log holds, and what it survives.

use std::io::{Error as IoError, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use crate::core::clock::Clock;
use crate::core::close::{CloseCode, Gone};
use crate::core::ids::ChannelId;
use crate::diagnostics::audit_observer::AuditObserver;
use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::diagnostics::link_probe::LinkProbe;
use crate::diagnostics::observer::{Observer, Signal};
use crate::error::{Error, ErrorKind};

const LONG: Duration = Duration::from_secs(60);

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // Writers may take less than they are given.
        let taken = bytes.len().min(7);
        self.0.lock().unwrap().extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Kept {
    fn lines(&self) -> Vec<Value> {
        let bytes = self.0.lock().unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Instant {
        Instant::now()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_micros(1_772_616_600_123_456)
    }
}

/// One signal of every kind.
fn tell_everything(to: &dyn Observer) {
    let channel = ChannelId::new("hush-channel");
    let channel = Some(&channel);
    let error = Error::new(ErrorKind::Auth, "refused\nby the platform").with_body(b"hush-body");
    let cause = Gone::Closed { code: CloseCode::POLICY, reason: "\"quoted\"\n".into() };
    let ms = Duration::from_millis(1_500);
    let long = "x".repeat(5_000);
    to.observe(&Signal::TokenIssued { generation: 1, life: LONG });
    to.observe(&Signal::TokenRestored { generation: 2, life: LONG });
    to.observe(&Signal::TokenStoreFailed { error: &error });
    to.observe(&Signal::TokenRenewalFailed { error: &error, usable: true });
    to.observe(&Signal::Request {
        method: "GET",
        operation: "/api/v2/users",
        status: 200,
        elapsed: ms,
    });
    to.observe(&Signal::Retry { operation: "/api/v2/users", attempt: 1, wait: ms });
    to.observe(&Signal::Throttled { wait: ms });
    to.observe(&Signal::ClockOff { off: ms, ahead: true });
    to.observe(&Signal::Dial { channel: None, attempt: 2 });
    to.observe(&Signal::Connected { channel });
    to.observe(&Signal::Renewed { channel, overlap: ms });
    to.observe(&Signal::Sent { kind: "ping", bytes: 4 });
    to.observe(&Signal::Subscribed { topics: 3 });
    to.observe(&Signal::Rejected { topic: &long });
    to.observe(&Signal::Pong { rtt: ms });
    to.observe(&Signal::Gap { topics: 2, duration: ms });
    to.observe(&Signal::Lagged { dropped: 9 });
    to.observe(&Signal::SinkFailed { error: &error, attempt: 1, wait: ms });
    to.observe(&Signal::Malformed { topic: None });
    to.observe(&Signal::Action { name: "delta", count: 2 });
    to.observe(&Signal::Disconnected { channel, cause: &cause, was_live: ms });
}

#[test]
fn every_signal_is_one_line_with_time_sequence_and_totals_and_no_secret() {
    let kept = Kept::default();
    let audit = Arc::new(AuditObserver::new(kept.clone()).unwrap().clock(Stopped));
    tell_everything(&audit);
    let monitor = LatencyMonitor::new(LatencyConfig::default()).unwrap();
    monitor.forward_to(audit.clone());
    let start = Instant::now();
    monitor.opened(start);
    let id = monitor.ping(start).unwrap();
    monitor.pong(start + Duration::from_millis(12), &id);
    audit.flush(LONG).unwrap();

    let lines = kept.lines();
    assert_eq!(lines.len(), 22);
    for (n, line) in lines.iter().enumerate() {
        assert_eq!(
            (&line["seq"], &line["time"]),
            (&n.into(), &"2026-03-04T09:30:00.123456Z".into())
        );
        assert!(line["action"].is_string() && line["totals"].is_object());
        assert!(!line.to_string().contains("hush"), "{line}");
        assert!(line.to_string().len() < 4096);
    }
    let gone = &lines[20];
    assert_eq!(gone["action"], "disconnected");
    assert_eq!((&gone["cause"], &gone["code"]), (&"closed".into(), &1008.into()));
    assert!(gone["detail"].as_str().unwrap().contains("check the token or scope"));
    assert_eq!(gone["was_live_ms"], 1500.0);
    let last = &lines[21];
    assert_eq!((&last["action"], &last["ping"]["latency_ms"]), (&"latency".into(), &12.0.into()));
    assert_eq!(last["totals"]["disconnects"], 1);
    assert_eq!((&last["totals"]["dropped"], &last["totals"]["pings"]), (&9.into(), &2.into()));
    assert_eq!((audit.dropped(), audit.write_errors()), (0, 0));
}

/// Writes nothing until it is told to.
struct Stuck(Receiver<()>, Kept);

impl Write for Stuck {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        // An error means that it is let go for good.
        let _ = self.0.recv();
        self.1.write_all(bytes).map(|()| bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_is_stuck_holds_nobody_up_and_the_hole_shows() {
    let kept = Kept::default();
    let (go, stuck): (Sender<()>, _) = channel();
    let audit = AuditObserver::new(Stuck(stuck, kept.clone())).unwrap();
    for dropped in 0..3_000 {
        audit.observe(&Signal::Lagged { dropped });
    }
    let dropped = audit.dropped();
    assert!((3_000 - 1_024 - 1..=3_000 - 1_024).contains(&dropped), "{dropped}");
    let error = audit.flush(Duration::from_millis(5)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    drop(go);
    audit.flush(LONG).unwrap();
    audit.observe(&Signal::Lagged { dropped: 1 });
    audit.flush(LONG).unwrap();
    let lines = kept.lines();
    assert_eq!(lines.len() as u64, 3_001 - dropped);
    assert_eq!(lines.last().unwrap()["seq"], 3_000);
}

struct Broken(u32);

impl Write for Broken {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += 1;
        if self.0.is_multiple_of(2) { Ok(bytes.len()) } else { Err(IoError::other("disk full")) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn records_that_cannot_be_written_are_counted_and_the_next_is_tried() {
    let audit = AuditObserver::new(Broken(0)).unwrap();
    for _ in 0..10 {
        audit.observe(&Signal::Lagged { dropped: 1 });
    }
    audit.flush(LONG).unwrap();
    assert_eq!(audit.write_errors(), 5);
}

#[test]
fn what_was_told_before_the_observer_is_dropped_is_written() {
    let kept = Kept::default();
    let audit = AuditObserver::new(kept.clone()).unwrap();
    tell_everything(&audit);
    drop(audit);
    assert_eq!(kept.lines().len(), 21);
}
