//! A platform, an HTTP client and sockets for the tests.

use std::sync::Arc;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use genesys_cloud::sim::{Platform, PlatformBuilder};
use reqwest::Method;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::{WebSocketStream, client_async};
use tungstenite::{Error as WsError, Message};

/// Nothing here takes longer, unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// What counts as silence.
pub(crate) const QUIET: Duration = Duration::from_millis(150);

pub(crate) struct Rig {
    pub(crate) platform: Platform,
    http: reqwest::Client,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// A client configuration that trusts one root, or none.
pub(crate) fn tls(roots: RootCertStore) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth()
}

/// A builder that sends nothing by itself.
pub(crate) fn quiet() -> PlatformBuilder {
    Platform::builder().events_per_second(0.0)
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self::of(quiet()).await
    }

    pub(crate) async fn of(builder: PlatformBuilder) -> Self {
        Self {
            platform: builder.start().await.unwrap(),
            http: reqwest::Client::builder()
                .tls_backend_preconfigured(tls(RootCertStore::empty()))
                .no_proxy()
                .build()
                .unwrap(),
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.platform.base_url()))
    }

    pub(crate) async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = timeout(PATIENCE, request.send()).await.unwrap().unwrap();
        Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response.text().await.unwrap(),
        }
    }

    /// A request with a token, and a JSON body unless it is null.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> Answer {
        let mut request = self.request(method, path).bearer_auth(token);
        if !body.is_null() {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        self.send(request).await
    }

    pub(crate) async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, Value::Null).await
    }

    pub(crate) async fn token(&self) -> String {
        let credentials = self.platform.credentials();
        self.token_of(credentials.client_id(), credentials.client_secret().expose()).await
    }

    pub(crate) async fn token_of(&self, id: &str, secret: &str) -> String {
        let request = self
            .request(Method::POST, "/oauth/token")
            .basic_auth(id, Some(secret))
            .header("content-type", "application/x-www-form-urlencoded")
            .body("grant_type=client_credentials");
        let answer = self.send(request).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A token for a scope, asked for with everything in the form.
    pub(crate) async fn token_for(&self, scope: &str) -> String {
        let credentials = self.platform.credentials();
        let form = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={scope}",
            credentials.client_id(),
            credentials.client_secret().expose()
        );
        let answer = self.send(self.request(Method::POST, "/oauth/token").body(form)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// The address of a socket without a channel.
    pub(crate) fn uri(&self, path: &str) -> String {
        format!("{}{path}", self.platform.base_url().replacen("http", "ws", 1))
    }

    pub(crate) async fn open(&self, path: &str) -> Socket {
        Socket::open(&self.uri(path)).await.unwrap()
    }

    /// The HTTP status of a dial that is refused.
    pub(crate) async fn refused(&self, path: &str) -> u16 {
        match Socket::open(&self.uri(path)).await.err() {
            Some(WsError::Http(response)) => response.status().as_u16(),
            other => panic!("not refused: {other:?}"),
        }
    }

    /// A socket of the routing endpoint.
    pub(crate) async fn routing(&self) -> Socket {
        let token = self.token_for("routing:interaction:read").await;
        self.open(&format!("/api/v2/routing/interactions/events?access_token={token}")).await
    }

    /// A socket of an application that has said `init`, with its acknowledgement read.
    pub(crate) async fn application(&self, number: usize) -> Socket {
        let id = &self.platform.applications()[number];
        let mut socket = self.open(&format!("/api/v2/appfoundry/websocket/{id}")).await;
        socket.say(&json!({ "type": "init", "appId": id }).to_string()).await;
        assert_eq!(socket.json().await["type"], "init_ack");
        socket
    }

    /// A new channel: its id and its address.
    pub(crate) async fn channel(&self, token: &str) -> (String, String) {
        let path = "/api/v2/notifications/channels";
        let answer = self.call(Method::POST, path, token, Value::Null).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let text = |name: &str| answer.json()[name].as_str().unwrap().to_owned();
        (text("id"), text("connectUri"))
    }

    pub(crate) async fn subscribe(
        &self,
        method: Method,
        channel: &str,
        query: &str,
        token: &str,
        topics: &[&str],
    ) -> Answer {
        let path = format!("/api/v2/notifications/channels/{channel}/subscriptions{query}");
        let body: Vec<Value> = topics.iter().map(|topic| json!({ "id": topic })).collect();
        self.call(method, &path, token, json!(body)).await
    }

    /// A token, a channel that is subscribed to topics, and its open socket.
    pub(crate) async fn listen(&self, topics: &[&str]) -> (String, String, Socket) {
        let token = self.token().await;
        let (channel, uri) = self.channel(&token).await;
        let answer = self.subscribe(Method::PUT, &channel, "", &token, topics).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let socket = Socket::open(&uri).await.unwrap();
        (token, channel, socket)
    }

    pub(crate) fn presence(&self, user: usize) -> String {
        format!("v2.users.{}.presence", self.platform.users()[user])
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).body(body.to_string());
        self.send(request).await
    }

    pub(crate) async fn exists(&self, channel: &str, token: &str) -> bool {
        let path = format!("/api/v2/notifications/channels/{channel}");
        self.call(Method::HEAD, &path, token, Value::Null).await.status == 200
    }
}

pub(crate) struct Socket(pub(crate) WebSocketStream<TcpStream>);

impl Socket {
    pub(crate) async fn open(uri: &str) -> Result<Self, WsError> {
        let address = uri.strip_prefix("ws://").unwrap().split('/').next().unwrap();
        let tcp = TcpStream::connect(address).await.unwrap();
        let (socket, _) = timeout(PATIENCE, client_async(uri, tcp)).await.unwrap()?;
        Ok(Self(socket))
    }

    /// The next message, whatever it is; `None` at the end of the connection.
    pub(crate) async fn next(&mut self) -> Option<Result<Message, WsError>> {
        timeout(PATIENCE, self.0.next()).await.expect("nothing came")
    }

    /// The next text frame as JSON.
    pub(crate) async fn json(&mut self) -> Value {
        match self.next().await {
            Some(Ok(Message::Text(text))) => serde_json::from_str(&text).unwrap(),
            other => panic!("no text: {other:?}"),
        }
    }

    /// The next binary frame; texts before it are passed over.
    pub(crate) async fn binary(&mut self) -> Vec<u8> {
        loop {
            match self.next().await {
                Some(Ok(Message::Binary(bytes))) => return bytes.to_vec(),
                Some(Ok(_)) => {}
                other => panic!("no binary frame: {other:?}"),
            }
        }
    }

    /// The next close frame, and what came before it.
    pub(crate) async fn closed(&mut self) -> (u16, String, Vec<Value>) {
        let mut before = Vec::new();
        loop {
            match self.next().await {
                Some(Ok(Message::Text(text))) => before.push(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string(), before);
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame: {other:?}"),
            }
        }
    }

    /// Whether nothing comes for a while.
    pub(crate) async fn is_quiet(&mut self) -> bool {
        timeout(QUIET, self.0.next()).await.is_err()
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.unwrap();
    }
}
