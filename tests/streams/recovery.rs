//! What a stream survives, against the simulator's faults.

use std::time::{Duration, SystemTime};

use genesys_cloud::sim::Fault;
use genesys_cloud::{Event, Gone, Lifecycle, Timing};

use crate::quiet::{builder, emit, next, quiet, topic, until, until_number, until_what};

#[tokio::test]
async fn a_close_that_a_network_held_up_opens_a_gap_before_it_and_not_when_it_came() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    platform.fault(Fault::Silence { for_ms: 1_500 }).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    emit(&platform, 2);
    platform.fault(Fault::IdleTimeout).unwrap();
    tokio::time::sleep(Duration::from_millis(20)).await;
    let lost_at = SystemTime::now();
    emit(&platform, 3);
    // The second event and the close frame come together.
    until_number(&mut events, 2).await;
    let Lifecycle::Disconnected { last_inbound, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(last_inbound.is_some_and(|last| last > lost_at), "the close came later");
    let Lifecycle::Gap { covered_until, resumed_at, .. } = until_what(&mut events, "gap").await
    else {
        unreachable!()
    };
    assert!(covered_until < lost_at && lost_at < resumed_at, "the third event lies inside");
}

#[tokio::test]
async fn a_silence_after_a_ping_is_no_write_that_took_too_long() {
    let platform = quiet().await;
    let timing = Timing::default()
        .ping_after(Duration::from_millis(100))
        .write(Duration::from_millis(200))
        .silence(Duration::from_millis(1_500));
    let mut events = builder(&platform).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::Silence { for_ms: 10_000 }).unwrap();
    let Lifecycle::Disconnected { cause, .. } = until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Silent { .. }), "{cause}");
}

#[tokio::test]
async fn a_cut_is_a_gap_with_both_ends_and_the_same_channel_goes_on() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    let before = SystemTime::now();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let fault_at = SystemTime::now();
    platform.fault(Fault::Reset).unwrap();
    let Lifecycle::Disconnected { cause, last_inbound, retry_in, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Cut { .. }), "{cause}");
    assert_eq!(retry_in, Some(Duration::from_millis(50)));
    let Lifecycle::Connected { new_channel, attempts, .. } =
        until_what(&mut events, "connected").await
    else {
        unreachable!()
    };
    assert_eq!((new_channel, attempts), (false, 1));
    let Lifecycle::Gap { topics, covered_until, resumed_at, duration, cause, .. } =
        until_what(&mut events, "gap").await
    else {
        unreachable!()
    };
    assert_eq!(topics[0].name(), topic(&platform));
    assert_eq!(Some(covered_until), last_inbound, "the gap opens at the last inbound byte");
    assert!(covered_until <= before, "not at the moment somebody noticed");
    assert!(resumed_at > fault_at);
    let wall = resumed_at.duration_since(covered_until).unwrap();
    assert!(wall.abs_diff(duration) < Duration::from_millis(20), "{wall:?} {duration:?}");
    assert!(matches!(cause, Gone::Cut { .. }));
    until_what(&mut events, "resubscribed").await;
    emit(&platform, 2);
    until_number(&mut events, 2).await;
    let stats = events.stats();
    assert_eq!((stats.reconnects, stats.gaps, stats.dials), (1, 1, 2));
    assert_eq!(platform.stats().channels, 1);
}

#[tokio::test]
async fn an_evicted_channel_is_replaced_by_a_new_one() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::EvictChannel).unwrap();
    let Lifecycle::Connected { new_channel, .. } = until_what(&mut events, "connected").await
    else {
        unreachable!()
    };
    assert!(new_channel);
    until_what(&mut events, "gap").await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
}

#[tokio::test]
async fn a_token_that_ends_leads_to_a_fresh_token_and_a_new_channel() {
    for fault in [Fault::RevokeToken, Fault::ExpireToken] {
        let platform = quiet().await;
        let mut events = builder(&platform).start().await.unwrap();
        until_what(&mut events, "subscribed").await;
        platform.fault(fault).unwrap();
        until_what(&mut events, "gap").await;
        emit(&platform, 1);
        until_number(&mut events, 1).await;
        assert_eq!(platform.stats().tokens_issued, 2);
    }
}

#[tokio::test]
async fn every_close_code_of_the_platform_is_survived() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    for (n, code) in [1000, 1001, 1008, 1011, 1012, 4003].into_iter().enumerate() {
        platform.fault(Fault::Close { code, reason: "why".into() }).unwrap();
        let Lifecycle::Disconnected { cause, .. } = until_what(&mut events, "disconnected").await
        else {
            unreachable!()
        };
        assert!(matches!(&cause, Gone::Closed { code: c, .. } if c.get() == code), "{cause}");
        until_what(&mut events, "gap").await;
        emit(&platform, n);
        until_number(&mut events, n).await;
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_given_up_at_the_handshake_deadline() {
    let platform = quiet().await;
    let timing = Timing::default().handshake(Duration::from_millis(300));
    let mut events = builder(&platform).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::SlowHandshake { delay_ms: 5_000 }).unwrap();
    platform.fault(Fault::Reset).unwrap();
    let cause = until(&mut events, |event| match event {
        Event::Lifecycle(Lifecycle::Disconnected { cause: Gone::HandshakeTimeout, .. }) => Some(()),
        _ => None,
    });
    cause.await;
    platform.fault(Fault::SlowHandshake { delay_ms: 0 }).unwrap();
    until_what(&mut events, "gap").await;
}

#[tokio::test]
async fn a_socket_that_goes_silent_is_dead_although_pings_are_written() {
    let platform = quiet().await;
    let timing = Timing::default()
        .silence(Duration::from_millis(400))
        .ping_after(Duration::from_millis(100));
    let mut events = builder(&platform).timing(timing).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::Silence { for_ms: 60_000 }).unwrap();
    let Lifecycle::Disconnected { cause, last_inbound, .. } =
        until_what(&mut events, "disconnected").await
    else {
        unreachable!()
    };
    assert!(matches!(cause, Gone::Silent { quiet } if quiet >= timing.silence), "{cause}");
    let age = SystemTime::now().duration_since(last_inbound.unwrap()).unwrap();
    assert!(age >= timing.silence, "the gap opens at the last byte, not at the verdict");
}

#[tokio::test]
async fn bytes_that_trickle_in_are_a_sign_of_life() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::Trickle).unwrap();
    for n in 0..5 {
        emit(&platform, n);
        until_number(&mut events, n).await;
    }
    assert_eq!(events.stats().dials, 1);
}

#[tokio::test]
async fn a_platform_that_is_away_at_the_start_is_waited_for() {
    let platform = quiet().await;
    platform.fault(Fault::RefuseConnect { for_ms: 1_500 }).unwrap();
    let mut events = builder(&platform).start().await.unwrap();
    let first = next(&mut events).await.event;
    let Event::Lifecycle(Lifecycle::Disconnected { last_inbound: None, cause, .. }) = first else {
        panic!("{first:?}");
    };
    assert!(matches!(cause, Gone::Cut { .. } | Gone::Unreachable { .. }), "{cause}");
    until_what(&mut events, "subscribed").await;
}

#[tokio::test]
async fn the_socket_closing_notice_is_an_event_and_another_channel_takes_over() {
    let platform = quiet().await;
    let mut events = builder(&platform).overlap(Duration::from_millis(50)).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    platform.fault(Fault::SocketClosing { after_ms: Some(20_000) }).unwrap();
    until(&mut events, |event| matches!(event, Event::System(_)).then_some(())).await;
    emit(&platform, 1);
    until_number(&mut events, 1).await;
    until_what(&mut events, "renewed").await;
    emit(&platform, 2);
    until_number(&mut events, 2).await;
    assert_eq!(events.stats().gaps, 0);
}

#[tokio::test]
async fn a_close_that_comes_before_there_is_another_channel_is_an_exact_gap() {
    let platform = quiet().await;
    let mut events = builder(&platform).start().await.unwrap();
    until_what(&mut events, "subscribed").await;
    let path = "/api/v2/notifications/channels".to_owned();
    let fault = Fault::Http { path, status: 503, retry_after: None, count: 4, html: true };
    platform.fault(fault).unwrap();
    platform.fault(Fault::SocketClosing { after_ms: Some(200) }).unwrap();
    until(&mut events, |event| matches!(event, Event::System(_)).then_some(())).await;
    until_what(&mut events, "gap").await;
    emit(&platform, 2);
    until_number(&mut events, 2).await;
}
