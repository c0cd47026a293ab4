//! The simulator's control paths over one connection that is kept open.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Failure;

pub(crate) struct Control {
    host: String,
    tcp: TcpStream,
}

impl Control {
    /// To a platform at an address such as `http://127.0.0.1:8080`.
    pub(crate) async fn open(base: &str) -> Result<Self, Failure> {
        let host = base.strip_prefix("http://").ok_or("plain HTTP")?.to_owned();
        let tcp = TcpStream::connect(&host).await?;
        tcp.set_nodelay(true)?;
        Ok(Self { host, tcp })
    }

    pub(crate) async fn post(&mut self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", path, &body.to_string()).await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Value, Failure> {
        self.ask("GET", path, "").await
    }

    async fn ask(&mut self, method: &str, path: &str, body: &str) -> Result<Value, Failure> {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\n\r\n{body}",
            self.host,
            body.len()
        );
        self.tcp.write_all(request.as_bytes()).await?;
        let mut bytes = Vec::new();
        loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
                let length: usize = length.ok_or("no content-length")?.trim().parse()?;
                if bytes.len() >= end + 4 + length {
                    if !head.starts_with("http/1.1 200") {
                        return Err(format!("{method} {path}: {head}").into());
                    }
                    return Ok(serde_json::from_slice(&bytes[end + 4..])?);
                }
            }
            if self.tcp.read_buf(&mut bytes).await? == 0 {
                return Err("the platform has closed the connection".into());
            }
        }
    }
}
