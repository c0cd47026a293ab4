//! What soaks have found.

use std::time::Duration;

use futures::{FutureExt, StreamExt};
use tokio::time::sleep;

use super::ambient::Timeline;
use super::run::{CHANNELS, house};
use super::topics::Topics;
use crate::events::{Event, Lifecycle};
use crate::sim::{Fault, Platform};
use crate::streaming::delivery::ConnectionState;
use crate::streaming::stream::EventStream;

/// Lets so much time pass, and returns what the stream says of itself meanwhile.
async fn pass(events: &mut EventStream, seconds: u64) -> Vec<Lifecycle> {
    let mut said = Vec::new();
    for _ in 0..seconds {
        sleep(Duration::from_secs(1)).await;
        while let Some(Some(item)) = events.next().now_or_never() {
            if let Event::Lifecycle(lifecycle) = item.unwrap().event {
                said.push(lifecycle);
            }
        }
    }
    said
}

fn is_whole(platform: &Platform, events: &EventStream) -> bool {
    let live = matches!(events.state(), ConnectionState::Live { .. });
    live && platform.open_channels().len() == CHANNELS
}

#[tokio::test(start_paused = true)]
async fn channels_of_expired_tokens_do_not_take_all_the_room() {
    let (platform, client, _tap) = house(1, Timeline::begins());
    let topics = Topics::new(100);
    let names: Vec<_> = (0..topics.len()).map(|at| topics.name(at).to_owned()).collect();
    let stream = client.stream().subscribe_all(names).max_channels(CHANNELS);
    let each = topics.combined().div_ceil(CHANNELS);
    let mut events = stream.topics_per_channel(each).start().await.unwrap();
    pass(&mut events, 60).await;
    for _ in 0..4 {
        platform.fault(Fault::ExpireToken).unwrap();
        let said = pass(&mut events, 600).await;
        assert!(said.iter().any(|item| matches!(item, Lifecycle::Gap { .. })));
        assert!(is_whole(&platform, &events), "{:?}", events.state());
    }
    assert_eq!(platform.stats().evictions, 0);
}
