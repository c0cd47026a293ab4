//! A process that is started, told what to do, and listened to.

use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use genesys_cloud::Checkpoint;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::account::Truth;
use super::common::Failure;
use super::part::Setting;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process with a stream. It ends when this is dropped.
pub(crate) struct Process {
    pub(crate) number: u32,
    child: Child,
    orders: ChildStdin,
    /// What it says that is no event: a word, and what belongs to it.
    says: mpsc::Receiver<(String, String)>,
}

impl Process {
    /// Starts one, and waits until all topics flow.
    pub(crate) async fn start(
        number: u32,
        setting: &Setting,
        truth: &Arc<Mutex<Truth>>,
    ) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--part")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let orders = child.stdin.take().ok_or("no way in")?;
        let out = child.stdout.take().ok_or("no way out")?;
        let (saying, says) = mpsc::channel(16);
        tokio::spawn(listen(number, out, truth.clone(), saying));
        let mut process = Self { number, child, orders, says };
        process.tell(&serde_json::to_string(setting)?).await?;
        process.hear("ready").await?;
        Ok(process)
    }

    async fn tell(&mut self, order: &str) -> Result<(), Failure> {
        self.orders.write_all(order.as_bytes()).await?;
        self.orders.write_all(b"\n").await?;
        Ok(self.orders.flush().await?)
    }

    /// Waits for what it says after a word.
    async fn hear(&mut self, expected: &str) -> Result<String, Failure> {
        let number = self.number;
        let heard = async {
            while let Some((word, rest)) = self.says.recv().await {
                if word == expected {
                    return Ok(rest);
                }
            }
            Err(format!("process {number} ended before it said {expected:?}"))
        };
        let heard = timeout(PATIENCE, heard).await;
        Ok(heard.map_err(|_| format!("process {number} did not say {expected:?} in time"))??)
    }

    /// A checkpoint while it runs.
    pub(crate) async fn early(&mut self) -> Result<Checkpoint, Failure> {
        self.tell("early").await?;
        Ok(Checkpoint::from_json(&self.hear("early").await?)?)
    }

    /// Has it take over with the last checkpoint of another.
    pub(crate) async fn resume(&mut self, last: &str) -> Result<(), Failure> {
        self.tell(last).await
    }

    /// Stops it in an orderly way; its last checkpoint, as text.
    pub(crate) async fn stop(mut self) -> Result<String, Failure> {
        self.tell("stop").await?;
        let last = self.hear("last").await?;
        self.child.wait().await?;
        Ok(last)
    }
}

/// Takes note of the events that a process was delivered, and passes on what else it says.
async fn listen(
    number: u32,
    out: ChildStdout,
    truth: Arc<Mutex<Truth>>,
    saying: mpsc::Sender<(String, String)>,
) {
    let mut lines = BufReader::new(out).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let (word, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let locked = || truth.lock().unwrap_or_else(PoisonError::into_inner);
        match word {
            "event" => {
                let numbers = rest.split_once(' ');
                let numbers = numbers.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
                if let Some((topic, n)) = numbers {
                    locked().receive(number, topic, n);
                }
            }
            "gap" => locked().gap(),
            "left_out" => locked().leave_out(rest.parse().unwrap_or_default()),
            _ => {
                // Nobody who stops listening wants the rest.
                let _ = saying.send((word.to_owned(), rest.to_owned())).await;
            }
        }
    }
}
