//! A run against the socket of an application, from its configuration to the report.

use std::fmt;
use std::time::Duration;

use crate::diagnostics::latency_config::LatencyConfig;
use crate::diagnostics::latency_monitor::LatencyMonitor;
use crate::error::Result;
use crate::events::bodies::AppMessage;
use crate::media::PayloadLatency;
use crate::probe::correlate::Correlate;
use crate::probe::report::Report;
use crate::probe::runner::Probe;
use crate::probe::sources::ApplicationEvents;
use crate::protocols::AppFoundry;
use crate::rest::app_foundry::AppFoundryApi;
use crate::rest::conversation_ends::ConversationEndsApi;
use crate::streaming::builder::StreamBuilder;
use crate::streaming::stream::{EventStream, StreamHandle};
use crate::streaming::typed::Typed;

type Builder = StreamBuilder<Typed<AppMessage>>;

/// Finds out how good the connection to an application is, and who drops it; from
/// [`Client::probe_application`](crate::Client::probe_application).
///
/// It asks where the application's socket is, connects, measures round trips and audio, reconnects after drops, asks the
/// platform about them, and reports. `timeoutMillis` and `maxMessageSize` of the application and the largest message
/// that was sent are among the evidence.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use std::time::Duration;
///
/// let probe = client.probe_application("my-application").duration(Duration::from_secs(600));
/// let report = probe.media("PCMU", 8_000).run().await?;
/// println!("{report}");
/// # Ok(())
/// # }
/// ```
#[must_use = "a probe does nothing until it is run"]
pub struct ApplicationProbe {
    app: Box<str>,
    api: AppFoundryApi,
    connect: Box<dyn FnOnce(AppFoundry) -> Builder + Send>,
    probe: Probe,
    correlate: Option<ConversationEndsApi>,
    latency: LatencyConfig,
    media: Option<(Box<str>, u32)>,
    allow_plain: bool,
}

impl ApplicationProbe {
    pub(crate) fn new(
        app_id: &str,
        api: AppFoundryApi,
        conversations: ConversationEndsApi,
        connect: impl FnOnce(AppFoundry) -> Builder + Send + 'static,
    ) -> Self {
        Self {
            app: app_id.into(),
            api,
            connect: Box::new(connect),
            probe: Probe::new().application(app_id),
            correlate: Some(conversations),
            latency: LatencyConfig::default(),
            media: None,
            allow_plain: false,
        }
    }

    /// How long to run. Default one minute.
    pub fn duration(mut self, duration: Duration) -> Self {
        self.probe = self.probe.duration(duration);
        self
    }

    /// How round trips are measured. Default: a ping every 2 s.
    pub fn latency(mut self, config: LatencyConfig) -> Self {
        self.latency = config;
        self
    }

    /// Asks for audio in this format, such as `PCMU`, of so many samples a second, and measures how late it is.
    pub fn media(mut self, format: &str, rate: u32) -> Self {
        self.media = Some((format.into(), rate));
        self
    }

    /// The share of pings within the thresholds for a stable connection; see [`Probe::least_stability`].
    pub fn least_stability(mut self, share: f64) -> Self {
        self.probe = self.probe.least_stability(share);
        self
    }

    /// Asks this source about drops, too. Default: the platform's list of connections, and ends of conversations.
    pub fn correlate(mut self, source: impl Correlate + 'static) -> Self {
        self.probe = self.probe.correlate(source);
        self
    }

    /// Does not ask the platform about drops.
    pub fn without_correlation(mut self) -> Self {
        self.correlate = None;
        self
    }

    /// How long to wait before the platform is asked; see [`Probe::settle`].
    pub fn settle(mut self, wait: Duration) -> Self {
        self.probe = self.probe.settle(wait);
        self
    }

    /// Allows `ws://` to hosts that are not this machine: whoever is on the way reads everything. Default `false`.
    pub fn allow_plain(mut self, yes: bool) -> Self {
        self.allow_plain = yes;
        self
    }

    /// Changes the settings of the stream: its reconnect policy, its deadlines.
    pub fn stream(mut self, change: impl FnOnce(Builder) -> Builder + Send + 'static) -> Self {
        let connect = self.connect;
        self.connect = Box::new(move |protocol| change(connect(protocol)));
        self
    }

    /// Runs from the begin to the report.
    ///
    /// # Errors
    /// As [`start`](Self::start). Drops are no errors: they are what the report is about.
    ///
    /// # Cancel safety
    /// Dropping the future ends the run; the report is lost.
    pub async fn run(self) -> Result<Report> {
        Ok(self.start().await?.report().await)
    }

    /// Connects. What goes on until [`ApplicationRun::report`] is called is counted from there on.
    ///
    /// # Errors
    /// What [`AppFoundryApi::application`] returns: [`Auth`](crate::ErrorKind::Auth) for a refused token,
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is no such application; [`Config`](crate::ErrorKind::Config)
    /// for an application without a WebSocket configuration or settings that do not work; and as
    /// [`StreamBuilder::start`].
    ///
    /// # Cancel safety
    /// Dropping the future ends everything that it began.
    pub async fn start(self) -> Result<ApplicationRun> {
        let Self { app, api, connect, mut probe, correlate, latency, media, allow_plain } = self;
        let monitor = LatencyMonitor::new(latency)?;
        let application = api.application(&app).await?;
        let socket = application.socket()?;
        probe = probe
            .monitor(&monitor)
            .idle_timeout(socket.idle_timeout())
            .max_message_size(socket.max_message_size);
        let mut protocol = AppFoundry::new(&app, &socket.origin_url).allow_plain(allow_plain);
        if let Some((format, rate)) = media {
            protocol = protocol.media(&format, rate);
            probe = probe.media(PayloadLatency::new());
        }
        if let Some(conversations) = correlate {
            probe = probe.correlate(ApplicationEvents::new(api, &app)).correlate(conversations);
        }
        let stream = connect(protocol).measure(monitor).start().await?;
        probe = probe.handle(&stream.handle());
        Ok(ApplicationRun { probe, stream })
    }
}

impl fmt::Debug for ApplicationProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApplicationProbe")
            .field("app", &self.app)
            .field("probe", &self.probe)
            .field("latency", &self.latency)
            .finish_non_exhaustive()
    }
}

/// A run that is connected.
#[derive(Debug)]
#[must_use = "a run is counted by report()"]
pub struct ApplicationRun {
    probe: Probe,
    stream: EventStream<Typed<AppMessage>>,
}

impl ApplicationRun {
    /// A handle of the stream: to send messages of your own, and to end the run early by
    /// [`close`](StreamHandle::close).
    pub fn handle(&self) -> StreamHandle {
        self.stream.handle()
    }

    /// Reads for the chosen time, closes the connection, asks the platform about drops, and reports.
    ///
    /// # Cancel safety
    /// Dropping the future ends the run; the report is lost.
    pub async fn report(self) -> Report {
        let Self { mut probe, mut stream } = self;
        let watched = probe.watch(&mut stream).await;
        stream.close().await;
        drop(stream);
        probe.conclude(watched).await
    }
}
