//! A real `redis-server` on a free port, with its files in a directory of its own.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A running server; it is killed, and its files are removed, on drop.
pub(crate) struct Server {
    child: Child,
    port: u16,
    dir: PathBuf,
    more: Vec<String>,
}

impl Server {
    /// Starts a server that keeps what it acknowledged. `None` when none is installed: the test is then left out, loudly;
    /// under `CI` it fails.
    pub(crate) fn start(more: &[&str]) -> Option<Self> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("genesys-cloud-redis-{}-{number}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&dir).unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let more: Vec<String> = more.iter().map(|&arg| arg.to_owned()).collect();
        let child = match spawn(port, &dir, &more) {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                assert!(std::env::var_os("CI").is_none(), "redis-server is not installed");
                eprintln!("SKIPPED: redis-server is not on PATH; install it to run this test");
                return None;
            }
            Err(error) => panic!("redis-server: {error}"),
        };
        let server = Self { child, port, dir, more };
        server.wait();
        Some(server)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// SIGKILL: nothing is said, nothing is flushed.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again with the same files. Returns before it has loaded them.
    pub(crate) fn restart(&mut self) {
        self.child = spawn(self.port, &self.dir, &self.more).unwrap();
    }

    /// Waits until it answers with its data.
    pub(crate) fn wait(&self) {
        let began = Instant::now();
        while !self.is_up() {
            assert!(began.elapsed() < Duration::from_secs(60), "redis-server does not come up");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn is_up(&self) -> bool {
        let Ok(mut socket) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let mut answer = [0; 5];
        let asked = socket.write_all(b"PING\r\n").and_then(|()| socket.read_exact(&mut answer));
        // A password that is asked for is an answer too.
        asked.is_ok() && (&answer == b"+PONG" || &answer == b"-NOAU")
    }

    /// A connection for the test itself.
    pub(crate) async fn admin(&self) -> Admin {
        let client = redis::Client::open(self.url()).unwrap();
        Admin(client.get_multiplexed_async_connection().await.unwrap())
    }
}

fn spawn(port: u16, dir: &PathBuf, more: &[String]) -> std::io::Result<Child> {
    Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""])
        .args(["--appendonly", "yes", "--appendfsync", "always"])
        .args(more)
        .arg("--dir")
        .arg(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// Commands of the test itself.
pub(crate) struct Admin(redis::aio::MultiplexedConnection);

impl Admin {
    /// A command, its words separated by spaces.
    pub(crate) async fn ask<T: redis::FromRedisValue>(&mut self, command: &str) -> T {
        let mut words = command.split(' ');
        let mut asked = redis::cmd(words.next().unwrap());
        for word in words {
            asked.arg(word);
        }
        asked.query_async(&mut self.0).await.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    pub(crate) async fn say(&mut self, command: &str) {
        let _: redis::Value = self.ask(command).await;
    }

    pub(crate) async fn hash(&mut self, key: &str) -> std::collections::HashMap<String, String> {
        self.ask(&format!("HGETALL {key}")).await
    }
}
