//! Handlers by type, and that one which fails harms no other.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use genesys_cloud::media::{Dispatcher, PayloadType};

use crate::support::{UPDATE, binary, media, pipeline, text};

#[test]
fn a_handler_that_fails_or_panics_does_not_stop_the_others() {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = |by: usize| {
        let seen = seen.clone();
        move || {
            seen.fetch_add(by, Ordering::Relaxed);
        }
    };
    let (media_seen, any_seen, bad_seen) = (count(1), count(100), count(10_000));
    let mut dispatcher = Dispatcher::new()
        .on(PayloadType::TelephonyMedia, |_| panic!("a handler with a fault"))
        .on(PayloadType::TelephonyMedia, |_| Err("the recorder is away".into()))
        .on(PayloadType::TelephonyMedia, move |_| {
            media_seen();
            Ok(())
        })
        .on_every(move |_| {
            any_seen();
            Ok(())
        })
        .on_invalid(move |_| {
            bad_seen();
            Ok(())
        });
    let mut pipeline = pipeline();
    for position in 0..3 {
        let done = dispatcher.dispatch(&binary(&mut pipeline, &media(position * 160)));
        assert_eq!((done.handled, done.failed), (2, 2));
    }
    dispatcher.dispatch(&text(&mut pipeline, UPDATE));
    dispatcher.dispatch(&text(&mut pipeline, "{"));
    assert_eq!(seen.load(Ordering::Relaxed), 3 + 400 + 10_000);
    let stats: Vec<_> = dispatcher.stats().cloned().collect();
    assert_eq!((stats[0].panics, stats[0].errors), (3, 0));
    assert_eq!(stats[0].last_error.as_deref(), Some("a handler with a fault"));
    assert_eq!((stats[1].errors, stats[1].handled), (3, 0));
    assert_eq!(stats[1].last_error.as_deref(), Some("the recorder is away"));
    assert_eq!((&*stats[2].of, stats[2].handled), ("telephony.media", 3));
    assert_eq!((&*stats[3].of, stats[3].handled), ("every", 4));
    assert_eq!((&*stats[4].of, stats[4].handled), ("invalid", 1));
}

#[test]
fn a_frame_without_a_handler_is_counted() {
    let mut dispatcher = Dispatcher::new().on(PayloadType::Keepalive, |_| Ok(()));
    let mut pipeline = pipeline();
    dispatcher.dispatch(&text(&mut pipeline, UPDATE));
    dispatcher.dispatch(&text(&mut pipeline, r#"{"type":"keepalive"}"#));
    assert_eq!(dispatcher.unhandled(), 1);
}

#[test]
fn a_long_error_is_cut() {
    let mut dispatcher = Dispatcher::new().on_every(|_| Err("x".repeat(100_000).into()));
    dispatcher.dispatch(&text(&mut pipeline(), UPDATE));
    let stats = dispatcher.stats().next().unwrap();
    assert_eq!(stats.last_error.as_ref().unwrap().len(), 512);
}
