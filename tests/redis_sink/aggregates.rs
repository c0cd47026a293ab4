//! What is in the hashes, and what is left alone.

use futures::stream;
use genesys_cloud::ErrorKind;
use genesys_cloud::sink::redis::{QueueKeys, RedisAggregates, RedisSettings};
use genesys_cloud::sink::{LossCause, SinkEnd, SinkRunner};

use super::server::Server;
use super::support::{event, items, quick, sink};

#[tokio::test]
async fn a_batch_is_one_round_trip_and_a_null_status_leaves_the_field_as_it_was() {
    let Some(server) = Server::start(&[]) else { return };
    let sink = sink(&server.url(), "w");
    let first = [event("a", 1_500, Some("BUSY")), event("b", 100, None), event("a", 750, None)];
    let report = SinkRunner::new(&sink).options(quick()).run(items(first.to_vec())).await;
    assert!(report.is_complete());
    let stats = sink.stats();
    assert_eq!((stats.round_trips, stats.batches), (3, 1), "script, writer's key, and the batch");
    let second: Vec<_> = (0..1_000).map(|_| event("b", 1, None)).collect();
    assert!(SinkRunner::new(&sink).options(quick()).run(items(second)).await.is_complete());
    assert_eq!(sink.stats().round_trips, 4, "a thousand events in one");

    let mut admin = server.admin().await;
    let a = admin.hash("metrics:a").await;
    let figures = ["total_wait", "total_wait_ms", "event_count", "average_wait"];
    assert_eq!(figures.map(|name| &*a[name]), ["2.25", "2250", "2", "1.125000"]);
    assert_eq!((&*a["last_agent_status"], &*a["last_event_type"]), ("BUSY", "routed"));
    let b = admin.hash("metrics:b").await;
    assert_eq!(figures.map(|name| &*b[name]), ["1.1", "1100", "1001", "0.001099"]);
    assert!(!b.contains_key("last_agent_status"));
    let left: i64 = admin.ask("TTL metrics:a").await;
    assert!((290..=300).contains(&left), "{left}");
    let marker: i64 = admin.ask("TTL metrics:writer:w").await;
    assert_eq!(marker, -1, "the writer's key stays");
}

#[tokio::test]
async fn ids_that_are_none_are_kept_out_and_events_without_one_are_skipped() {
    let Some(server) = Server::start(&[]) else { return };
    let sink = sink(&server.url(), "w");
    let mut events = vec![event("good", 1, None)];
    events
        .extend(["writer:w", "{x}", "a\r\nFLUSHALL\r\n", "a b", "*"].map(|id| event(id, 1, None)));
    let mut nameless = event("x", 1, None);
    nameless.queue_id = None;
    events.push(nameless);
    let report = SinkRunner::new(&sink).options(quick()).run(items(events)).await;
    let stats = report.stats;
    assert_eq!((stats.written, stats.refused, stats.skipped), (1, 5, 1));
    let mut keys: Vec<String> = server.admin().await.ask("KEYS *").await;
    keys.sort();
    assert_eq!(keys, ["metrics:good", "metrics:writer:w"]);
}

#[tokio::test]
async fn a_key_of_somebody_else_is_left_alone_and_its_events_are_counted() {
    let Some(server) = Server::start(&[]) else { return };
    let mut admin = server.admin().await;
    admin.say("SET metrics:text precious").await;
    admin.say("HSET metrics:odd event_count many").await;
    let sink = sink(&server.url(), "w");
    let events = vec![
        event("text", 1, None),
        event("good", 2, None),
        event("odd", 3, None),
        event("text", 4, None),
    ];
    let report = SinkRunner::new(&sink).options(quick()).run(items(events)).await;
    assert!(matches!(report.end, SinkEnd::Finished));
    assert_eq!((report.stats.written, report.stats.refused), (1, 3));
    let causes = report.losses.iter().map(|loss| (loss.first, &loss.cause));
    assert!(causes.into_iter().all(|(_, cause)| matches!(cause, LossCause::Refused(_))));
    let text: String = admin.ask("GET metrics:text").await;
    let (left, odd): (i64, i64) =
        (admin.ask("TTL metrics:text").await, admin.ask("TTL metrics:odd").await);
    assert_eq!((&*text, left, odd), ("precious", -1, -1));
    assert_eq!(admin.hash("metrics:odd").await.len(), 1);
    assert_eq!(admin.hash("metrics:good").await["total_wait_ms"], "2");
}

#[tokio::test]
async fn a_writer_that_is_restarted_goes_on_after_what_is_stored() {
    let Some(server) = Server::start(&[]) else { return };
    for run in 0..3 {
        let sink = sink(&server.url(), "w");
        let options = quick().batch(1, 1_000);
        let events = vec![event("q", 1, None), event("q", 1, None)];
        assert!(SinkRunner::new(&sink).options(options).run(items(events)).await.is_complete());
        let stats = sink.stats();
        assert_eq!((stats.resumed_after, stats.sequence), (run * 2, run * 2 + 2));
        assert_eq!(stats.already_in, 0, "a new batch was taken for an old one");
    }
    let hash = server.admin().await.hash("metrics:q").await;
    assert_eq!(hash["event_count"], "6");
}

#[tokio::test]
async fn a_second_process_with_the_same_id_takes_over_and_the_first_one_ends() {
    let Some(server) = Server::start(&[]) else { return };
    let (first, second) = (sink(&server.url(), "w"), sink(&server.url(), "w"));
    let one = || items(vec![event("q", 1, None)]);
    assert!(SinkRunner::new(&first).run(one()).await.is_complete());
    assert!(SinkRunner::new(&second).run(one()).await.is_complete());
    let report = SinkRunner::new(&first).options(quick()).run(one()).await;
    let SinkEnd::SinkFailed(error) = &report.end else { panic!("{:?}", report.end) };
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(error.to_string().contains("taken over"), "{error}");
    assert_eq!(report.unwritten.len(), 1);
    assert!(SinkRunner::new(&second).run(one()).await.is_complete());
    assert_eq!(server.admin().await.hash("metrics:q").await["event_count"], "3");
}

#[tokio::test]
async fn scripts_that_were_flushed_and_a_writers_key_that_is_gone_are_survived() {
    let Some(server) = Server::start(&[]) else { return };
    let mut admin = server.admin().await;
    let sink = sink(&server.url(), "w");
    let one = || items(vec![event("q", 1, None)]);
    assert!(SinkRunner::new(&sink).run(one()).await.is_complete());
    admin.say("SCRIPT FLUSH").await;
    assert!(SinkRunner::new(&sink).run(one()).await.is_complete());
    admin.say("DEL metrics:writer:w").await;
    assert!(SinkRunner::new(&sink).run(one()).await.is_complete());
    assert_eq!((sink.stats().markers_lost, sink.stats().connects), (1, 1));
    assert_eq!(admin.hash("metrics:q").await["event_count"], "3");
    admin.say("SET metrics:writer:w junk").await;
    let report = SinkRunner::new(&sink).run(one()).await;
    let SinkEnd::SinkFailed(error) = &report.end else { panic!("{:?}", report.end) };
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn prefix_and_expiry_are_what_was_asked_for() {
    let Some(server) = Server::start(&[]) else { return };
    let keys = QueueKeys::default().prefix("{board}").expire(None);
    let sink = RedisAggregates::new(RedisSettings::new(server.url(), "w"), keys).unwrap();
    let events = stream::iter([Ok(event("q", 1, None))]);
    assert!(SinkRunner::new(&sink).run(events).await.is_complete());
    let left: i64 = server.admin().await.ask("TTL {board}:q").await;
    assert_eq!(left, -1);
    let bad = QueueKeys::default().prefix("a b");
    assert!(RedisAggregates::new(RedisSettings::new(server.url(), "w"), bad).is_err());
}
