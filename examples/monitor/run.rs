//! From the start to the summary.

use std::pin::pin;

use futures::StreamExt;
use genesys_cloud::{Client, EventStream, Topic};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use crate::arguments::Arguments;
use crate::common::{Connection, Failure, Place, connect, end};
use crate::demo::Demo;
use crate::directory::everything;
use crate::output::Output;
use crate::watch::Watch;

/// Watches until the time is over, the user has had enough, or the stream ends.
pub(crate) async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut end = pin!(end(arguments.running.lasts)?);
    let Connection { client, place } = connect().await?;
    let topics = wanted(&arguments.topics, &client, &place).await?;
    let mut watch = Watch::new(place.to_string(), &topics);
    let started = tokio::select! {
        started = start(&client, &topics, &place) => Some(started?),
        () = &mut end => None,
    };
    let mut output = Output::open(arguments.running.json, &watch)?;
    let Some(mut stream) = started else {
        let summary = watch.tally.summary(genesys_cloud::StreamStats::default());
        return Ok(output.finish(&summary, &watch)?);
    };
    let outcome = follow(&mut stream, &mut watch, &mut output, end, &place).await;
    let summary = watch.tally.summary(stream.stats());
    // The terminal is given back before anything is reported.
    let finished = output.finish(&summary, &watch);
    place.shutdown().await;
    outcome?;
    Ok(finished?)
}

async fn follow(
    stream: &mut EventStream,
    watch: &mut Watch,
    output: &mut Output,
    mut end: impl Future<Output = ()> + Unpin,
    place: &Place,
) -> Result<(), Failure> {
    let mut demo = Demo::new(place);
    let period = output.period();
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            item = stream.next() => match item {
                Some(item) => {
                    let delivery = item?;
                    watch.take(&delivery);
                    output.item(&delivery, watch)?;
                }
                None => return Ok(()),
            },
            _ = ticks.tick() => {
                watch.state = stream.state();
                watch.reconnects = stream.stats().reconnects;
                watch.pace.roll(std::time::Instant::now());
                output.tick(watch)?;
            }
            () = demo.due() => Demo::cut(place)?,
            () = output.quit() => break,
            () = &mut end => break,
        }
    }
    // Closing waits for the peer's answer, and what comes in until then has to be taken meanwhile.
    let handle = stream.handle();
    let drain = async {
        while let Some(item) = stream.next().await {
            let delivery = item?;
            watch.take(&delivery);
            output.item(&delivery, watch)?;
        }
        Ok(())
    };
    let ((), drained) = tokio::join!(handle.close(), drain);
    drained
}

async fn start(client: &Client, topics: &[Topic], place: &Place) -> Result<EventStream, Failure> {
    let stream = client.stream().subscribe_all(topics.iter().cloned()).reconnect(place.reconnect());
    Ok(stream.start().await?)
}

/// The topics that were asked for, or those of all users and queues.
async fn wanted(asked: &[String], client: &Client, place: &Place) -> Result<Vec<Topic>, Failure> {
    if asked.is_empty() {
        return Ok(everything(client, place).await?);
    }
    let topics: genesys_cloud::Result<Vec<Topic>> = asked.iter().map(|text| text.parse()).collect();
    Ok(topics?)
}
