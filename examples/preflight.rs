//! Whether an organisation has all that an `AppFoundry` product needs: one report, with what is missing and who gives it.
//!
//! ```text
//! cargo run --example preflight
//! cargo run --example preflight -- --permission routing:queue:view --topic 'v2.users.{id}.presence' --json
//! ```
//!
//! Against the simulator that it starts without any environment, a permission is denied and the integration is switched
//! off at first; then both are put right, and it looks again. `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and
//! `GENESYS_REGION`, or `GENESYS_BASE_URL` instead of the region, lead elsewhere. It fails when the last report is not
//! ready.

mod common;

use std::process::ExitCode;

use clap::Parser;
use futures::TryStreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{Client, Preflight, Requirements};
use serde_json::json;

use common::{Connection, Failure, Output, connect_with};

/// The permission that the simulator denies at first.
const DENIED: &str = "routing:queue:view";

/// Find out whether an organisation has all that a product needs
#[derive(Parser)]
#[command(after_help = common::ENVIRONMENT)]
struct Arguments {
    /// A scope that is needed; may be given several times
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// A permission that is needed; may be given several times
    #[arg(long = "permission", value_name = "PERMISSION", default_values = [DENIED, "analytics:queueObservation:view"])]
    permissions: Vec<String>,
    /// A topic or its template that is needed; may be given several times
    #[arg(
        long = "topic",
        value_name = "TOPIC",
        default_value = "v2.analytics.queues.{id}.observations"
    )]
    topics: Vec<String>,
    /// Type of the integration that has to be active
    #[arg(long, value_name = "TYPE", default_value = "premium-app-example")]
    integration: String,
    /// Notification channels that are needed
    #[arg(long, default_value_t = 2)]
    channels: usize,
    /// Requests a minute that are needed
    #[arg(long, default_value_t = 120)]
    requests: u32,
    /// Write one JSON object to a line, and nothing else
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    common::exit(run(Arguments::parse()).await)
}

async fn run(arguments: Arguments) -> Result<(), Failure> {
    let needs = needs(&arguments)?;
    let Connection { client, place } =
        connect_with(|simulator| simulator.deny_permission(DENIED), |client| client).await?;
    let output = Output::new(arguments.json);
    let product = client.app_foundry();
    if place.simulator().is_some() {
        switch(&client, &arguments.integration, false).await?;
    }
    let mut report = product.preflight(&needs).await;
    show(&output, &report)?;
    if let Some(simulator) = place.simulator() {
        put_right(simulator, &client, &arguments.integration).await?;
        let text = format!("{DENIED} is given, the integration is switched on");
        output.tell("repair", text, json!({ "permission": DENIED }))?;
        report = product.preflight(&needs).await;
        show(&output, &report)?;
    }
    place.shutdown().await;
    if report.is_ready() { Ok(()) } else { Err("the organisation is not ready".into()) }
}

fn needs(arguments: &Arguments) -> genesys_cloud::Result<Requirements> {
    let mut needs = Requirements::new()
        .integration_type(arguments.integration.as_str())
        .channels(arguments.channels)
        .requests_per_minute(arguments.requests);
    for scope in &arguments.scopes {
        needs = needs.scope(scope.as_str());
    }
    for permission in &arguments.permissions {
        needs = needs.permission(permission.as_str());
    }
    for topic in &arguments.topics {
        needs = needs.topic_template(topic)?;
    }
    Ok(needs)
}

fn show(output: &Output, report: &Preflight) -> std::io::Result<()> {
    output.result("preflight", format_args!("{report}\n"), report)
}

async fn put_right(simulator: &Platform, client: &Client, of_type: &str) -> Result<(), Failure> {
    simulator.allow_permission(DENIED);
    switch(client, of_type, true).await
}

/// Switches the integrations of a type on or off.
async fn switch(client: &Client, of_type: &str, on: bool) -> Result<(), Failure> {
    let integrations = client.integrations();
    let installed: Vec<_> = integrations.list().of_type(of_type).items().try_collect().await?;
    for id in installed.into_iter().filter_map(|integration| integration.id) {
        if on {
            integrations.enable(&id).await?
        } else {
            integrations.disable(&id).await?
        };
    }
    Ok(())
}
