//! One of the processes: what it is told comes in lines, and what it has goes out in lines.

use std::io::{self, Write as _};

use futures::StreamExt;
use genesys_cloud::sim::Platform;
use genesys_cloud::{Checkpoint, Client, ClientCredentials, Endpoints, Event, Lifecycle};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, BufReader, stdin};

use super::common::Failure;

/// The first line that a process is told.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Setting {
    api: String,
    client_id: String,
    client_secret: String,
    topics: Vec<String>,
    /// Of the process that it is to take over from.
    early: Option<Checkpoint>,
}

impl Setting {
    /// Of the first process.
    pub(crate) fn new(platform: &Platform, topics: Vec<String>) -> Self {
        let credentials = platform.credentials();
        Self {
            api: platform.base_url().to_owned(),
            client_id: credentials.client_id().to_owned(),
            client_secret: credentials.client_secret().expose().to_owned(),
            topics,
            early: None,
        }
    }

    /// Of a process that is to take over from one that runs.
    pub(crate) fn standing_by(&self, early: Checkpoint) -> Self {
        Self { early: Some(early), ..self.clone() }
    }
}

/// Says something in one line: a word, and what belongs to it.
fn say(word: &str, rest: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{word} {rest}")?;
    out.flush()
}

/// Runs until it is told to stop, or nobody is there any more to tell it.
pub(crate) async fn run() -> Result<(), Failure> {
    let mut orders = BufReader::new(stdin()).lines();
    let first = orders.next_line().await?.ok_or("no settings came")?;
    let setting: Setting = serde_json::from_str(&first)?;
    let credentials = ClientCredentials::new(setting.client_id, setting.client_secret);
    let client = Client::builder(Endpoints::single(&setting.api)?).credentials(credentials);
    let stream = client.build()?.stream().subscribe_all(&setting.topics);
    let mut stream = match &setting.early {
        Some(early) => stream.standby().own_channels(early.spare_channels()).start().await?,
        None => stream.start().await?,
    };
    stream.ready().await?;
    if setting.early.is_some() {
        say("ready", "")?;
        let Some(last) = orders.next_line().await? else { return Ok(()) };
        stream.resume(Checkpoint::from_json(&last)?).await?;
    } else {
        // From here on deliveries are remembered.
        stream.checkpoint().await?;
        say("ready", "")?;
    }
    let handle = stream.handle();
    let mut stops = false;
    loop {
        tokio::select! {
            order = orders.next_line(), if !stops => {
                if order?.as_deref() == Some("early") {
                    say("early", &stream.checkpoint().await?.to_json()?)?;
                } else {
                    stops = true;
                    let handle = handle.clone();
                    tokio::spawn(async move { handle.close().await });
                }
            }
            item = stream.next() => {
                let Some(item) = item else { break };
                let delivery = item?;
                match &delivery.event {
                    Event::UsersPresence(presence) => {
                        let name = delivery.topic.name();
                        let topic = setting.topics.iter().position(|topic| topic == name);
                        if let (Some(topic), Some(number)) = (topic, presence.message.as_deref()) {
                            say("event", &format!("{topic} {number}"))?;
                        }
                    }
                    Event::Lifecycle(item @ Lifecycle::Gap { .. }) => {
                        say("gap", &serde_json::to_string(item)?)?;
                    }
                    _ => {}
                }
            }
        }
    }
    say("left_out", &handle.stats().duplicates_removed.to_string())?;
    say("last", &stream.checkpoint().await?.to_json()?)?;
    Ok(())
}
