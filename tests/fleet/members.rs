//! Members that do not harm each other, and what all share.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::StreamExt;
use genesys_cloud::fleet::{Fleet, MemberState};
use genesys_cloud::sim::Fault;
use genesys_cloud::{Capacity, ConnectionState, ErrorKind, Lifecycle};
use tokio::time::{sleep, timeout};

use crate::{PATIENCE, Rig, client, key, lifecycle, number, quiet, settings};

#[tokio::test]
async fn one_that_is_revoked_ends_alone() {
    let mut rig = Rig::new(49).await;
    let other = quiet().start().await.unwrap();
    rig.fleet.add("revoked", client(&other, other.credentials()), settings(&other, 0)).unwrap();
    rig.until_subscribed(BTreeSet::from(["revoked".to_owned()])).await;
    assert_eq!(rig.fleet.states().iter().filter(|(_, state)| state.is_live()).count(), 50);
    let (path, retry_after) = ("/oauth/token".to_owned(), None);
    other.fault(Fault::Http { path, status: 401, retry_after, count: 1_000, html: false }).unwrap();
    other.fault(Fault::RevokeToken).unwrap();
    let mut last = None;
    let mut ends = 0;
    for round in 0..20 {
        for member in 0..49 {
            rig.emit(member, round);
        }
        let mut of_others = 0;
        while of_others < 49 {
            let delivery = rig.next().await;
            if &*delivery.organisation == "revoked" {
                assert!(ends == 0, "an error is the last item: {delivery:?}");
                ends += usize::from(delivery.item.is_err());
                last = delivery.item.err().or(last);
            } else {
                assert_eq!(number(&delivery), Some(round), "{delivery:?}");
                of_others += 1;
            }
        }
        sleep(Duration::from_millis(10)).await;
    }
    let error = last.expect("it has ended");
    assert_eq!(error.kind(), ErrorKind::Auth);
    let Some(MemberState::Ended { kind: Some(ErrorKind::Auth), reason }) =
        rig.fleet.state("revoked")
    else {
        panic!("{:?}", rig.fleet.state("revoked"))
    };
    assert!(!reason.is_empty());
    assert_eq!(rig.fleet.states().iter().filter(|(_, state)| state.is_live()).count(), 49);
    assert_eq!(rig.fleet.len(), 50);
}

#[tokio::test]
async fn one_that_is_answered_429_delays_nobody() {
    let mut rig = Rig::new(20).await;
    let other = quiet().start().await.unwrap();
    let (path, retry_after) = ("/api/v2".to_owned(), Some(600));
    other
        .fault(Fault::Http { path, status: 429, retry_after, count: 10_000, html: false })
        .unwrap();
    rig.fleet.add("throttled", client(&other, other.credentials()), settings(&other, 0)).unwrap();
    let mut backoff = None;
    while backoff.is_none() {
        let delivery = rig.next().await;
        backoff = lifecycle(&delivery).and_then(|item| match item {
            Lifecycle::Disconnected { retry_in, .. } => *retry_in,
            _ => None,
        });
    }
    assert!(backoff >= Some(Duration::from_secs(600)), "{backoff:?}");
    let state = rig.fleet.state("throttled").unwrap();
    assert!(matches!(state, MemberState::Running(ConnectionState::Backoff { .. })), "{state:?}");
    for round in 0..50 {
        (0..20).for_each(|member| rig.emit(member, round));
        assert_eq!(rig.take(20).await.len(), 20);
    }
    // One that waits for its next dial is taken out at once.
    timeout(Duration::from_secs(2), rig.fleet.remove("throttled")).await.unwrap().unwrap();
}

/// Events of each member in a test of one that is not read: many more than its queue holds.
const EVENTS: usize = 2_000;

#[tokio::test]
async fn one_that_is_not_read_holds_up_nobody_and_loses_nothing() {
    let small = Capacity::new(64, 1 << 20);
    let builder = Fleet::builder().dials_per_second(2_000.0).member_capacity(small);
    let mut rig = Rig::of(10, builder).await;
    rig.fleet.pause(&key(3)).unwrap();
    for number in 0..EVENTS {
        for member in 0..10 {
            rig.emit(member, number);
        }
        if number % 50 == 49 {
            let seen = rig.take(9 * 50).await;
            assert!(!seen.contains_key(&key(3)), "it is paused");
        }
    }
    assert!(rig.fleet.state(&key(3)).unwrap().is_live(), "the connection lives all the same");
    rig.fleet.resume(&key(3)).unwrap();
    let seen = rig.take(EVENTS).await;
    assert_eq!(seen[&key(3)], (0..EVENTS).collect::<Vec<_>>());
}

#[tokio::test]
async fn members_take_turns_however_much_one_has_to_say() {
    let mut rig = Rig::new(10).await;
    (0..1_000).for_each(|number| rig.emit(0, number));
    for member in 1..10 {
        (0..5).for_each(|number| rig.emit(member, number));
    }
    let handle = rig.fleet.clone();
    rig.eventually("everything to be there", || handle.states().len() == 10).await;
    sleep(Duration::from_millis(300)).await;
    // 9 members with 5 each have said all of it before the noisy one has said much more than they.
    let mut noisy = 0;
    let mut others = 0;
    while others < 45 {
        let delivery = rig.next().await;
        match number(&delivery) {
            Some(_) if *delivery.organisation == *key(0) => noisy += 1,
            Some(_) => others += 1,
            None => {}
        }
    }
    assert!((1..=45).contains(&noisy), "{noisy}");
    assert_eq!(rig.take(1_000 - noisy).await[&key(0)].len(), 1_000 - noisy);
}

#[tokio::test]
async fn the_rate_of_dials_holds_at_the_start_and_after_a_mass_cut() {
    const RATE: u32 = 40;
    const MEMBERS: u32 = 40;
    let platform = quiet().start().await.unwrap();
    let (fleet, mut events) = Fleet::builder().dials_per_second(RATE.into()).build().unwrap();
    for number in 0..MEMBERS as usize {
        let client = client(&platform, platform.add_client());
        fleet.add(key(number), client, settings(&platform, number)).unwrap();
    }
    let mut dials: Vec<(Instant, u64)> = Vec::new();
    let is_live = |fleet: &Fleet| fleet.states().iter().all(|(_, state)| state.is_live());
    for round in 1..=2_u64 {
        let begun = Instant::now();
        // After the cut, until it is noticed, all seem to live.
        while !is_live(&fleet) || platform.stats().dials < round * u64::from(MEMBERS) {
            assert!(begun.elapsed() < PATIENCE, "{:?}", fleet.states());
            while let Ok(Some(_)) = timeout(Duration::from_millis(1), events.next()).await {}
            dials.push((Instant::now(), platform.stats().dials));
        }
        let least = Duration::from_millis(900) * MEMBERS / RATE;
        assert!(begun.elapsed() > least, "{round}: {:?}", begun.elapsed());
        platform.fault(Fault::Reset).unwrap();
    }
    // A process that was not given a core for a moment makes up for it: hence the slack.
    let stall = dials.windows(2).map(|two| two[1].0 - two[0].0).max().unwrap();
    let window = Duration::from_millis(500);
    let most =
        u64::from(RATE) * u64::try_from((window + 2 * stall).as_millis()).unwrap() / 1_000 + 2;
    for (from, before) in &dials {
        let after = dials.iter().rev().find(|(at, _)| *at <= *from + window).unwrap().1;
        assert!(after - before <= most, "{} in half a second, at most {most}", after - before);
    }
}

#[tokio::test]
async fn keys_are_unique_and_free_again_after_a_removal() {
    let mut rig = Rig::new(2).await;
    let again = client(&rig.platform, rig.platform.add_client());
    let error = rig.fleet.add(key(1), again.clone(), settings(&rig.platform, 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    rig.fleet.remove(&key(1)).await.unwrap();
    assert_eq!(rig.fleet.remove(&key(1)).await.unwrap_err().kind(), ErrorKind::Config);
    assert_eq!(rig.fleet.state(&key(1)), None);
    rig.fleet.add(key(1), again, settings(&rig.platform, 1)).unwrap();
    rig.until_subscribed(BTreeSet::from([key(1)])).await;
    rig.emit(1, 5);
    assert_eq!(rig.take(1).await[&key(1)], [5]);
    assert!(rig.fleet.pause("nobody").is_err() && rig.fleet.resume("nobody").is_err());
    for bad in [0.0, -1.0, f64::NAN] {
        let error = Fleet::builder().dials_per_second(bad).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
    }
}
