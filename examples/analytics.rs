//! What happened: details of conversations, figures of queues, a job, and which conversations faults ended.
//!
//! ```text
//! cargo run --example analytics
//! cargo run --example analytics -- --hours 2 --json
//! ```
//!
//! The listing of conversations is dropped in the middle of a page and gone on with from its position, which could be
//! written down and read by another process. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION` or
//! `GENESYS_BASE_URL` lead elsewhere than to a simulator.

mod common;

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Parser;
use futures::TryStreamExt;
use genesys_cloud::Position;
use genesys_cloud::analytics::{
    AggregateDimension, AnalyticsApi, Clause, ConversationMetric, ConversationOrderBy, EndCount,
    Interval, Polling, Predicate, QueryOrder, QueueDimension, QueueMetric, SegmentDimension,
};
use serde_json::json;

use common::{Connection, Failure, Output, connect_with};

/// Conversations that are read before the listing is dropped: one page and a half.
const BEFORE: usize = 150;
/// Conversations that are read at most.
const MOST: usize = 1_000;

/// Ask what happened in conversations and queues
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    /// How far back to look
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=168))]
    hours: u32,
    /// Write one JSON object to a line, and nothing else
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let Connection { client, place } =
        connect_with(|simulator| simulator.conversations(2_000), |client| client).await?;
    let mut queues = common::queues(&client, &place).await?;
    // What fits into one filter without a second thought.
    queues.truncate(20);
    let output = Output::new(arguments.json);
    let analytics = client.analytics();
    // Analytics learn of a conversation some seconds to minutes after it began.
    let end = SystemTime::now() - Duration::from_secs(60);
    let interval = Interval::new(end - Duration::from_secs(3_600) * arguments.hours, end)?;
    details(&analytics, interval, &output).await?;
    if queues.is_empty() {
        output.tell("queues", "there are none", json!({ "queues": 0 }))?;
    } else {
        by_queue(&analytics, interval, &queues, &output).await?;
        right_now(&analytics, &queues, &output).await?;
    }
    job(&analytics, interval, &output).await?;
    disconnects(&analytics, interval, &output).await?;
    place.shutdown().await;
    Ok(())
}

/// Voice conversations, page by page, in two parts.
async fn details(
    analytics: &AnalyticsApi,
    interval: Interval,
    output: &Output,
) -> Result<(), Failure> {
    let query = analytics
        .conversation_details(interval)
        .filter(Predicate::matches(SegmentDimension::MediaType, "voice"))
        .order_by(ConversationOrderBy::ConversationStart, QueryOrder::Asc);
    let mut ids = BTreeSet::new();
    let mut twice = 0;
    let mut items = query.items();
    while ids.len() < BEFORE
        && let Some(one) = items.try_next().await?
    {
        twice += usize::from(!ids.insert(one.conversation_id));
    }
    let saved = serde_json::to_string(&items.position())?;
    let text = format!("listing dropped after {} conversations, at {saved}", ids.len());
    let body = json!({ "conversations": ids.len(), "position": items.position() });
    output.tell("dropped", text, body)?;
    drop(items);
    let position: Position = serde_json::from_str(&saved)?;
    let mut pages = query.pages().resume(position)?;
    while ids.len() < MOST
        && let Some(page) = pages.try_next().await?
    {
        let text = match page.total {
            Some(total) => format!("{} of {total} conversations", page.items.len()),
            None => format!("{} conversations", page.items.len()),
        };
        let body = json!({ "items": page.items.len(), "total": page.total });
        output.tell("page", text, body)?;
        for one in page.items {
            twice += usize::from(!ids.insert(one.conversation_id));
        }
    }
    let text = format!("{} voice conversations read, {twice} of them twice", ids.len());
    output.tell("details", text, json!({ "conversations": ids.len(), "twice": twice }))?;
    Ok(())
}

/// What was offered to each queue, and how fast it was answered.
async fn by_queue(
    analytics: &AnalyticsApi,
    interval: Interval,
    queues: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let answer = analytics
        .conversation_aggregates(interval)
        .metrics([ConversationMetric::NOffered, ConversationMetric::TAnswered])
        .group_by([AggregateDimension::QueueId])
        .filter(Clause::one_of(AggregateDimension::QueueId, queues.iter().map(String::as_str))?)
        .fetch()
        .await?;
    for row in &answer.rows {
        let queue = row.of("queueId").unwrap_or("no queue");
        let count = row.stats.count.unwrap_or_default();
        let mean = row.mean().map(|mean| format!(", {:.1} s on average", mean / 1_000.0));
        let text = format!("{queue}  {}: {count}{}", row.metric, mean.unwrap_or_default());
        output.tell("aggregate", text, row)?;
    }
    Ok(())
}

/// Who waits, and who is there.
async fn right_now(
    analytics: &AnalyticsApi,
    queues: &[String],
    output: &Output,
) -> Result<(), Failure> {
    let answer = analytics
        .queue_observations(Clause::one_of(
            QueueDimension::QueueId,
            queues.iter().map(String::as_str),
        )?)
        .metrics([QueueMetric::OWaiting, QueueMetric::OInteracting, QueueMetric::OOnQueueUsers])
        .fetch()
        .await?;
    for row in &answer.rows {
        let queue = row.of("queueId").unwrap_or("no queue");
        let of = row.of("mediaType").or(row.qualifier.as_deref()).unwrap_or("all");
        let count = row.stats.count.unwrap_or_default();
        output.tell("observation", format!("{queue}  {} {of}: {count}", row.metric), row)?;
    }
    Ok(())
}

/// The same conversations by a job: for more than can be paged through.
async fn job(analytics: &AnalyticsApi, interval: Interval, output: &Output) -> Result<(), Failure> {
    let request = analytics.conversation_details(interval).job();
    let job = request.limit(500).started_in_interval().start().await?;
    output.tell("job", format!("{} started", job.id()), json!({ "id": job.id() }))?;
    let status = job.wait(Polling::default()).await?;
    output.tell("job", format!("{}", status.state), json!({ "state": status.state }))?;
    let mut results = 0_usize;
    let mut pages = job.results();
    while let Some(page) = pages.try_next().await? {
        results += page.items.len();
    }
    output.tell("job", format!("{results} results"), json!({ "results": results }))?;
    job.cancel().await?;
    Ok(())
}

/// What a fault ended.
async fn disconnects(
    analytics: &AnalyticsApi,
    interval: Interval,
    output: &Output,
) -> Result<(), Failure> {
    let report = analytics.disconnect_report(interval).fetch().await?;
    let list = |counts: &[EndCount]| -> String {
        let name = |one: &EndCount| one.name.as_deref().unwrap_or("none").to_owned();
        let first = counts.iter().take(5).map(|one| format!("{} {}", name(one), one.ends));
        first.collect::<Vec<_>>().join(", ")
    };
    let mut text = format!(
        "{} legs of {} conversations were ended by a fault{}",
        report.ends.len(),
        report.conversations,
        if report.truncated { ", and there are more" } else { "" },
    );
    for (what, counts) in [
        ("kind", &report.by_kind),
        ("error code", &report.by_error_code),
        ("queue", &report.by_queue),
        ("user", &report.by_user),
        ("edge", &report.by_edge),
    ] {
        text = format!("{text}\n  by {what}: {}", list(counts));
    }
    output.result("disconnects", text, &report)?;
    Ok(())
}
