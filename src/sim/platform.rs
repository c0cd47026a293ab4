//! The handle of a running platform.

use std::borrow::Borrow;
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use serde::Serialize;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

use super::aim::Aim;
use super::applications::{Application, Origin};
use super::builder::PlatformBuilder;
use super::channels::Channels;
use super::clock::Clock;
use super::config::Config;
use super::connection_log::ConnectionLog;
use super::farewell::{Farewell, GOING_AWAY};
use super::fault::Fault;
use super::handle::Command;
use super::knobs::Faults;
use super::lifecycle;
use super::limiter::Limiter;
use super::oauth::{GrantType, OAuth};
use super::open_sockets::OpenSockets;
use super::rest::{self, Books, History};
use super::shared::{Shared, State};
use super::socket_kind::SocketKind;
use super::stats::{Counted, Stats};
use super::world::World;
use super::{generator, inject, server, sign_in, tls};
use crate::core::credentials::ClientCredentials;
use crate::core::secret::Secret;
use crate::error::{Error, ErrorKind, Result};
use crate::region::Endpoints;

/// How long [`Platform::shutdown`] waits for clients to answer its close frames.
const FAREWELL: Duration = Duration::from_millis(500);

/// A simulated platform that runs on 127.0.0.1 until it is dropped.
///
/// ```
/// use genesys_cloud::sim::{Fault, Platform};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> genesys_cloud::Result<()> {
/// let platform = Platform::builder().seed(7).events_per_second(0.0).start().await?;
/// let topic = format!("v2.users.{}.presence", platform.users()[0]);
/// platform.fault(Fault::ForbidTopic { topic })?;
/// assert_eq!(platform.stats().sockets_open, 0);
/// platform.shutdown().await;
/// # Ok(())
/// # }
/// ```
pub struct Platform {
    pub(super) shared: Arc<Shared>,
    endpoints: Endpoints,
    credentials: ClientCredentials,
    users: Vec<String>,
    queues: Vec<String>,
    applications: Vec<String>,
    bare_application: String,
    root: Option<String>,
}

/// What a process prints first. The order of the fields is part of it.
#[derive(Serialize)]
struct FirstLine<'a> {
    api: &'a str,
    login: &'a str,
    streaming: String,
    client_id: &'a str,
    client_secret: &'a str,
    users: &'a [String],
    queues: &'a [String],
    applications: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    root_certificate_pem: Option<&'a str>,
}

impl Platform {
    /// Settings to start with.
    pub fn builder() -> PlatformBuilder {
        PlatformBuilder::default()
    }

    pub(super) async fn start(config: Config) -> Result<Self> {
        let (acceptor, root) = if config.tls {
            let (acceptor, root) = tls::acceptor()?;
            (Some(acceptor), Some(root))
        } else {
            (None, None)
        };
        let unavailable = |error| {
            Error::new(ErrorKind::Transport, "could not listen on 127.0.0.1").with_source(error)
        };
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, config.port)).await.map_err(unavailable)?;
        let address = listener.local_addr().map_err(unavailable)?;
        let scheme = if config.tls { "https" } else { "http" };
        let platform = Self::without_listener(config, format!("{scheme}://{address}"), root)?;
        let shared = &platform.shared;
        shared.spawn(server::accept(Arc::clone(shared), listener, acceptor));
        Ok(platform)
    }

    /// A platform that nobody can connect to yet.
    pub(super) fn without_listener(
        config: Config,
        base_url: String,
        root: Option<String>,
    ) -> Result<Self> {
        let mut seeds = Rng::with_seed(config.seed);
        let mut rng = seeds.fork();
        let event_seed = seeds.u64(..);
        let now = Clock::new(config.starts()).now_ms();
        let world = World::new(config.users, config.queues, now, &mut rng);
        let history = History::new(config.seed, config.conversations, config.users, now);
        let books = Books::new(config.denied.clone(), history, &world);
        let mut oauth = OAuth::default();
        let (id, secret) = oauth.add_client(GrantType::ClientCredentials, &mut rng);
        let ids = |list: &mut dyn Iterator<Item = &String>| list.cloned().collect();
        let (users, queues) = (
            ids(&mut world.agents.iter().map(|agent| &agent.id)),
            ids(&mut world.queues.iter().map(|queue| &queue.id)),
        );
        let (bare, applications): (Vec<&Application>, Vec<&Application>) =
            world.applications.iter().partition(|one| one.origin == Origin::None);
        let ids = |list: Vec<&Application>| list.iter().map(|one| one.id.to_string()).collect();
        let (bare_application, applications) =
            (bare.first().map_or_else(String::new, |one| one.id.to_string()), ids(applications));
        let endpoints = Endpoints::single(&base_url)?;
        let state = State {
            rng,
            correlations: seeds.fork(),
            oauth,
            limiter: Limiter::default(),
            #[cfg(not(test))]
            channels: Channels::default(),
            #[cfg(test)]
            channels: Channels::tapped(config.tap.as_ref().map(|(_, tap)| Arc::clone(tap))),
            sockets: OpenSockets::default(),
            connections: ConnectionLog::default(),
            faults: Faults::default(),
            world,
            books,
            counted: Counted::default(),
        };
        let shared = Shared::new(config, base_url, state);
        shared.spawn(lifecycle::keep_house(Arc::clone(&shared)));
        shared.spawn(generator::run(Arc::clone(&shared), event_seed));
        Ok(Self {
            shared,
            endpoints,
            credentials: ClientCredentials::new(&*id, secret),
            users,
            queues,
            applications,
            bare_application,
            root,
        })
    }

    /// Where a client finds it: everything on one address.
    pub fn endpoints(&self) -> Endpoints {
        self.endpoints.clone()
    }

    /// The address of login and API, such as `http://127.0.0.1:8080`.
    pub fn base_url(&self) -> &str {
        &self.shared.base_url
    }

    /// The credentials of the OAuth client that exists from the start.
    pub fn credentials(&self) -> ClientCredentials {
        self.credentials.clone()
    }

    /// Adds an OAuth client, with channels and quotas of its own.
    pub fn add_client(&self) -> ClientCredentials {
        self.shared.add_client(GrantType::ClientCredentials)
    }

    /// Adds an OAuth client with which users sign in, who come back to this address. It may show its secret, or leave it
    /// out and use PKCE. The user is the first of [`users`](Self::users).
    pub fn add_code_client(&self, redirect_uri: impl Into<String>) -> ClientCredentials {
        self.shared.add_client(GrantType::Code { redirect_uri: redirect_uri.into() })
    }

    /// Adds an OAuth client that exchanges SAML2 assertions, for the organization `acme`.
    pub fn add_saml2_client(&self) -> ClientCredentials {
        self.shared.add_client(GrantType::Saml2)
    }

    /// A SAML2 assertion about a user, good once; of another id, it is about nobody.
    pub fn saml2_assertion(&self, user: &str) -> Secret {
        let mut state = self.shared.lock();
        let State { world, rng, .. } = &mut *state;
        let agent = world.agents.iter().find(|agent| agent.id == user);
        Secret::new(sign_in::assertion(agent.map_or(user, |agent| &agent.email), rng))
    }

    /// The ids of all users.
    pub fn users(&self) -> &[String] {
        &self.users
    }

    /// The ids of all queues.
    pub fn queues(&self) -> &[String] {
        &self.queues
    }

    /// The ids of the applications that have a socket: the first states its address with a scheme, the second without.
    pub fn applications(&self) -> &[String] {
        &self.applications
    }

    /// The id of an application that has no socket.
    pub fn application_without_socket(&self) -> &str {
        &self.bare_application
    }

    /// The root certificate that a client has to trust; `None` without TLS.
    pub fn root_certificate_pem(&self) -> Option<&str> {
        self.root.as_deref()
    }

    /// Sends an event, in the platform's envelope, to every open socket whose channel is subscribed to the topic;
    /// returns to how many. `channel.metadata` and `v2.system.…` need no subscription.
    pub fn emit(&self, topic: &str, body: impl Borrow<Value>) -> usize {
        self.shared.emit(topic, body.borrow())
    }

    /// Sends an event without an envelope, exactly this body, to every open socket of a kind; returns to how many. On
    /// [`SocketKind::Presence`] it goes to those that have subscribed to its `userId`, and on
    /// [`SocketKind::AppFoundry`] and [`SocketKind::Realtime`] to those that have sent their first message.
    pub fn emit_on(&self, kind: SocketKind, body: impl Borrow<Value>) -> usize {
        self.shared.emit_on(kind, body.borrow())
    }

    /// Sends a binary frame to the sockets that [`emit_on`](Self::emit_on) reaches; returns to how many.
    pub fn emit_binary_on(&self, kind: SocketKind, bytes: impl Into<Bytes>) -> usize {
        self.shared.emit_binary_on(kind, bytes.into())
    }

    /// Does something wrong, to every socket; returns how many open ones it concerns.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) for a value that is out of range.
    pub fn fault(&self, fault: Fault) -> Result<usize> {
        inject::inject(&self.shared, fault, Aim::All)
    }

    /// Does something wrong, to one channel; returns how many open sockets it concerns.
    ///
    /// # Errors
    /// As [`fault`](Self::fault), also for a kind that is not for one channel, and
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a channel that does not exist.
    pub fn fault_on(&self, channel: &str, fault: Fault) -> Result<usize> {
        inject::inject(&self.shared, fault, Aim::Channel(channel.to_owned()))
    }

    /// Does something wrong, to the sockets of one kind; returns how many open ones it concerns.
    ///
    /// # Errors
    /// As [`fault`](Self::fault), also for a kind of fault that is not for sockets without a channel.
    pub fn fault_on_sockets(&self, kind: SocketKind, fault: Fault) -> Result<usize> {
        inject::inject(&self.shared, fault, Aim::Kind(kind))
    }

    /// Takes a permission, such as `routing:queue:view`, from every client. Where any one of several is enough, an
    /// operation is refused when all of them are denied.
    pub fn deny_permission(&self, permission: &str) {
        self.shared.lock().books.deny(permission);
    }

    /// Gives a permission back.
    pub fn allow_permission(&self, permission: &str) {
        self.shared.lock().books.allow(permission);
    }

    /// Lets the next jobs of analytics fail, so many of them.
    pub fn fail_jobs(&self, count: u32) {
        self.shared.lock().books.fail_jobs(count);
    }

    /// A token of a user who has signed in, as `/api/v2/users/me` needs it.
    ///
    /// # Errors
    /// [`ErrorKind::NotFound`](crate::ErrorKind::NotFound) for a user that does not exist.
    pub fn user_token(&self, user: &str) -> Result<Secret> {
        let mut state = self.shared.lock();
        let State { oauth, rng, world, .. } = &mut *state;
        if !world.agents.iter().any(|agent| agent.id == user) {
            return Err(Error::new(ErrorKind::NotFound, "no such user"));
        }
        let client = Arc::from(self.credentials.client_id());
        let token = oauth.mint(&client, user, self.shared.config.token_life, rng);
        Ok(Secret::new(&*token))
    }

    /// The operations of the REST API that are served: method and path, such as `/api/v2/users/{userId}`.
    pub fn operations() -> Vec<(&'static str, String)> {
        rest::served().map(|(method, path)| (method, format!("/api/v2/{path}"))).collect()
    }

    /// What has been counted.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// A clean slate that a connected client does not notice: faults are lifted, permissions are as at the
    /// start, counts are zero, quotas are whole, and channels without an open socket are gone. Tokens stay good.
    pub fn reset(&self) {
        self.shared.reset();
    }

    /// The first line of the `simulator` example: addresses, credentials and ids as one JSON object.
    pub fn first_line(&self) -> String {
        let line = FirstLine {
            api: self.base_url(),
            login: self.base_url(),
            streaming: self.shared.streaming_url(),
            client_id: self.credentials.client_id(),
            client_secret: self.credentials.client_secret().expose(),
            users: &self.users,
            queues: &self.queues,
            applications: &self.applications,
            root_certificate_pem: self.root_certificate_pem(),
        };
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Ends it: open sockets get a close frame (1001), and every task is gone when this returns.
    ///
    /// # Cancel safety
    /// Dropped before it is done, it ends the platform all the same, but nothing waits for its tasks.
    pub async fn shutdown(self) {
        for socket in self.shared.lock().handles() {
            let farewell = Farewell::new(GOING_AWAY, "the platform shuts down");
            socket.send(Command::Close(farewell));
        }
        let until = Instant::now() + FAREWELL;
        while self.shared.live.open() > 0 && Instant::now() < until {
            sleep(Duration::from_millis(5)).await;
        }
        self.shared.stop();
        self.shared.stopped().await;
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Platform")
            .field("base_url", &self.shared.base_url)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}
