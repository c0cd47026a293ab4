//! Removal, shutdown, and what never gets as far.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::{FutureExt, StreamExt};
use genesys_cloud::fleet::{Fleet, MemberState};
use genesys_cloud::sim::{Fault, Platform};
use genesys_cloud::{ConnectionState, DialGate, ErrorKind};
use tokio::time::{sleep, timeout};

use crate::{PATIENCE, Rig, client, key, number, quiet, settings, topic};

#[tokio::test]
async fn a_shutdown_drains_every_member_and_ends_the_stream() {
    let mut rig = Rig::new(50).await;
    for member in 0..50 {
        (0..10).for_each(|number| rig.emit(member, number));
    }
    rig.fleet.pause(&key(7)).unwrap();
    let outcome = rig.fleet.shutdown(Duration::from_secs(20)).await;
    assert_eq!((outcome.closed, outcome.cut_off.len()), (50, 0));
    let refused = client(&rig.platform, rig.platform.credentials());
    let error = rig.fleet.add("late", refused, |stream| stream).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    let mut seen: BTreeMap<Arc<str>, Vec<usize>> = BTreeMap::new();
    while let Some(delivery) = timeout(PATIENCE, rig.events.next()).await.unwrap() {
        if let Some(number) = number(&delivery) {
            seen.entry(delivery.organisation).or_default().push(number);
        }
    }
    assert_eq!(seen.len(), 50);
    assert!(seen.values().all(|numbers| *numbers == (0..10).collect::<Vec<_>>()));
    assert!(rig.events.next().await.is_none(), "for ever");
    let platform = &rig.platform;
    rig.eventually("no socket", || platform.stats().sockets_open == 0).await;
}

#[tokio::test]
async fn what_does_not_close_in_time_is_cut_off() {
    let mut rig = Rig::new(5).await;
    rig.platform.fault(Fault::Silence { for_ms: 60_000 }).unwrap();
    let begun = Instant::now();
    let outcome = rig.fleet.shutdown(Duration::from_millis(200)).await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert_eq!((outcome.closed, outcome.cut_off.len()), (0, 5));
    while timeout(PATIENCE, rig.events.next()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn one_that_waits_for_its_turn_is_taken_out_at_once() {
    /// Far off for everybody.
    struct Never;
    impl DialGate for Never {
        fn turn(&self, now: Instant) -> Instant {
            now + Duration::from_secs(3_600)
        }
    }
    let platform = quiet().start().await.unwrap();
    let (fleet, mut events) = Fleet::builder().dials_per_second(0.01).build().unwrap();
    // The first has the only turn there is; the second waits to start, the third to dial.
    for number in 0..2 {
        let client = client(&platform, platform.add_client());
        fleet.add(key(number), client, settings(&platform, number)).unwrap();
    }
    let begun = SystemTime::now();
    while fleet.state(&key(0)).unwrap() == MemberState::Starting {
        events.next().await.unwrap();
    }
    assert_eq!(fleet.state(&key(1)), Some(MemberState::Starting));
    let alone = client(&platform, platform.add_client());
    let stream = alone.stream().subscribe(topic(&platform, 2)).dial_gate(Never);
    let waits = timeout(Duration::from_millis(300), stream.start()).await;
    assert!(waits.is_err(), "it waits to dial");
    timeout(Duration::from_secs(2), fleet.remove(&key(1))).await.unwrap().unwrap();
    // A lost connection has to wait too, and can be closed all the same.
    platform.fault(Fault::Reset).unwrap();
    loop {
        match fleet.state(&key(0)).unwrap() {
            MemberState::Running(ConnectionState::Connecting { .. }) => break,
            _ => drop(timeout(Duration::from_millis(10), events.next()).await),
        }
        assert!(begun.elapsed().unwrap() < PATIENCE, "{:?}", fleet.state(&key(0)));
    }
    timeout(Duration::from_secs(2), fleet.remove(&key(0))).await.unwrap().unwrap();
    assert_eq!(platform.stats().dials, 1);
    drop(fleet);
    while timeout(PATIENCE, events.next()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn dropping_the_merged_stream_ends_every_member() {
    let rig = Rig::new(10).await;
    let Rig { platform, fleet, events } = rig;
    assert_eq!(platform.stats().sockets_open, 10);
    drop(events);
    let begun = Instant::now();
    while platform.stats().sockets_open > 0 {
        assert!(begun.elapsed() < PATIENCE);
        sleep(Duration::from_millis(5)).await;
    }
    let late = client(&platform, platform.credentials());
    assert_eq!(fleet.add("late", late, |stream| stream).unwrap_err().kind(), ErrorKind::Closed);
}

/// A replacement of the one member, whose platform answers every call with 429.
async fn never_flows(
    rig: &Rig,
) -> (Platform, tokio::task::JoinHandle<Result<(), genesys_cloud::Error>>) {
    let other = quiet().start().await.unwrap();
    let path = "/api/v2".to_owned();
    other
        .fault(Fault::Http { path, status: 429, retry_after: None, count: 100_000, html: false })
        .unwrap();
    let fresh = client(&other, other.credentials());
    let fleet = rig.fleet.clone();
    let replacing = tokio::spawn(async move { fleet.replace_credentials(&key(0), fresh).await });
    rig.eventually("a refusal", || other.stats().throttled > 0).await;
    assert!(!replacing.is_finished(), "precondition: it goes on trying");
    (other, replacing)
}

#[tokio::test]
async fn a_replacement_that_never_flows_holds_up_no_shutdown() {
    let mut rig = Rig::new(1).await;
    let (other, replacing) = never_flows(&rig).await;
    let outcome = rig.fleet.shutdown(Duration::from_secs(20)).await;
    assert_eq!((outcome.closed, outcome.cut_off.len()), (1, 0));
    let error = timeout(PATIENCE, replacing).await.expect("it goes on").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let ended = async { while rig.events.next().await.is_some() {} };
    timeout(PATIENCE, ended).await.expect("the merged stream does not end");
    // The call that was under way is the last one.
    sleep(Duration::from_millis(200)).await;
    let throttled = other.stats().throttled;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(other.stats().throttled, throttled, "the new stream goes on");
}

#[tokio::test]
async fn a_replacement_that_never_flows_holds_up_no_removal_and_no_end_of_the_merged_stream() {
    let mut rig = Rig::new(1).await;
    let (_other, replacing) = never_flows(&rig).await;
    timeout(PATIENCE, rig.fleet.remove(&key(0))).await.expect("it is not closed").unwrap();
    let error = timeout(PATIENCE, replacing).await.expect("it goes on").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
    let again = client(&rig.platform, rig.platform.add_client());
    rig.fleet.add(key(0), again, settings(&rig.platform, 0)).unwrap();
    rig.until_subscribed(BTreeSet::from([key(0)])).await;

    let (_other, replacing) = never_flows(&rig).await;
    let Rig { platform: _platform, fleet: _fleet, events } = rig;
    drop(events);
    let error = timeout(PATIENCE, replacing).await.expect("it goes on").unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed, "{error}");
}

#[tokio::test]
async fn a_shutdown_without_a_deadline_does_not_panic() {
    let rig = Rig::new(2).await;
    let outcome = timeout(PATIENCE, rig.fleet.shutdown(Duration::MAX)).await.unwrap();
    assert_eq!((outcome.closed, outcome.cut_off.len()), (2, 0));
}

/// More than a task may do of what waits in one turn, which is 128 in tokio.
const MANY: usize = 200;

#[tokio::test]
async fn a_shutdown_that_was_polled_once_goes_on_for_more_members_than_fit_into_a_turn() {
    let platform = quiet().start().await.unwrap();
    let (fleet, events) = Fleet::builder().dials_per_second(2_000.0).build().unwrap();
    for number in 0..MANY {
        let client = client(&platform, platform.add_client());
        fleet.add(key(number), client, settings(&platform, number % 60)).unwrap();
    }
    let mut rig = Rig { platform, fleet, events };
    rig.until_subscribed((0..MANY).map(key).collect()).await;
    assert_eq!(rig.platform.stats().sockets_open, MANY, "precondition");
    assert!(rig.fleet.shutdown(PATIENCE).now_or_never().is_none(), "precondition: under way");
    let ended = async { while rig.events.next().await.is_some() {} };
    timeout(PATIENCE, ended).await.expect("some were not told to close");
    let platform = &rig.platform;
    rig.eventually("no socket", || platform.stats().sockets_open == 0).await;
}

#[tokio::test]
async fn settings_that_panic_end_their_member_with_an_error_and_harm_no_other() {
    let mut rig = Rig::new(1).await;
    let broken = client(&rig.platform, rig.platform.add_client());
    rig.fleet.add("broken", broken, |_| panic!("on purpose: the settings of a test")).unwrap();
    let delivery = rig.next().await;
    assert_eq!(&*delivery.organisation, "broken");
    let error = delivery.item.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert!(error.to_string().contains("panicked"), "{error}");
    let state = rig.fleet.state("broken");
    assert!(matches!(state, Some(MemberState::Ended { kind: Some(_), .. })), "{state:?}");
    rig.emit(0, 1);
    assert_eq!(rig.take(1).await[&key(0)], [1]);
    // It can begin anew.
    let fresh = client(&rig.platform, rig.platform.add_client());
    rig.fleet.replace("broken", fresh, settings(&rig.platform, 5)).await.unwrap();
    rig.emit(5, 2);
    assert_eq!(rig.take(1).await["broken"], [2]);
}
