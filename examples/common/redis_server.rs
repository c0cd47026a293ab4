//! A Redis for an example: the one that the environment names, or one of its own.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use redis::AsyncConnectionConfig;
use tokio::time::{Instant, sleep};

/// The environment variable with the address of a server.
const URL_VAR: &str = "REDIS_URL";
/// How long a server of our own may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// The fields of each queue's hash, by its id.
pub(crate) type Figures = BTreeMap<String, BTreeMap<String, String>>;

/// A server. One of our own is killed, and its files are removed, on drop.
pub(crate) struct RedisServer {
    pub(crate) url: String,
    own: Option<Own>,
}

struct Own {
    process: Child,
    dir: PathBuf,
}

impl RedisServer {
    /// The server of `REDIS_URL`; without it, a `redis-server` on a free port, with its files in a directory of its own.
    pub(crate) async fn find() -> Result<Self, String> {
        match std::env::var(URL_VAR) {
            Ok(url) if !url.trim().is_empty() => Ok(Self { url: url.trim().to_owned(), own: None }),
            _ => Self::start().await,
        }
    }

    /// Whether it is our own.
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// What it holds of these queues, by their ids; queues without figures are left out.
    pub(crate) async fn figures(&self, queues: &[String]) -> redis::RedisResult<Figures> {
        // A connection for each look: one that broke would have to be noticed.
        let deadline = Some(Duration::from_secs(1));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(deadline)
            .set_response_timeout(deadline);
        let client = redis::Client::open(&*self.url)?;
        let mut redis = client.get_multiplexed_async_connection_with_config(&config).await?;
        let mut asked = redis::pipe();
        for queue in queues {
            asked.cmd("HGETALL").arg(format!("metrics:{queue}"));
        }
        let found: Vec<BTreeMap<String, String>> = asked.query_async(&mut redis).await?;
        let found = queues.iter().cloned().zip(found);
        Ok(found.filter(|(_, figures)| !figures.is_empty()).collect())
    }

    async fn start() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("redis-server cannot be started: {error}");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let port = free.map_err(failed)?.port();
        let dir = std::env::temp_dir().join(format!("genesys-cloud-redis-{}", std::process::id()));
        std::fs::create_dir_all(&dir).map_err(failed)?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--dir"]);
        command.arg(&dir).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        // Ctrl-C is for us: the server has to take what is written last.
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let process = match command.spawn() {
            Ok(process) => process,
            Err(error) => {
                // Empty: nobody has written to it.
                let _ = std::fs::remove_dir(&dir);
                return Err(match error.kind() {
                    ErrorKind::NotFound => format!(
                        "redis-server is not installed: install the package redis-server (or redis), or set {URL_VAR} to \
                         the address of a server, such as redis://127.0.0.1:6379/0"
                    ),
                    _ => failed(error),
                });
            }
        };
        let url = format!("redis://127.0.0.1:{port}");
        let mut server = Self { url, own: Some(Own { process, dir }) };
        server.wait(port).await.map(|()| server)
    }

    async fn wait(&mut self, port: u16) -> Result<(), String> {
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if let Some(own) = &mut self.own
                && let Ok(Some(status)) = own.process.try_wait()
            {
                return Err(format!("redis-server has ended at once: {status}"));
            }
            if began.elapsed() > PATIENCE {
                return Err(format!("redis-server does not listen on port {port}"));
            }
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}
