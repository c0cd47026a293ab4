//! Settings of a stream that takes over from another process.

use super::builder::{Settings, StreamBuilder};
use super::checkpoint::Checkpoint;
use super::driver::{Parts, Shared};
use super::protocol::StreamEvent;
use super::stream::{HandOver, Origins};
use crate::error::{Error, Result};

impl<E: StreamEvent> StreamBuilder<E> {
    /// Starts, and waits to take over from a process that still runs: a deploy without a loss.
    ///
    /// The stream connects, on channels of its own, and is not read. What comes waits in its queue, and when that is full,
    /// in the network: with the default [`Capacity`](crate::Capacity) 8,192 events or 16 MiB here, and some hundred KiB there.
    /// Then the platform cannot send any more, and may end the connection, which is a gap: at 100 events a second that is
    /// after more than a minute. With [`Overflow::Disconnect`](crate::Overflow::Disconnect) or
    /// [`DropOldest`](crate::Overflow::DropOldest) it is a loss that is told at once.
    ///
    /// 1. The new process starts the stream and waits until it is [`ready`](crate::EventStream::ready).
    /// 2. The old one [closes](crate::StreamHandle::close) its stream, reads on to `None`, and takes the
    ///    [`checkpoint`](crate::EventStream::checkpoint).
    /// 3. The new one [resumes](crate::EventStream::resume) with it, and reads.
    ///
    /// So that many deploys in a row use no more than twice the channels of one stream, give the new stream those that the old one leaves to it:
    /// [`own_channels`](Self::own_channels) with [`Checkpoint::spare_channels`] of an earlier checkpoint. A stream that is
    /// read without being resumed is one like all others; one that is dropped before unsubscribes its channels, which then
    /// are the first that the platform gives away.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client, user: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::StreamExt;
    /// use genesys_cloud::{Checkpoint, topics};
    ///
    /// // What the process that runs has written at its beginning.
    /// let early = Checkpoint::from_json(&std::fs::read_to_string("stream.json")?)?;
    /// let mut events = client
    ///     .stream()
    ///     .subscribe(topics::users::presence(user))
    ///     .standby()
    ///     .own_channels(early.spare_channels())
    ///     .start()
    ///     .await?;
    /// events.ready().await?;
    /// // The old process is told to end, and has written its last checkpoint.
    /// let last = Checkpoint::from_json(&std::fs::read_to_string("stream.json")?)?;
    /// events.resume(last).await?;
    /// while let Some(item) = events.next().await {
    ///     println!("{:?}", item?.event);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn standby(mut self) -> Self {
        self.settings.stands_by = true;
        self
    }

    /// Goes on from a process that has ended, or was killed: subscribes its topics beside those that are given, and uses its
    /// channels again before others are made.
    ///
    /// What was missed is told as a [`Lifecycle::Gap`](crate::Lifecycle::Gap) of exact ends with the cause
    /// [`Gone::Restarted`](crate::Gone::Restarted), and fetched by [`backfill`](Self::backfill). For topics that are not
    /// wanted any more see [`Checkpoint::retain_topics`]. Channels that are gone, after 24 h, or because the checkpoint is of
    /// another organization or region, are passed over, and others are made.
    ///
    /// For a process that still runs see [`standby`](Self::standby): two processes cannot use a channel at the same time.
    pub fn resume(mut self, checkpoint: Checkpoint) -> Self {
        let covers = self.parts.protocol.covers();
        let wanted = checkpoint.wanted.iter().filter(|topic| !covers.contains(topic));
        self.settings.topics.extend(wanted.cloned());
        self.settings.resumes = Some(Box::new(checkpoint));
        self
    }
}

/// What a stream of these settings begins with.
pub(super) fn origins<E: StreamEvent>(
    parts: &Parts<E>,
    settings: &mut Settings,
) -> Result<Origins> {
    let clock = parts.connector.clock.clone();
    let now = clock.wall();
    let shared = Shared::default();
    if settings.stands_by && settings.resumes.is_some() {
        return Err(Error::config(
            "standby() and resume() exclude each other: start with standby(), and give the checkpoint to \
             EventStream::resume() when the other process has ended",
        ));
    }
    if let Some(checkpoint) = &settings.resumes {
        let mut channels = checkpoint.living_channels(now);
        // An address elsewhere would end the stream.
        let leads_here = |uri: &str| parts.endpoints.check_connect_uri(uri).is_ok();
        channels.retain(|channel| leads_here(channel.connect_uri.expose()));
        settings.channels.own.extend(channels);
    }
    let hand_over = match &settings.resumes {
        Some(checkpoint) => Some(HandOver::after(checkpoint, now)),
        None => settings.stands_by.then(|| HandOver::since(now)),
    };
    if hand_over.is_some() {
        shared.overlap.keep();
    }
    shared.stands_by.store(settings.stands_by, std::sync::atomic::Ordering::Relaxed);
    Ok(Origins { shared, clock, hand_over: hand_over.map(Box::new) })
}
