//! Messages that are not what the socket promises: each is an item, and the connection lives.

use std::time::Duration;

use genesys_cloud::sim::{Fault, SocketKind};

use crate::five::{Item, Settings, each};
use crate::rig::Rig;

/// The kinds whose messages are not looked into: every message is a body.
fn takes_anything(kind: SocketKind) -> bool {
    matches!(kind, SocketKind::AppFoundry | SocketKind::Frames)
}

#[tokio::test]
async fn a_message_that_is_no_json_is_an_item_and_the_connection_lives() {
    each("text that is no JSON", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.fault(Fault::Malformed { count: 2 });
        let (mut odd, mut others) = (0, 0);
        rig.emit(1);
        loop {
            match events.next().await {
                Item::Malformed => odd += 1,
                Item::Other => others += 1,
                Item::Number(1) => break,
                other => panic!("{other:?}"),
            }
        }
        if takes_anything(kind) {
            // The acknowledgement of the first message may be among them.
            assert!(odd == 0 && others >= 2, "{odd} {others}");
        } else {
            assert_eq!(odd, 2);
            assert_eq!(events.stats().malformed, 2);
        }
        assert_eq!(events.stats().dials, 1);
    })
    .await;
}

#[tokio::test]
async fn a_message_of_an_unknown_kind_is_kept() {
    each("a kind of message that nobody knows", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        rig.fault(Fault::UnknownTopic { count: 3 });
        rig.emit(1);
        let (mut kept, mut unrecognized) = (0, 0);
        loop {
            match events.next().await {
                Item::Other => kept += 1,
                Item::Unrecognized => unrecognized += 1,
                Item::Number(1) => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(kept + unrecognized >= 3, "{kept} {unrecognized}");
        assert_eq!(unrecognized > 0, kind == SocketKind::Presence);
        assert_eq!(events.stats().unrecognized, unrecognized);
        assert_eq!((events.stats().malformed, events.stats().dials), (0, 1));
    })
    .await;
}

#[tokio::test]
async fn unknown_fields_and_values_and_nulls_are_no_fault() {
    each("unknown fields and values, nulls", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let mut events = rig.live(Settings::default()).await;
        for (n, fault) in [Fault::UnknownField, Fault::UnknownEnum].into_iter().enumerate() {
            rig.fault(fault);
            rig.emit(n);
        }
        for _ in 0..2 {
            // A value that nobody knows may be where the number was.
            let next = events.next().await;
            assert!(matches!(next, Item::Number(_) | Item::Other), "{next:?}");
        }
        for fault in [Fault::NullFields, Fault::MissingFields] {
            rig.fault(fault);
            rig.emit(7);
        }
        rig.eventually("all events", || events.handle.stats().events >= 4).await;
        assert_eq!((events.stats().malformed, events.stats().dials), (0, 1));
        assert_eq!(events.stats().unrecognized, 0);
    })
    .await;
}

#[tokio::test]
async fn late_and_unsolicited_pongs_are_no_fault() {
    each("late, lost and unsolicited pongs", &[], |kind| async move {
        let rig = Rig::new(kind).await;
        let timing = genesys_cloud::Timing::default().ping_after(Duration::from_millis(30));
        let mut events = rig.live(Settings { timing, ..Settings::default() }).await;
        rig.fault(Fault::UnsolicitedPong { count: 5 });
        rig.fault(Fault::LatePong { delay_ms: 100 });
        rig.delivers(&mut events, 1).await;
        let before = events.stats().pongs;
        rig.eventually("late pongs", || events.handle.stats().pongs > before).await;
        rig.fault(Fault::NoPong { for_ms: 200 });
        rig.delivers(&mut events, 2).await;
        assert_eq!((events.stats().dials, events.stats().gaps), (1, 0));
    })
    .await;
}
