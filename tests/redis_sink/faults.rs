//! What Redis refuses, and servers that are none.

use std::time::Duration;

use genesys_cloud::sink::redis::{QueueKeys, RedisAggregates, RedisSettings};
use genesys_cloud::sink::{SinkEnd, SinkReport, SinkRunner};
use genesys_cloud::{Error, ErrorKind, Signal};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::server::Server;
use super::support::{event, items, quick, sink};

/// Writes two events with the first attempt only, and says why it failed.
async fn failure(sink: &RedisAggregates) -> Error {
    let events = vec![event("a", 1, None), event("b", 1, None)];
    let options = quick().max_attempts(1);
    let report = SinkRunner::new(sink).options(options).run(items(events)).await;
    error_of(report)
}

fn error_of<R: std::fmt::Debug>(report: SinkReport<R>) -> Error {
    match report.end {
        SinkEnd::SinkFailed(error) => error,
        end => panic!("{end:?}"),
    }
}

#[tokio::test]
async fn a_wrong_or_missing_password_ends_the_run_and_is_not_shown() {
    let Some(server) = Server::start(&["--requirepass", "right-secret"]) else { return };
    for user in ["", ":hush-hush@", "nobody:hush-hush@"] {
        let sink = sink(&format!("redis://{user}127.0.0.1:{}", server.port()), "w");
        let report = SinkRunner::new(&sink).run(items(vec![event("a", 1, None)])).await;
        let error = error_of(report);
        assert_eq!(error.kind(), ErrorKind::Auth, "{user}: {error:?}");
        let shown = format!("{error} {error:?} {sink:?} {:?}", std::error::Error::source(&error));
        assert!(!shown.contains("hush"), "{shown}");
    }
    let sink = sink(&format!("redis://:right-secret@127.0.0.1:{}", server.port()), "w");
    let report = SinkRunner::new(&sink).run(items(vec![event("a", 1, None)])).await;
    assert!(report.is_complete(), "{:?}", report.end);
}

#[tokio::test]
async fn a_user_without_the_permission_is_told_which() {
    let Some(server) = Server::start(&[]) else { return };
    server.admin().await.say("ACL SETUSER weak on >pw ~metrics:* +get +set +ping +client").await;
    let sink = sink(&format!("redis://weak:pw@127.0.0.1:{}", server.port()), "w");
    let error = failure(&sink).await;
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error:?}");
    assert!(error.to_string().contains("EVALSHA"), "{error}");
}

#[tokio::test]
async fn a_full_memory_passes_and_nothing_is_half_written() {
    let Some(server) = Server::start(&["--maxmemory-policy", "noeviction"]) else { return };
    let mut admin = server.admin().await;
    let sink = sink(&server.url(), "w");
    assert!(SinkRunner::new(&sink).run(items(vec![event("a", 1, None)])).await.is_complete());
    admin.say("CONFIG SET maxmemory 1").await;
    let error = failure(&sink).await;
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Capacity, true), "{error:?}");
    assert_eq!(admin.hash("metrics:a").await["event_count"], "1");
    assert!(admin.hash("metrics:b").await.is_empty());
    let events = items(vec![event("a", 1, None)]);
    let runner = SinkRunner::new(&sink).options(quick());
    let handle = runner.handle();
    let heal = async {
        while handle.stats().failures < 3 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        admin.say("CONFIG SET maxmemory 0").await;
    };
    let (report, ()) = futures::join!(runner.run(events), heal);
    assert!(report.is_complete());
    assert_eq!(admin.hash("metrics:a").await["event_count"], "2");
}

#[tokio::test]
async fn a_read_only_replica_is_named_as_such() {
    let Some(server) = Server::start(&[]) else { return };
    server.admin().await.say("REPLICAOF 127.0.0.1 1").await;
    let error = failure(&sink(&server.url(), "w")).await;
    assert!(error.is_retryable() && error.to_string().contains("read-only replica"), "{error:?}");
}

#[tokio::test]
async fn keys_over_several_slots_of_a_cluster_need_a_hash_tag() {
    // The default is the port plus 10,000, which may be no port.
    let bus = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let bus = bus.to_string();
    let cluster = ["--cluster-enabled", "yes", "--cluster-port", &bus];
    let Some(server) = Server::start(&cluster) else { return };
    let mut admin = server.admin().await;
    admin.say("CLUSTER ADDSLOTSRANGE 0 16383").await;
    let mut state = String::new();
    while !state.contains("cluster_state:ok") {
        tokio::time::sleep(Duration::from_millis(10)).await;
        state = admin.ask("CLUSTER INFO").await;
    }
    let error = failure(&sink(&server.url(), "w")).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(error.to_string().contains("hash tag"), "{error}");
    let keys = QueueKeys::default().prefix("{metrics}");
    let tagged = RedisAggregates::new(RedisSettings::new(server.url(), "w"), keys).unwrap();
    let events = vec![event("a", 1, None), event("b", 1, None)];
    assert!(SinkRunner::new(&tagged).run(items(events)).await.is_complete());
}

#[tokio::test]
async fn a_writers_key_of_another_type_is_reported() {
    let Some(server) = Server::start(&[]) else { return };
    server.admin().await.say("LPUSH metrics:writer:w x").await;
    let error = failure(&sink(&server.url(), "w")).await;
    assert_eq!(error.kind(), ErrorKind::Config, "{error:?}");
    assert!(error.to_string().contains("another type"), "{error}");
}

/// A port where something answers every request with this, or with nothing at all.
async fn imposter(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut bytes = [0; 1_024];
                while matches!(socket.read(&mut bytes).await, Ok(1..)) {
                    let _ = socket.write_all(answer).await;
                }
            });
        }
    });
    format!("redis://{address}")
}

#[tokio::test]
async fn a_server_that_accepts_and_is_silent_is_given_up_in_time() {
    let settings = RedisSettings::new(imposter(b"").await, "w")
        .connect_timeout(Duration::from_millis(100))
        .command_timeout(Duration::from_millis(100));
    let sink = RedisAggregates::new(settings, QueueKeys::default()).unwrap();
    let began = std::time::Instant::now();
    let error = failure(&sink).await;
    assert!(began.elapsed() < Duration::from_secs(3));
    assert!(error.is_retryable(), "{error:?}");
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
}

#[tokio::test]
async fn what_is_not_redis_is_a_fault_that_passes_and_no_panic() {
    for answer in
        [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0\xff\xfe", b"*-7\r\n", b"$99999999999\r\n"]
    {
        let settings = RedisSettings::new(imposter(answer).await, "w")
            .connect_timeout(Duration::from_millis(200))
            .command_timeout(Duration::from_millis(200));
        let sink = RedisAggregates::new(settings, QueueKeys::default()).unwrap();
        let error = failure(&sink).await;
        assert!(error.is_retryable(), "{error:?}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_tried_again_and_told() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let sink = sink(&format!("redis://127.0.0.1:{port}"), "w");
    let told = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
    let count = told.clone();
    let options = quick().max_attempts(4);
    let report = SinkRunner::new(&sink)
        .options(options)
        .observer(move |signal: &Signal<'_>| {
            if let Signal::SinkFailed { error, .. } = signal {
                assert_eq!(error.kind(), ErrorKind::Transport);
                count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        })
        .run(items(vec![event("a", 1, None)]))
        .await;
    assert_eq!((report.unwritten.len(), report.stats.failures), (1, 4));
    assert_eq!(told.load(std::sync::atomic::Ordering::Relaxed), 3);
}
