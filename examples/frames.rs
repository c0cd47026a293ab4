//! Frames of interactions, text and binary, through a pipeline: a line a second, and the handlers' account at the end.
//!
//! ```text
//! cargo run --example frames -- --for 10s
//! cargo run --example frames -- --json | jq .window.parse_us
//! ```
//!
//! A type of its own is registered, `agent.score`, whose scores must not be negative. The handler of audio fails at every
//! tenth frame, and harms no other. Against the simulator that it starts without any environment there are scores, some
//! of them bad, and after four seconds a burst of frames that is too heavy for the circuit breaker; the connection is cut
//! after eight. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION`, or `GENESYS_BASE_URL` instead of the
//! region, lead elsewhere.

mod common;

use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use futures::StreamExt;
use genesys_cloud::media::{
    Dispatcher, FrameItem, FrameType, FrameView, JsonType, PayloadType, Pipeline, Schema,
    SizeBreaker,
};
use genesys_cloud::protocols::InteractionFrames;
use serde_json::json;
use tokio::time::{Instant, interval_at};

use common::{
    Connection, Failure, Output, Running, close_at, connect_with, cut, demo, end, scores, unless,
    words,
};

const SECOND: Duration = Duration::from_secs(1);

/// Read frames of interactions
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    #[command(flatten)]
    running: Running,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let mut end = end(arguments.running.lasts)?;
    let Connection { client, place } = connect_with(
        |simulator| simulator.heartbeat(SECOND).events_per_second(80.0),
        |client| client,
    )
    .await?;
    let score = FrameType::json("agent.score")
        .schema(Schema::new().required("value", JsonType::Number))
        .validate(|frame: &FrameView<'_>| match frame.member("value") {
            Some(text) if text.starts_with('-') => Err("a score is not negative".into()),
            _ => Ok(()),
        });
    let mut pipeline = Pipeline::builder().register(score);
    if place.simulator().is_some() {
        pipeline = pipeline.breaker(SizeBreaker::new(4 << 10, SECOND * 3));
    }
    let mut audio = 0_u64;
    let mut dispatcher = Dispatcher::new()
        .on(PayloadType::TelephonyMedia, move |_| {
            audio += 1;
            if audio.is_multiple_of(10) { Err("the recorder is away".into()) } else { Ok(()) }
        })
        .on(PayloadType::named("agent.score"), |_| Ok(()))
        .on_invalid(|_| Ok(()));
    let stream = client.connect(InteractionFrames::new()).reconnect(place.reconnect());
    let Some(stream) = unless(&mut end, stream.start()).await? else { return Ok(()) };
    close_at(end, stream.handle());
    let output = Output::new(arguments.running.json);
    let mut frames = pipeline.build()?.frames(stream);
    let mut mishaps = pin!(demo(&place, &output, cut(SECOND * 8)));
    let mut fed = pin!(scores(&place));
    let (mut seconds, mut before) =
        (interval_at(Instant::now() + SECOND, SECOND), frames.metrics());
    loop {
        tokio::select! {
            item = frames.next() => match item {
                Some(FrameItem::Frame(frame)) => drop(dispatcher.dispatch_frame(&frame)),
                Some(FrameItem::Invalid(error)) => drop(dispatcher.dispatch_invalid(&error)),
                Some(FrameItem::Other(own)) => output.item(&own?)?,
                Some(_) => {}
                None => break,
            },
            _ = seconds.tick() => {
                let now = frames.metrics();
                output.tell("frames", words::frames(&now, &before), &now)?;
                before = now;
            }
            failed = &mut mishaps => match failed? {},
            never = &mut fed => match never {},
        }
    }
    let (metrics, handlers) = (frames.metrics(), dispatcher.stats().collect::<Vec<_>>());
    let body =
        json!({ "metrics": metrics, "handlers": handlers, "unhandled": dispatcher.unhandled() });
    output.result("summary", words::handlers(&metrics, &handlers), body)?;
    Ok(())
}
