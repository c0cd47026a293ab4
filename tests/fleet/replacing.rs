//! Other credentials in the place of an organization's.

use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use genesys_cloud::fleet::MemberState;
use genesys_cloud::{ClientCredentials, ErrorKind, Lifecycle};
use tokio::time::{sleep, timeout};

use crate::{PATIENCE, Rig, client, key, lifecycle, number, settings};

#[tokio::test]
async fn credentials_are_replaced_without_a_gap_and_without_a_repetition() {
    let mut rig = Rig::new(3).await;
    let mut emitted = 0;
    let mut seen = Vec::new();
    for swap in 1..=5_u64 {
        let fresh = client(&rig.platform, rig.platform.add_client());
        let (fleet, key) = (rig.fleet.clone(), key(1));
        let replacing = tokio::spawn(async move { fleet.replace_credentials(&key, fresh).await });
        let begun = Instant::now();
        let mut emitted_to_both = 0;
        let mut turn = 0_u32;
        while !replacing.is_finished() {
            assert!(begun.elapsed() < PATIENCE, "{:?}", rig.fleet.state(&self::key(1)));
            let both = rig.platform.stats().sockets_open > 3;
            emitted_to_both += usize::from(both);
            // In every turn in which both sockets are open, and now and then before: that is what may come twice.
            if both || turn.is_multiple_of(16) {
                // Two that look alike are two.
                rig.emit(1, emitted);
                rig.emit(1, emitted);
                emitted += 1;
            }
            turn += 1;
            while let Some(Some(delivery)) = rig.events.next().now_or_never() {
                seen.extend(number(&delivery));
                let what = lifecycle(&delivery).map_or("", Lifecycle::what);
                assert!(
                    !["gap", "lagged", "stopped", "disconnected"].contains(&what),
                    "{delivery:?}"
                );
            }
            tokio::task::yield_now().await;
        }
        replacing.await.unwrap().unwrap();
        assert!(emitted_to_both > 0, "precondition of swap {swap}: events while both were open");
        assert!(rig.fleet.state(&self::key(1)).unwrap().is_live());
    }
    while seen.len() < 2 * emitted {
        let delivery = rig.next().await;
        seen.extend(number(&delivery));
    }
    sleep(Duration::from_millis(50)).await;
    while let Ok(Some(delivery)) = timeout(Duration::from_millis(20), rig.events.next()).await {
        seen.extend(number(&delivery));
    }
    let expected: Vec<usize> = (0..emitted).flat_map(|number| [number, number]).collect();
    let missing: Vec<_> =
        (0..emitted).filter(|n| seen.iter().filter(|m| *m == n).count() != 2).collect();
    assert!(missing.is_empty(), "not twice: {missing:?}");
    assert_eq!(seen, expected, "in order");
    let removed = rig.fleet.duplicates_removed(&key(1)).unwrap();
    assert!(removed > 0, "both streams delivered for a while, so that some came twice");
    assert_eq!(rig.platform.stats().sockets_open, 3);
}

#[tokio::test]
async fn a_replacement_that_is_refused_leaves_the_old_one_and_one_that_has_ended_begins_anew() {
    let mut rig = Rig::new(2).await;
    let good = rig.platform.add_client();
    let wrong = ClientCredentials::new(good.client_id(), "hush-hush-hush");
    let refused = client(&rig.platform, wrong.clone());
    let error = rig.fleet.replace_credentials(&key(0), refused).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Auth);
    rig.emit(0, 1);
    assert_eq!(rig.take(1).await[&key(0)], [1]);

    rig.fleet.add("third", client(&rig.platform, wrong), settings(&rig.platform, 2)).unwrap();
    let delivery = rig.next().await;
    assert_eq!(&*delivery.organisation, "third");
    assert_eq!(delivery.item.unwrap_err().kind(), ErrorKind::Auth);
    assert!(matches!(rig.fleet.state("third"), Some(MemberState::Ended { kind: Some(_), .. })));
    let fresh = client(&rig.platform, good);
    rig.fleet.replace("third", fresh, settings(&rig.platform, 3)).await.unwrap();
    rig.emit(3, 7);
    assert_eq!(rig.take(1).await["third"], [7]);
    assert!(rig.fleet.state("third").unwrap().is_live());

    let nobody = client(&rig.platform, rig.platform.credentials());
    let error = rig.fleet.replace_credentials("nobody", nobody).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn a_second_replacement_waits_for_a_consumer_that_is_behind_and_loses_nothing() {
    let mut rig = Rig::new(1).await;
    rig.emit(0, 0);
    let first = client(&rig.platform, rig.platform.add_client());
    rig.fleet.replace_credentials(&key(0), first).await.unwrap();
    assert!(rig.fleet.state(&key(0)).unwrap().is_live(), "the new one counts, read or not");
    rig.emit(0, 1);
    let second = client(&rig.platform, rig.platform.add_client());
    let fleet = rig.fleet.clone();
    let replacing = tokio::spawn(async move { fleet.replace_credentials(&key(0), second).await });
    sleep(Duration::from_millis(200)).await;
    assert!(!replacing.is_finished(), "nobody has come to the first replacement yet");
    let mut seen = Vec::new();
    while !replacing.is_finished() {
        if let Ok(Some(delivery)) = timeout(Duration::from_millis(5), rig.events.next()).await {
            seen.extend(number(&delivery));
        }
    }
    replacing.await.unwrap().unwrap();
    rig.emit(0, 2);
    // Closed before anybody has come to the second one: what it has comes out all the same.
    sleep(Duration::from_millis(100)).await;
    let outcome = rig.fleet.shutdown(Duration::from_secs(10)).await;
    assert_eq!((outcome.closed, outcome.cut_off.len()), (1, 0));
    while let Some(delivery) = timeout(PATIENCE, rig.events.next()).await.unwrap() {
        seen.extend(number(&delivery));
    }
    assert_eq!(seen, [0, 1, 2]);
}
