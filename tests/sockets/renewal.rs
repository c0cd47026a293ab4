//! Another connection in the place of one that lives: nothing lost, nothing twice.

use std::time::Duration;

use genesys_cloud::protocols::RealtimeAnalytics;
use genesys_cloud::sim::{Fault, SocketKind};
use genesys_cloud::{Lifecycle, RenewalReason};

use crate::five::{Item, Settings, each, start};
use crate::rig::Rig;

#[tokio::test]
async fn a_renewal_at_speed_loses_nothing_and_delivers_nothing_twice() {
    const EVENTS: usize = 3_000;
    each("a planned renewal under load", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        // Long enough that both sockets are open for some events.
        let handle = events.handle.clone();
        let emit = async {
            let mut n = 0;
            while n < EVENTS || handle.stats().renewals == 0 {
                for _ in 0..10 {
                    assert!(rig.emit(n) > 0, "nobody hears");
                    n += 1;
                }
                if n == 1_000 {
                    handle.renew().await.unwrap();
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
                assert!(n < 200_000, "never renewed");
            }
            n
        };
        let read = async {
            let (mut expected, mut renewed) = (0, 0);
            while renewed == 0 || expected < EVENTS {
                match events.next().await {
                    Item::Number(n) => {
                        assert_eq!(n, expected, "in order, each once");
                        expected += 1;
                    }
                    Item::Lifecycle(Lifecycle::Renewed { reason, attempts, .. }) => {
                        assert_eq!((reason, attempts), (RenewalReason::Requested, 1));
                        renewed += 1;
                    }
                    // Each connection is acknowledged.
                    Item::Other => {}
                    other => panic!("{other:?}"),
                }
            }
            expected
        };
        let (sent, mut seen) = tokio::join!(emit, read);
        while seen < sent {
            match events.next().await {
                Item::Number(n) => {
                    assert_eq!(n, seen, "in order, each once");
                    seen += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        let stats = events.stats();
        assert_eq!((stats.renewals, stats.gaps, stats.reconnects), (1, 0, 0));
        assert_eq!(rig.dials(), 2);
        rig.eventually("the old one's end", || rig.platform.stats().sockets_open == 1).await;
    })
    .await;
}

#[tokio::test]
async fn a_successor_that_is_not_had_leaves_the_old_one_in_place() {
    each("a renewal that fails at first", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.refuse(503, None, 1);
        events.handle.renew().await.unwrap();
        for n in 0..20 {
            rig.delivers(&mut events, n).await;
        }
        let Lifecycle::Renewed { attempts, .. } = events.until("renewed").await else {
            unreachable!()
        };
        assert_eq!((attempts, events.stats().gaps), (2, 0));
    })
    .await;
}

#[tokio::test]
async fn an_old_socket_that_dies_during_its_renewal_is_a_gap_with_both_ends() {
    each("a cut during a renewal", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.delivers(&mut events, 1).await;
        rig.fault(Fault::SlowHandshake { delay_ms: 200 });
        events.handle.renew().await.unwrap();
        rig.eventually("the dial of the successor", || rig.dials() == 2).await;
        rig.fault(Fault::Reset);
        let Lifecycle::Disconnected { last_inbound, .. } = events.until("disconnected").await
        else {
            unreachable!()
        };
        let Lifecycle::Gap { covered_until, .. } = events.until("gap").await else {
            unreachable!()
        };
        assert_eq!(Some(covered_until), last_inbound);
        rig.delivers(&mut events, 2).await;
        assert_eq!((rig.dials(), events.stats().gaps), (2, 1), "its successor is the reconnect");
    })
    .await;
}

#[tokio::test]
async fn real_time_analytics_is_renewed_at_the_age_that_was_set() {
    let rig = Rig::new(SocketKind::Realtime).await;
    let protocol = RealtimeAnalytics::new("monitor-1").renew_every(Duration::from_millis(400));
    let builder = rig.client.connect(protocol);
    let mut events = start(builder, Settings::default(), |_| None).await.unwrap();
    for _ in 0..2 {
        let Lifecycle::Renewed { reason, .. } = events.until("renewed").await else {
            unreachable!()
        };
        assert_eq!(reason, RenewalReason::Age);
    }
    assert_eq!(events.stats().gaps, 0);
    assert_eq!(rig.tokens_issued(), 3, "each connection with a token of its own");
}
