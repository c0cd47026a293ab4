//! Dropping `next()` at any point loses nothing.

mod support {
    pub mod scripted;
}

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::StreamExt;
use genesys_cloud::Capacity;
use support::scripted::{Scripted, hold, number, pong, presence};
use tokio::io::AsyncWriteExt;

const EVENTS: usize = 20_000;
const CANCELS: usize = 10_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_dropped_futures_lose_no_event() {
    let server = Scripted::start(|_, mut socket| async move {
        let _ = socket.write_all(&pong()).await;
        for n in 0..EVENTS {
            let bytes = presence(n);
            // Cut in two, so that frames are half read when futures are dropped.
            let (one, two) = bytes.split_at(n % bytes.len());
            if socket.write_all(one).await.is_err() || socket.write_all(two).await.is_err() {
                return;
            }
        }
        hold(socket).await;
    })
    .await;
    let mut events = server
        .client()
        .stream()
        .subscribe("v2.users.u1.presence")
        .capacity(Capacity::new(100, 1 << 20))
        .start()
        .await
        .unwrap();
    let mut random = fastrand::Rng::with_seed(7);
    let (mut expected, mut cancelled, mut while_pending) = (0, 0, 0);
    while expected < EVENTS || cancelled < CANCELS {
        let item = match random.u8(..4) {
            // Polled once and dropped.
            0 => {
                let mut next = pin!(events.next());
                match next.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(item) => Some(item),
                    Poll::Pending => {
                        while_pending += 1;
                        None
                    }
                }
            }
            // Dropped without being polled.
            1 => {
                drop(events.next());
                None
            }
            // Dropped by a race with a timer, or with a ready future.
            2 => tokio::select! {
                biased;
                () = tokio::task::yield_now() => None,
                item = events.next() => Some(item),
            },
            _ if expected == EVENTS => None,
            _ => {
                let wait = Duration::from_micros(random.u64(..200));
                tokio::time::timeout(wait, events.next()).await.ok()
            }
        };
        let Some(item) = item else {
            cancelled += 1;
            continue;
        };
        if let Some(n) = number(&item.unwrap().unwrap().event) {
            assert_eq!(n, expected, "an event was lost or came twice");
            expected += 1;
        }
    }
    assert!(cancelled >= CANCELS);
    assert!(while_pending > 0, "some were dropped while they waited");
    assert_eq!(events.stats().events, EVENTS as u64);
}
