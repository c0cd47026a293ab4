//! Deploys that overlap.

use std::time::Duration;

use genesys_cloud::{Capacity, EventStream};

use super::rig::{Account, Log, Rig, carried, process};

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

/// A process that has read for a while, and remembers what it was delivered.
async fn running(rig: &Rig) -> EventStream {
    let mut stream = rig.builder().start().await.unwrap();
    stream.checkpoint().await.unwrap();
    stream
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deploy_under_load_loses_nothing_repeats_nothing_and_has_no_gap() {
    let mut rig = Rig::loaded(8).await;
    let old = running(&rig).await;
    let closing = old.handle();
    let old = process(old);
    closing.ready().await.unwrap();
    let mut new = rig.builder().standby().start().await.unwrap();
    new.ready().await.unwrap();
    closing.close().await;
    let (old_log, mut old) = old.await.unwrap();
    let last = carried(&old.checkpoint().await.unwrap());
    drop(old);
    assert!(last.is_final() && last.deliveries() > 0 && last.channels().len() == 1);
    new.resume(last).await.unwrap();
    let handle = new.handle();
    let new = process(new);
    pause(500).await;
    rig.calm().await;
    handle.close().await;
    let (new_log, _) = new.await.unwrap();
    let account = rig.account(&[&old_log, &new_log]);
    assert_eq!(account, Account { sent: account.sent, ..Account::default() });
    assert!(old_log.gaps.is_empty() && new_log.gaps.is_empty());
    let stats = handle.stats();
    assert!(stats.duplicates_removed > 200, "both had some: {stats:?}");
    assert_eq!((stats.perhaps_repeated, stats.gaps), (0, 0));
    assert_eq!((rig.platform.stats().channels, rig.platform.stats().evictions), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_deploys_in_a_row_use_two_channels_and_lose_and_repeat_nothing() {
    let mut rig = Rig::loaded(4).await;
    let mut logs = Vec::new();
    let first = running(&rig).await;
    first.handle().ready().await.unwrap();
    let (mut handle, mut current) = (first.handle(), first);
    for _ in 0..10 {
        // Read a little, then leave the spare channels to the next.
        let mut log = Log::default();
        log.read(&mut current, 20).await;
        let early = carried(&current.checkpoint().await.unwrap());
        let reading = process(current);
        let spare = early.spare_channels();
        let mut next = rig.builder().standby().own_channels(spare).start().await.unwrap();
        next.ready().await.unwrap();
        handle.close().await;
        let (rest, mut old) = reading.await.unwrap();
        log.events.extend(rest.events);
        log.gaps.extend(rest.gaps);
        logs.push(log);
        next.resume(carried(&old.checkpoint().await.unwrap())).await.unwrap();
        (handle, current) = (next.handle(), next);
    }
    let reading = process(current);
    rig.calm().await;
    handle.close().await;
    logs.push(reading.await.unwrap().0);
    let logs: Vec<&Log> = logs.iter().collect();
    let account = rig.account(&logs);
    assert_eq!(account, Account { sent: account.sent, ..Account::default() });
    assert!(logs.iter().all(|log| log.gaps.is_empty()));
    assert_eq!((rig.platform.stats().channels, rig.platform.stats().evictions), (2, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_hands_over_its_backlog_read_or_not() {
    for reads_on in [true, false] {
        let mut rig = Rig::loaded(4).await;
        let small = Capacity::new(64, 1 << 20);
        let mut old = rig.builder().capacity(small).start().await.unwrap();
        let mut old_log = Log::default();
        old.checkpoint().await.unwrap();
        old_log.read(&mut old, 40).await;
        let mut new = rig.builder().standby().start().await.unwrap();
        new.ready().await.unwrap();
        // For more than a second nobody has read, and there was room for 64.
        let last = if reads_on {
            let handle = old.handle();
            let closing = tokio::spawn(async move { handle.close().await });
            let (rest, mut ended) = process(old).await.unwrap();
            closing.await.unwrap();
            old_log.events.extend(rest.events);
            let last = carried(&ended.checkpoint().await.unwrap());
            assert!(last.is_final());
            last
        } else {
            let last = carried(&old.checkpoint().await.unwrap());
            assert!(!last.is_final());
            let behind = last.topics().map(|(_, until)| until.unwrap()).min().unwrap();
            assert!(last.taken_at() > behind + Duration::from_millis(500), "{behind:?}");
            drop(old);
            last
        };
        new.resume(last).await.unwrap();
        let handle = new.handle();
        let new = process(new);
        rig.calm().await;
        handle.close().await;
        let (new_log, _) = new.await.unwrap();
        let account = rig.account(&[&old_log, &new_log]);
        let Account { in_gaps, lost, twice, out_of_order, .. } = account;
        assert_eq!((lost, twice, out_of_order), (0, 0, 0), "reads on: {reads_on}");
        // The backlog began before the other flowed, unless it was read.
        assert_eq!(in_gaps == 0 && new_log.gaps.is_empty(), reads_on, "{:?}", new_log.gaps);
        assert!(!reads_on || handle.stats().perhaps_repeated == 0);
    }
}

#[tokio::test]
async fn topics_may_be_added_and_left_out_with_a_deploy() {
    let rig = Rig::quiet(3).await;
    let mut old = rig.bare().subscribe_all(&rig.topics[..2]).start().await.unwrap();
    old.ready().await.unwrap();
    let mut new = rig.bare().subscribe_all(&rig.topics[1..]).standby().start().await.unwrap();
    new.ready().await.unwrap();
    let handle = old.handle();
    for topic in 0..3 {
        rig.emit(topic);
    }
    let mut old_log = Log::default();
    old_log.read(&mut old, 2).await;
    let early = old.checkpoint().await.unwrap();
    assert_eq!((early.topics().count(), early.is_final()), (2, false));
    handle.close().await;
    let (_, mut old) = process(old).await.unwrap();
    new.resume(carried(&old.checkpoint().await.unwrap())).await.unwrap();
    rig.emit(1);
    rig.emit(2);
    let mut new_log = Log::default();
    // What the old one had of the second topic was not remembered: it comes again, and is counted.
    new_log.read(&mut new, 4).await;
    assert!(new_log.gaps.is_empty(), "{:?}", new_log.gaps);
    assert!(new.stats().perhaps_repeated >= 1);
    assert_eq!(rig.account(&[&old_log, &new_log]).twice, 1);
}

#[tokio::test]
async fn a_stream_that_stood_by_in_vain_unsubscribes_its_channels() {
    let rig = Rig::quiet(2).await;
    let stream = rig.builder().standby().start().await.unwrap();
    stream.ready().await.unwrap();
    let channels = stream.handle().channels().await.unwrap();
    let client = rig.client().notifications();
    assert_eq!(client.subscriptions(&channels[0].id).await.unwrap().len(), 2);
    drop(stream);
    for _ in 0..500 {
        if client.subscriptions(&channels[0].id).await.unwrap().is_empty() {
            return;
        }
        pause(10).await;
    }
    panic!("still subscribed");
}
