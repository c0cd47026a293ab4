//! The browser of a user who signs in: sends one GET, and says where it is sent next. It logs nothing.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a page answers: its status, where it redirects to, and its body.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Page {
    /// Where the user is sent; another answer is a failure of the test.
    pub(crate) fn destination(self) -> String {
        assert_eq!(self.status, 302, "{}", self.body);
        self.location.expect("a location")
    }
}

/// Opens an address; plain HTTP only.
pub(crate) async fn open(address: &str) -> Page {
    let rest = address.strip_prefix("http://").expect("plain HTTP");
    let (host, target) = rest.split_once('/').expect("a path");
    let mut tcp = TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    tcp.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    let location = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("location").then(|| value.trim().to_owned())
    });
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
    Page { status, location, body: body.to_owned() }
}
