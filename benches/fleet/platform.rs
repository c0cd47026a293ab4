//! A silent platform in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use genesys_cloud::sim::Platform;
use serde_json::{Value, json};
use tokio::runtime::Builder;
use url::Url;

use crate::Failure;

/// The first argument of a process that is the platform.
const PLATFORM: &str = "--be-platform";
/// Clients of each user that only a platform which was started again has. What it makes after them, tokens and ids of
/// channels, is nothing that it made before, although it has the same seed.
const MORE_CLIENTS: usize = 50;

/// A platform that runs until it is dropped. Each of its users has an OAuth client.
pub(crate) struct Process {
    child: Child,
    line: Value,
}

impl Process {
    pub(crate) fn start(users: usize) -> Result<Self, Failure> {
        Self::start_on(users, 0, 0)
    }

    fn start_on(users: usize, port: u16, more: usize) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([PLATFORM, &users.to_string(), &port.to_string(), &more.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { child, line: serde_json::from_str(&line)? })
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Starts it again on the same address, after [`kill`](Self::kill): it knows its clients, and no token and no channel.
    pub(crate) fn revive(&mut self) -> Result<(), Failure> {
        let users = self.line["users"].as_array().map_or(0, Vec::len);
        let port = Url::parse(self.base())?.port().ok_or("no port")?;
        let before = self.line.clone();
        *self = Self::start_on(users, port, users * MORE_CLIENTS)?;
        if self.line == before { Ok(()) } else { Err("it has other clients now".into()) }
    }

    pub(crate) fn base(&self) -> &str {
        self.line["api"].as_str().unwrap_or_default()
    }

    pub(crate) fn user(&self, number: usize) -> &str {
        self.line["users"][number].as_str().unwrap_or_default()
    }

    /// Id and secret of a user's client.
    pub(crate) fn client(&self, number: usize) -> (&str, &str) {
        let text = |part: usize| self.line["clients"][number][part].as_str().unwrap_or_default();
        (text(0), text(1))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended by itself is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Does what a process was started for by [`Process::start`]; `None` when it was not.
pub(crate) fn helper(arguments: &[&str]) -> Option<Result<(), Failure>> {
    match arguments {
        [PLATFORM, users, port, more] => Some(be_platform(users, port, more)),
        _ => None,
    }
}

fn be_platform(users: &str, port: &str, more: &str) -> Result<(), Failure> {
    let (users, port, more) = (users.parse()?, port.parse()?, more.parse::<usize>()?);
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let builder = Platform::builder().events_per_second(0.0).users(users).queues(0).port(port);
        let platform = builder.requests_per_minute(u32::MAX).start().await?;
        let mut line: Value = serde_json::from_str(&platform.first_line())?;
        // From the seed: another process on the same address has the same.
        let clients = (0..users).map(|_| {
            let made = platform.add_client();
            json!([made.client_id(), made.client_secret().expose()])
        });
        line["clients"] = clients.collect();
        (0..more).for_each(|_| drop(platform.add_client()));
        println!("{line}");
        let parent = tokio::task::spawn_blocking(|| {
            // Its end closes our input.
            std::io::stdin().read_to_end(&mut Vec::new())
        });
        parent.await??;
        Ok(())
    })
}
