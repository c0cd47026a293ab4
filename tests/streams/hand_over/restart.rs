//! A process that begins when the one before has ended, or was killed.

use std::time::{Duration, SystemTime};

use genesys_cloud::sim::Fault;
use genesys_cloud::{Checkpoint, EventStream, Gone, Origin};

use super::rig::{Account, Log, Rig, carried, process};

/// A process that is killed: its sockets end without a word.
fn killed(
    rig: &Rig,
    run: impl AsyncFnOnce(&mut EventStream) -> (Log, Checkpoint) + Send + 'static,
) -> (Log, Checkpoint) {
    let builder = rig.builder();
    let process = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (outcome, stream) = runtime.block_on(async {
            let mut stream = builder.start().await.unwrap();
            let outcome = run(&mut stream).await;
            (outcome, stream)
        });
        runtime.shutdown_background();
        drop(stream);
        outcome
    });
    process.join().unwrap()
}

/// Ends the process of a stream, and carries its last checkpoint on.
async fn ended(stream: EventStream) -> (Log, Checkpoint) {
    let handle = stream.handle();
    let reading = process(stream);
    handle.close().await;
    let (log, mut stream) = reading.await.unwrap();
    (log, carried(&stream.checkpoint().await.unwrap()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_has_a_gap_of_exact_ends_and_uses_the_channels_again() {
    let mut rig = Rig::loaded(6).await;
    let old = rig.builder().topics_per_channel(3).start().await.unwrap();
    old.ready().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let (old_log, last) = ended(old).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let before = SystemTime::now();
    let new = rig.bare().topics_per_channel(3).resume(last.clone()).start().await.unwrap();
    new.ready().await.unwrap();
    let ids = |mut list: Vec<genesys_cloud::ChannelInfo>| {
        list.sort_by(|a, b| a.id.cmp(&b.id));
        list.into_iter().map(|channel| channel.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(new.handle().channels().await.unwrap()), ids(last.channels()));
    let handle = new.handle();
    let new = process(new);
    tokio::time::sleep(Duration::from_millis(300)).await;
    rig.calm().await;
    handle.close().await;
    let (new_log, _) = new.await.unwrap();
    assert!(!new_log.events.is_empty());
    let mut named = 0;
    for gap in &new_log.gaps {
        assert_eq!(gap.cause, Gone::Restarted);
        assert!(gap.to >= before && gap.to <= SystemTime::now());
        for topic in &gap.topics {
            let found = last.topics().find(|(one, _)| one.name() == topic).unwrap().1;
            assert_eq!(Some(gap.from), found, "where the process before had come to");
            named += 1;
        }
    }
    assert_eq!((named, old_log.gaps.len()), (6, 0), "each topic has one gap");
    let account = rig.account(&[&old_log, &new_log]);
    let Account { in_gaps, twice, out_of_order, .. } = account;
    assert!(in_gaps > 100 && (twice, out_of_order) == (0, 0), "{account:?}");
    assert_eq!(account.lost, 0);
    assert_eq!((rig.platform.stats().channels, rig.platform.stats().evictions), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_goes_on_from_its_last_checkpoint_and_nothing_is_lost_silently() {
    let mut rig = Rig::loaded(4).await;
    let (old_log, last) = killed(&rig, async |stream| {
        let mut log = Log::default();
        log.read(stream, 50).await;
        let last = stream.checkpoint().await.unwrap();
        log.read(stream, 50).await;
        (log, last)
    });
    assert!(!last.is_final());
    let new = rig.bare().resume(carried(&last)).start().await.unwrap();
    let handle = new.handle();
    handle.ready().await.unwrap();
    let new = process(new);
    rig.calm().await;
    handle.close().await;
    let (new_log, _) = new.await.unwrap();
    let account = rig.account(&[&old_log, &new_log]);
    assert_eq!((account.lost, account.twice, account.out_of_order), (0, 0, 0));
    assert!(new_log.gaps.iter().all(|gap| gap.cause == Gone::Restarted));
    assert_eq!((rig.platform.stats().channels, rig.platform.stats().evictions), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_stands_by_takes_over_from_a_killed_one_and_repeats_only_what_it_must() {
    let mut rig = Rig::loaded(4).await;
    let standby = rig.builder().standby();
    let (ready, is_ready) = tokio::sync::oneshot::channel();
    // What the old process received before it remembers deliveries, and the new one too, would come twice.
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let killing = {
        let builder = rig.builder();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let (outcome, stream) = runtime.block_on(async {
                let mut stream = builder.start().await.unwrap();
                let mut log = Log::default();
                stream.checkpoint().await.unwrap();
                log.read(&mut stream, 50).await;
                begun.send(()).unwrap();
                let mut is_ready = is_ready;
                while is_ready.try_recv().is_err() {
                    log.read(&mut stream, 1).await;
                }
                let last = stream.checkpoint().await.unwrap();
                let until = log.events.len();
                log.read(&mut stream, 60).await;
                ((log, last, until), stream)
            });
            runtime.shutdown_background();
            drop(stream);
            outcome
        })
    };
    has_begun.await.unwrap();
    let mut new = standby.start().await.unwrap();
    new.ready().await.unwrap();
    ready.send(()).unwrap();
    while !killing.is_finished() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (old_log, last, until) = killing.join().unwrap();
    new.resume(carried(&last)).await.unwrap();
    let handle = new.handle();
    let new = process(new);
    rig.calm().await;
    handle.close().await;
    let (new_log, _) = new.await.unwrap();
    let account = rig.account(&[&old_log, &new_log]);
    assert_eq!(account.lost, 0);
    assert!(new_log.gaps.is_empty(), "{:?}", new_log.gaps);
    // What was delivered after the checkpoint comes again, and nothing else.
    let after = old_log.events.len() - until;
    assert_eq!(account.twice, after);
}

#[tokio::test]
async fn a_gap_of_a_restart_is_filled() {
    let rig = Rig::quiet(2).await;
    let old = rig.builder().start().await.unwrap();
    old.ready().await.unwrap();
    let (_, last) = ended(old).await;
    rig.emit(0);
    let client = rig.client();
    let builder = client.stream().backfill(client.backfill());
    let mut new = builder.resume(last).start().await.unwrap();
    let mut fetched = 0;
    while fetched < 2 {
        let delivery = crate::quiet::next(&mut new).await;
        fetched += usize::from(matches!(delivery.origin, Origin::Backfill { .. }));
    }
    assert_eq!(new.stats().backfill_failed, 0);
}

#[tokio::test]
async fn a_gap_that_was_open_when_the_process_ended_begins_where_it_began() {
    let rig = Rig::quiet(1).await;
    let mut old = rig.builder().start().await.unwrap();
    old.ready().await.unwrap();
    rig.emit(0);
    let mut log = Log::default();
    log.read(&mut old, 1).await;
    rig.platform.fault(Fault::RefuseConnect { for_ms: 5_000 }).unwrap();
    rig.platform.fault(Fault::Reset).unwrap();
    crate::quiet::until_what(&mut old, "disconnected").await;
    let cut = SystemTime::now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let (_, last) = ended(old).await;
    let until = last.topics().next().unwrap().1.unwrap();
    assert!(until <= cut && cut.duration_since(until).unwrap() < Duration::from_secs(5));
    // A process that never comes to flow hands on what it was given.
    let new = rig.bare().resume(last.clone()).start().await.unwrap();
    let (_, again) = ended(new).await;
    assert_eq!(again.topics().next().unwrap().1, Some(until));
    assert_eq!(again.channels()[0].id, last.channels()[0].id);
}
