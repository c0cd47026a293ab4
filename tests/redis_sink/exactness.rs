//! Every event counts once: connections cut around the transaction, servers killed, a million events.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures::stream;
use genesys_cloud::sink::{SinkEnd, SinkRunner};
use tokio::time::sleep;

use super::proxy::{Cut, Plan, proxy};
use super::server::Server;
use super::support::{Source, check, items, quick, resident_kib, sink};

/// Events in the whole run; the variable is for longer ones.
fn events() -> u64 {
    std::env::var("REDIS_SINK_EVENTS").map_or(200_000, |count| count.parse().unwrap())
}

const CUTS: usize = 50;
const KILLS: u64 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_cuts_and_five_kills_lose_nothing_and_count_nothing_twice() {
    let Some(mut server) = Server::start(&[]) else { return };
    let kinds = [Cut::Before, Cut::After, Cut::Late];
    let plan = Plan::new((0..CUTS * 2).map(|n| (n % 2 == 1).then(|| kinds[n / 2 % 3])));
    let address = proxy(server.port(), plan.clone()).await;
    let sink = sink(&format!("redis://{address}"), "exact");
    let count = events();
    let source = Arc::new(Mutex::new(Source::new(500)));
    let series = source.clone();
    let stream = stream::iter((0..count).map(move |_| Ok(series.lock().unwrap().next())));
    let runner = SinkRunner::new(&sink).options(quick());
    let handle = runner.handle();
    let began = Instant::now();
    let killer = async {
        for kill in 1..=KILLS {
            while handle.stats().written < kill * count / (KILLS + 1) {
                sleep(Duration::from_millis(1)).await;
            }
            server.kill();
            sleep(Duration::from_millis(20)).await;
            server.restart();
        }
    };
    let (report, ()) = futures::join!(runner.run(stream), killer);
    let elapsed = began.elapsed();
    assert!(matches!(report.end, SinkEnd::Finished) && report.is_complete(), "{:?}", report.end);
    assert_eq!((report.stats.events, report.stats.written), (count, count));
    let cuts = plan.done();
    assert_eq!(cuts.len(), CUTS);
    assert!(kinds.iter().all(|kind| cuts.iter().filter(|cut| *cut == kind).count() >= 16));
    let stats = sink.stats();
    assert!(stats.already_in >= 16, "no attempt found its batch written: {stats:?}");
    assert_eq!(stats.batches + stats.already_in, report.stats.batches, "acknowledged once each");
    assert_eq!((stats.sequence, stats.markers_lost), (report.stats.batches, 0));

    let mut admin = server.admin().await;
    let expected: Vec<_> =
        source.lock().unwrap().expected().map(|(key, sum)| (key, sum.clone())).collect();
    let (mut exact, mut keys) = (0, 0);
    for (key, sum) in expected {
        exact += usize::from(check(&key, &admin.hash(&key).await, &sum));
        keys += 1;
    }
    let ms = u64::try_from(elapsed.as_millis()).unwrap().max(1);
    let (per_second, trips) = (count * 1_000 / ms, stats.round_trips * 1_000_000 / count);
    eprintln!(
        "{count} events in {elapsed:.1?}: {per_second}/s, {trips} round trips per million; total_wait reads as the \
         nearest double in {exact} of {keys} keys; {stats:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_queues_take_little_memory() {
    let Some(server) = Server::start(&[]) else { return };
    let mut admin = server.admin().await;
    let memory = async |admin: &mut super::server::Admin| -> u64 {
        let info: String = admin.ask("INFO memory").await;
        let line = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
        line.unwrap().trim().parse().unwrap()
    };
    let before = (memory(&mut admin).await, resident_kib());
    let mut source = Source::new(10_000);
    let sink = sink(&server.url(), "memory");
    let events: Vec<_> = (0..30_000).map(|_| source.next()).collect();
    let report = SinkRunner::new(&sink).options(quick()).run(items(events)).await;
    assert!(report.is_complete());
    let after = (memory(&mut admin).await, resident_kib());
    let keys: u64 = admin.ask("DBSIZE").await;
    let queues = source.sums.iter().filter(|sum| sum.events > 0).count() as u64;
    assert_eq!(keys, queues + 1, "one key for each queue, and the writer's");
    let each = (after.0 - before.0) / queues;
    eprintln!(
        "{queues} queues: {each} bytes of Redis each; resident {} -> {} KiB",
        before.1, after.1
    );
    assert!(each < 1_024, "{each} bytes for a queue");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_redis_is_away_events_wait_in_order_and_what_the_bound_drops_is_counted() {
    use genesys_cloud::Capacity;
    use genesys_cloud::sink::{LossCause, SinkOverflow};

    let Some(mut server) = Server::start(&[]) else { return };
    let sink = sink(&server.url(), "away");
    let options = quick()
        .batch(50, 1 << 20)
        .linger(Duration::from_millis(2))
        .capacity(Capacity::new(200, 1 << 20))
        .overflow(SinkOverflow::DropOldest);
    let (tx, rx) = tokio::sync::mpsc::unbounded_channel();
    let stream = stream::unfold(rx, |mut rx| async move {
        let item: Option<u64> = rx.recv().await;
        // The wait and the status say which event it was.
        item.map(|n| (Ok(super::support::event("q", n | 1, Some(&n.to_string()))), rx))
    });
    let runner = SinkRunner::new(&sink).options(options);
    let handle = runner.handle();
    let script = async {
        (1..=10).for_each(|n| tx.send(n * 2).unwrap());
        while handle.stats().written < 10 {
            sleep(Duration::from_millis(1)).await;
        }
        server.kill();
        for n in 11..=1_000 {
            tx.send(n * 2).unwrap();
        }
        while handle.stats().events < 1_000 {
            sleep(Duration::from_millis(1)).await;
        }
        server.restart();
        drop(tx);
    };
    let (report, ()) = futures::join!(runner.run(stream), script);
    assert!(matches!(report.end, SinkEnd::Finished), "{:?}", report.end);
    let stats = report.stats;
    assert_eq!((stats.events, stats.dropped, stats.written), (1_000, 790, 210));
    // The batch on its way when Redis went is kept; what was dropped is one run of numbers.
    let losses: Vec<_> = report.losses.iter().collect();
    assert_eq!((losses.len(), losses[0].count), (1, 790));
    assert_eq!((&losses[0].cause, losses[0].last - losses[0].first), (&LossCause::Overflow, 789));
    let lost = losses[0].first..=losses[0].last;
    let sum: u64 = (1..=1_000).filter(|n| !lost.contains(n)).map(|n| (n * 2) | 1).sum();
    let hash = server.admin().await.hash("metrics:q").await;
    assert_eq!((&*hash["event_count"], hash["total_wait_ms"].parse().ok()), ("210", Some(sum)));
    assert_eq!(hash["last_agent_status"], "2000");
}
