//! The handle of a fleet.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::arrival;
use super::builder::FleetBuilder;
use super::member::Member;
use super::seat::{Phase, Seat, Settings, closed};
use super::shared::Shared;
use super::state::MemberState;
use crate::client::Client;
use crate::error::{Error, ErrorKind, Result};
use crate::streaming::builder::StreamBuilder;
use crate::streaming::delivery::ConnectionState;
use crate::streaming::stream::EventStream;

/// Many organizations in one process. See [the module](super). Cheap to clone; clones are one fleet.
#[derive(Clone)]
pub struct Fleet(Arc<Handle>);

struct Handle(Arc<Shared>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.waker.wake();
    }
}

/// How a [`shutdown`](Fleet::shutdown) went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutDown {
    /// Members whose connection was closed in an orderly way.
    pub closed: usize,
    /// Members that were not closed in time, and were cut off.
    pub cut_off: Vec<Arc<str>>,
}

impl Fleet {
    /// Settings of a fleet.
    pub fn builder() -> FleetBuilder {
        FleetBuilder::default()
    }

    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self(Arc::new(Handle(shared)))
    }

    fn shared(&self) -> &Arc<Shared> {
        &self.0.0
    }

    /// Adds an organization by a key of your own, with its client and with what its stream subscribes.
    ///
    /// It starts in the background, in its turn. When that fails for good, the error is its one item.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when the key is taken, and [`Closed`](ErrorKind::Closed) after a
    /// [`shutdown`](Self::shutdown), or when the [`FleetEvents`](super::FleetEvents) are gone.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub fn add(
        &self,
        organisation: impl Into<Arc<str>>,
        client: Client,
        settings: impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static,
    ) -> Result<()> {
        let organisation = organisation.into();
        let seat = Seat::new(organisation.clone(), client, Arc::new(settings));
        {
            let mut state = self.shared().lock();
            if state.closed {
                return Err(Error::new(ErrorKind::Closed, "the fleet is shut down"));
            }
            if state.members.contains_key(&organisation) {
                let text = format!("the fleet has an organisation {organisation:?} already");
                return Err(Error::config(text));
            }
            state.members.insert(organisation, seat.clone());
        }
        arrival::start(self.shared(), &seat);
        Ok(())
    }

    /// Takes an organization out: closes its connection in an orderly way, and waits until that is done. What was
    /// received still comes out.
    ///
    /// The key is free at once.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is no such organization.
    ///
    /// # Cancel safety
    /// Once polled, the close goes on when this future is dropped.
    pub async fn remove(&self, organisation: &str) -> Result<()> {
        let seat = self.shared().lock().members.remove(organisation);
        let seat = seat.ok_or_else(|| {
            Error::config(format!("the fleet has no organisation {organisation:?}"))
        })?;
        seat.close().await;
        Ok(())
    }

    /// Puts a client with other credentials in the place of an organization's, without a gap.
    ///
    /// A stream of the new client is started, and flows, before the old one is closed. Until then the old one speaks, and
    /// what the new one has waits in its own queue; what both have comes once. Resolves when the old one is closed. An
    /// organization that has ended begins anew. When the new client cannot have a stream, the old one stays.
    ///
    /// A further replacement waits until the consumer has come to the stream of the one before.
    ///
    /// The settings are those that the organization was added with. What they hold of the old client, such as
    /// [`Client::backfill`](crate::Client::backfill), goes on with its credentials: use [`replace`](Self::replace) then.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is no such organization, [`Closed`](ErrorKind::Closed) as soon as it is
    /// removed, or the fleet shut down, before the new stream flows, and what [`StreamBuilder::start`] returns.
    ///
    /// # Cancel safety
    /// Dropped before the new stream flows, it leaves the old one in its place.
    pub async fn replace_credentials(&self, organisation: &str, client: Client) -> Result<()> {
        let settings = self.shared().seat(organisation)?.lock().settings.clone();
        self.take_over(organisation, client, settings).await
    }

    /// As [`replace_credentials`](Self::replace_credentials), with other settings of the stream too: other topics, for
    /// example.
    ///
    /// # Errors
    /// As [`replace_credentials`](Self::replace_credentials).
    ///
    /// # Cancel safety
    /// As [`replace_credentials`](Self::replace_credentials).
    pub async fn replace(
        &self,
        organisation: &str,
        client: Client,
        settings: impl Fn(StreamBuilder) -> StreamBuilder + Send + Sync + 'static,
    ) -> Result<()> {
        self.take_over(organisation, client, Arc::new(settings)).await
    }

    async fn take_over(
        &self,
        organisation: &str,
        client: Client,
        settings: Settings,
    ) -> Result<()> {
        let seat = self.shared().seat(organisation)?;
        let prepared = async {
            let one_at_a_time = seat.replacing.lock().await;
            // Else the one that waits would be lost, with what it has received.
            seat.until(|about| about.successor.is_none()).await;
            let expectation = Expectation::new(&seat);
            let builder = settings(self.shared().stream(&client));
            let mut stream = builder.start().await?;
            flowing(&mut stream).await?;
            Ok::<_, Error>((one_at_a_time, expectation, stream))
        };
        let gone = || Error::new(ErrorKind::Closed, "the organisation was removed");
        let (_one_at_a_time, expectation, stream) = tokio::select! {
            biased;
            // A stream that never flows is not waited for by those who end the member.
            () = seat.until(|about| about.removed) => return Err(gone()),
            prepared = prepared => prepared?,
        };
        let old = {
            let mut about = seat.lock();
            if about.removed || self.shared().lock().unheard {
                return Err(gone());
            }
            (about.client, about.settings) = (client, settings);
            match &about.phase {
                Phase::Running(old) => {
                    let old = old.clone();
                    about.successor = Some(stream);
                    Some(old)
                }
                Phase::Starting(_) | Phase::Ended(_) => {
                    if let Phase::Starting(Some(task)) = &about.phase {
                        task.abort();
                    }
                    about.awaits_successor = false;
                    self.shared().arrive(Member::new(&seat, &mut about, stream));
                    None
                }
            }
        };
        expectation.met();
        if let Some(old) = old {
            closed(old).await;
        }
        Ok(())
    }

    /// Takes nothing more from an organization until it is resumed. What comes waits in its own queue, and no other
    /// organization notices.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is no such organization.
    pub fn pause(&self, organisation: &str) -> Result<()> {
        self.shared().seat(organisation)?.change(|about| about.paused = !about.removed);
        Ok(())
    }

    /// Goes on with an organization that was paused.
    ///
    /// # Errors
    /// [`Config`](ErrorKind::Config) when there is no such organization.
    pub fn resume(&self, organisation: &str) -> Result<()> {
        self.shared().seat(organisation)?.change(|about| about.paused = false);
        Ok(())
    }

    /// How an organization stands; `None` when there is no such organization.
    pub fn state(&self, organisation: &str) -> Option<MemberState> {
        self.shared().seat(organisation).ok().map(|seat| seat.state())
    }

    /// How every organization stands, in no order.
    pub fn states(&self) -> Vec<(Arc<str>, MemberState)> {
        self.seats().iter().map(|seat| (seat.organisation.clone(), seat.state())).collect()
    }

    /// Events of an organization that came over two streams while one took over from the other, and were taken out once.
    pub fn duplicates_removed(&self, organisation: &str) -> Option<u64> {
        self.shared().seat(organisation).ok().map(|seat| seat.lock().duplicates_removed)
    }

    /// How many organizations there are, those that have ended included.
    pub fn len(&self) -> usize {
        self.shared().lock().members.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Ends every member: closes all connections in an orderly way, at once, and cuts off what is not closed in time.
    ///
    /// What was received by members that closed in time still comes out of the [`FleetEvents`](super::FleetEvents), which
    /// then end. No member can be added any more.
    ///
    /// # Cancel safety
    /// Once polled, every close goes on when this future is dropped; nothing is cut off then.
    pub async fn shutdown(&self, deadline: Duration) -> ShutDown {
        let seats = {
            let mut state = self.shared().lock();
            state.closed = true;
            state.members.values().cloned().collect::<Vec<_>>()
        };
        // Every close has begun when this is done. The end of a deadline that no clock shows is far off.
        let closing: Vec<_> =
            seats.iter().map(|seat| tokio::time::timeout(deadline, seat.close())).collect();
        let mut outcome = ShutDown::default();
        for (seat, closed) in seats.iter().zip(join_all(closing).await) {
            if closed.is_ok() {
                outcome.closed += 1;
            } else {
                seat.abandon();
                outcome.cut_off.push(seat.organisation.clone());
            }
        }
        self.shared().waker.wake();
        outcome
    }

    fn seats(&self) -> Vec<Arc<Seat>> {
        self.shared().lock().members.values().cloned().collect()
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").field("members", &self.len()).finish_non_exhaustive()
    }
}

/// Says to a member that another stream is about to take over, until it does or cannot.
struct Expectation<'a>(Option<&'a Seat>);

impl<'a> Expectation<'a> {
    fn new(seat: &'a Seat) -> Self {
        seat.change(|about| about.awaits_successor = true);
        Self(Some(seat))
    }

    /// It has: the member itself says when it is done.
    fn met(mut self) {
        if let Some(seat) = self.0.take() {
            seat.waker.wake();
        }
    }
}

impl Drop for Expectation<'_> {
    fn drop(&mut self) {
        if let Some(seat) = self.0 {
            seat.change(|about| about.awaits_successor = false);
        }
    }
}

/// Waits until a stream flows.
async fn flowing(stream: &mut EventStream) -> Result<()> {
    let mut handle = stream.handle();
    let mut state = Some(handle.state());
    loop {
        match state {
            Some(ConnectionState::Live { .. }) => return Ok(()),
            Some(ConnectionState::Stopped(_)) | None => {
                let ended = || Error::new(ErrorKind::Closed, "the new stream ended at once");
                return Err(stream.take_error().await.unwrap_or_else(ended));
            }
            Some(_) => state = handle.changed().await,
        }
    }
}
