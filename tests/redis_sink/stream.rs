//! Whole events in a Redis Stream.

use futures::stream;
use genesys_cloud::Json;
use genesys_cloud::sink::redis::{RedisSettings, RedisStream, StreamKey};
use genesys_cloud::sink::{SinkEnd, SinkRunner};

use super::proxy::{Cut, Plan, proxy};
use super::server::Server;
use super::support::quick;

/// An entry: its id, and its fields with their values.
type Entry = (String, Vec<String>);

fn numbered(count: u32) -> impl futures::Stream<Item = genesys_cloud::Result<Json>> {
    let item = |n| Ok(serde_json::from_str(&format!("{{\"n\":{n}}}")).unwrap());
    stream::iter((0..count).map(item))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_appended_in_order_and_once_through_cut_connections() {
    let Some(server) = Server::start(&[]) else { return };
    let kinds = [Cut::Before, Cut::After, Cut::Late];
    let plan = Plan::new((0..24).map(|n| (n % 2 == 0).then(|| kinds[n / 2 % 3])));
    let address = proxy(server.port(), plan.clone()).await;
    let settings = RedisSettings::new(format!("redis://{address}"), "w");
    let sink = RedisStream::new(settings, StreamKey::new("events").max_len(None)).unwrap();
    let options = quick().batch(20, 1 << 20);
    let report = SinkRunner::new(&sink).options(options).run(numbered(1_000)).await;
    assert!(report.is_complete(), "{:?}", report.end);
    assert_eq!(plan.done().len(), 12);
    assert!(sink.stats().already_in >= 4, "{:?}", sink.stats());
    let entries: Vec<Entry> = server.admin().await.ask("XRANGE events - +").await;
    let texts: Vec<String> = entries.into_iter().map(|(_, fields)| fields[3].clone()).collect();
    let expected: Vec<String> = (0..1_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    assert_eq!(texts, expected);
}

#[tokio::test]
async fn a_stream_is_kept_short_and_a_key_of_another_type_ends_the_run() {
    let Some(server) = Server::start(&[]) else { return };
    let mut admin = server.admin().await;
    let key = StreamKey::new("events").max_len(Some(100));
    let sink = RedisStream::new(RedisSettings::new(server.url(), "w"), key).unwrap();
    assert!(SinkRunner::new(&sink).run(numbered(2_000)).await.is_complete());
    let length: u64 = admin.ask("XLEN events").await;
    assert!((100..400).contains(&length), "{length}");
    admin.say("SET other text").await;
    let other = RedisStream::new(RedisSettings::new(server.url(), "w"), StreamKey::new("other"));
    let report = SinkRunner::new(other.unwrap()).options(quick()).run(numbered(1)).await;
    assert!(matches!(report.end, SinkEnd::SinkFailed(_)), "{:?}", report.end);
    assert_eq!(report.unwritten[0].json, b"{\"n\":0}");
}
