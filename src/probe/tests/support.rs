//! A stream that does what a script says.

use std::time::{Duration, SystemTime};

use futures::stream::{self, Stream};

use crate::core::close::Gone;
use crate::error::Result;
use crate::events::Lifecycle;
use crate::probe::{Probed, Seen};
use crate::streaming::delivery::Delivery;
use crate::streaming::typed::Typed;

pub(super) const MS: fn(u64) -> Duration = Duration::from_millis;

/// A body of the script.
#[derive(Debug)]
pub(super) enum Said {
    Json(&'static str),
    NotJson,
    Audio(u64),
}

impl Probed for Said {
    fn seen(&self) -> Seen<'_> {
        match self {
            Self::Json(kind) => Seen::Message { kind },
            Self::NotJson => Seen::NotJson,
            Self::Audio(position) => {
                Seen::Media { position: *position, sample_rate: 8_000, bytes: 176 }
            }
        }
    }
}

pub(super) type Item = Typed<Said>;

pub(super) fn say(body: Said) -> Item {
    Typed::Body(Box::new(body))
}

pub(super) fn connected() -> Item {
    Lifecycle::Connected { channel: None, new_channel: false, attempts: 1 }.into()
}

pub(super) fn gone(cause: Gone, was_live: Duration) -> Item {
    Lifecycle::Disconnected {
        channel: None,
        cause,
        last_inbound: None,
        was_live,
        retry_in: Some(MS(10)),
    }
    .into()
}

pub(super) fn gap(cause: Gone, duration: Duration) -> Item {
    let now = SystemTime::now();
    let topics = std::sync::Arc::from([]);
    let (covered_until, resumed_at) = (now, now + duration);
    let gap = crate::GapId::new(1);
    Lifecycle::Gap { gap, topics, covered_until, resumed_at, duration, cause }.into()
}

/// Yields each item after its wait; then nothing more happens.
pub(super) fn script(items: Vec<(u64, Item)>) -> impl Stream<Item = Result<Delivery<Item>>> {
    let (wall, began) = (SystemTime::now(), tokio::time::Instant::now());
    let items = stream::unfold(items.into_iter(), move |mut items| async move {
        let (wait, item) = items.next()?;
        tokio::time::sleep(MS(wait)).await;
        let mut delivery = Delivery::own(Lifecycle::Lagged { dropped: 0 }, wall + began.elapsed());
        delivery.event = item;
        Some((Ok(delivery), items))
    });
    futures::StreamExt::chain(items, stream::pending())
}
