//! A quiet day. `GENESYS_CLOUD_SOAK_DAY_CHANNELS` sets on how many channels (2).

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::time::sleep;

use super::ambient::Timeline;
use super::run::{house, number};
use super::topics::Topics;
use crate::events::{Event, Lifecycle, RenewalReason};

/// Memory of this process in KiB, where the system tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_day_needs_one_renewal_of_each_channel_and_no_more_memory() {
    let timeline = Timeline::begins();
    let channels = usize::try_from(number("GENESYS_CLOUD_SOAK_DAY_CHANNELS", 2)).unwrap();
    let (platform, client, tap) = house(1, timeline);
    let topics = Topics::new(100);
    let names: Vec<_> = (0..topics.len()).map(|at| topics.name(at).to_owned()).collect();
    let stream = client.stream().subscribe_all(names).max_channels(channels);
    let each = topics.combined().div_ceil(channels);
    let mut events = stream.topics_per_channel(each).start().await.unwrap();
    let mut what = Vec::new();
    let mut memory = Vec::new();
    for _ in 0..24 {
        sleep(Duration::from_secs(3_600)).await;
        while let Some(Some(item)) = events.next().now_or_never() {
            let Event::Lifecycle(lifecycle) = item.unwrap().event else { panic!("an event") };
            if let Lifecycle::Renewed { reason, .. } = &lifecycle {
                assert_eq!(*reason, RenewalReason::Age);
                let age = timeline.present();
                assert!(age > 19 * 3_600_000_000, "renewed after {age} µs");
            }
            what.push(lifecycle.what());
        }
        // Nobody reads what sockets did.
        drop(tap.take());
        memory.push(resident().unwrap_or(0));
    }
    let count = |name| what.iter().filter(|what| **what == name).count();
    assert_eq!((count("connected"), count("renewed")), (channels, channels), "{what:?}");
    assert_eq!((count("gap"), count("disconnected"), count("drifted")), (0, 0, 0), "{what:?}");
    assert!(what.len() < 50, "nothing is said of a quiet day: {what:?}");
    let stats = events.stats();
    let beats = stats.heartbeats / channels as u64;
    assert!((2_870..=2_890).contains(&beats), "{beats} heartbeats of a channel");
    assert_eq!(platform.stats().sockets_open, channels);
    println!("resident after each hour, KiB: {memory:?}; {stats:?}");
}
