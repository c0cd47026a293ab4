//! A silent platform in a process of its own.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};

use genesys_cloud::sim::Platform;
use serde_json::Value;
use tokio::runtime::Builder;

use crate::Failure;

/// The first argument of a process that is the platform.
const PLATFORM: &str = "--be-platform";

/// A platform that runs until it is dropped.
pub(crate) struct Process {
    child: Child,
    line: Value,
}

impl Process {
    pub(crate) fn start(users: usize) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args([PLATFORM, &users.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().ok_or("no output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        Ok(Self { child, line: serde_json::from_str(&line)? })
    }

    pub(crate) fn base(&self) -> &str {
        self.line["api"].as_str().unwrap_or_default()
    }

    pub(crate) fn user(&self, number: usize) -> &str {
        self.line["users"][number].as_str().unwrap_or_default()
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
        [PLATFORM, users] => Some(be_platform(users)),
        _ => None,
    }
}

fn be_platform(users: &str) -> Result<(), Failure> {
    let users = users.parse()?;
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let builder = Platform::builder().events_per_second(0.0).users(users).queues(0);
        let platform = builder.requests_per_minute(u32::MAX).start().await?;
        println!("{}", platform.first_line());
        let parent = tokio::task::spawn_blocking(|| {
            // Its end closes our input.
            std::io::stdin().read_to_end(&mut Vec::new())
        });
        parent.await??;
        Ok(())
    })
}
