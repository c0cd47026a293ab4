//! Routing: queues and their members, the status of users, codes, skills and languages.

use crate::error::Result;
use crate::rest::facades::caller::Caller;
use crate::rest::facades::listing::{Listing, page_size, texts};
use crate::rest::facades::user_expand::{UserExpand, names};
use crate::rest::generated::models::{Queue, RoutingState, RoutingStatus, WrapupCode};
use crate::rest::generated::{
    GetRoutingLanguages, GetRoutingQueue, GetRoutingQueueMembers, GetRoutingQueueWrapupcodes,
    GetRoutingQueues, GetRoutingSkills, GetRoutingWrapupcode, GetRoutingWrapupcodes, GetUserQueues,
    GetUserRoutingstatus, PutUserRoutingstatus,
};
use crate::rest::operation::CallOptions;

/// The routing API, from [`Client::routing`](crate::Client::routing). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client, queue: &str) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
/// use genesys_cloud::models::RoutingState;
///
/// let routing = client.routing();
/// let mut members = routing.members(queue).joined(true).routing_status([RoutingState::Idle]).items();
/// while let Some(member) = members.try_next().await? {
///     println!("{:?} is free", member.name);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RoutingApi {
    caller: Caller,
}

impl RoutingApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// The queues, sorted by name. Needs `routing:queue:view`.
    pub fn queues(&self) -> Listing<GetRoutingQueues> {
        self.caller.list(GetRoutingQueues::new())
    }

    /// One queue.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute): [`NotFound`](crate::ErrorKind::NotFound) for an unknown one,
    /// [`Forbidden`](crate::ErrorKind::Forbidden) for one of a division that the caller may not see.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn queue(&self, id: &str) -> Result<Queue> {
        self.caller.execute(GetRoutingQueue::new(id)).await
    }

    /// The members of a queue.
    pub fn members(&self, queue: &str) -> Listing<GetRoutingQueueMembers> {
        self.caller.list(GetRoutingQueueMembers::new(queue))
    }

    /// The queues that a user is a member of.
    pub fn queues_of(&self, user: &str) -> Listing<GetUserQueues> {
        self.caller.list(GetUserQueues::new(user))
    }

    /// The routing status of a user. The platform answers `OFF_QUEUE` for a user whom it does not know.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn status(&self, user: &str) -> Result<RoutingStatus> {
        self.caller.execute(GetUserRoutingstatus::new(user)).await
    }

    /// Sets the routing status of a user.
    ///
    /// # Errors
    /// As [`status`](Self::status); the status 400 for a transition that the platform does not allow.
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn set_status(&self, user: &str, status: RoutingState) -> Result<RoutingStatus> {
        let status = RoutingStatus { status: Some(status), ..RoutingStatus::default() };
        self.caller.execute(PutUserRoutingstatus::new(user, status)).await
    }

    /// The wrap-up codes of the organisation. Needs `routing:wrapupCode:view`.
    pub fn wrapup_codes(&self) -> Listing<GetRoutingWrapupcodes> {
        self.caller.list(GetRoutingWrapupcodes::new())
    }

    /// One wrap-up code.
    ///
    /// # Errors
    /// As [`queue`](Self::queue).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn wrapup_code(&self, id: &str) -> Result<WrapupCode> {
        self.caller.execute(GetRoutingWrapupcode::new(id)).await
    }

    /// The wrap-up codes that agents of a queue can choose.
    pub fn wrapup_codes_of(&self, queue: &str) -> Listing<GetRoutingQueueWrapupcodes> {
        self.caller.list(GetRoutingQueueWrapupcodes::new(queue))
    }

    /// The skills of the organisation.
    pub fn skills(&self) -> Listing<GetRoutingSkills> {
        self.caller.list(GetRoutingSkills::new())
    }

    /// The languages of the organisation.
    pub fn languages(&self) -> Listing<GetRoutingLanguages> {
        self.caller.list(GetRoutingLanguages::new())
    }
}

page_size!(
    GetRoutingQueues,
    GetRoutingQueueMembers,
    GetUserQueues,
    GetRoutingWrapupcodes,
    GetRoutingQueueWrapupcodes,
    GetRoutingSkills,
    GetRoutingLanguages,
);

impl Listing<GetRoutingQueues> {
    /// Only queues of this name; `*` at its ends stands for anything.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.map(|queues| queues.name(name))
    }

    /// Only these.
    pub fn ids(self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|queues| queues.id(texts(ids)))
    }

    /// Only queues of these divisions.
    pub fn divisions(self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|queues| queues.division_id(texts(ids)))
    }
}

impl Listing<GetRoutingQueueMembers> {
    /// Only those who have joined the queue, or only those who have not.
    pub fn joined(self, joined: bool) -> Self {
        self.map(|members| members.joined(joined))
    }

    /// Only those whose name is, or begins with, this.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.map(|members| members.name(name))
    }

    /// Only those with one of these routing statuses.
    pub fn routing_status(self, any_of: impl IntoIterator<Item = RoutingState>) -> Self {
        self.map(|members| members.routing_status(any_of.into_iter().map(text)))
    }

    /// Only those with one of these presences.
    pub fn presence(self, any_of: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|members| members.presence(texts(any_of)))
    }

    /// What each of them comes with: [`UserExpand::Presence`], [`UserExpand::RoutingStatus`] and others.
    pub fn expand(self, parts: impl IntoIterator<Item = UserExpand>) -> Self {
        self.map(|members| members.expand(names(parts)))
    }
}

impl Listing<GetUserQueues> {
    /// Only queues that the user has joined, or only those that the user has not.
    pub fn joined(self, joined: bool) -> Self {
        self.map(|queues| queues.joined(joined))
    }
}

impl Listing<GetRoutingWrapupcodes> {
    /// Only codes of this name; `*` at its ends stands for anything.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.map(|codes| codes.name(name))
    }

    /// Only these.
    pub fn ids(self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|codes| codes.id(texts(ids)))
    }
}

impl Listing<GetRoutingSkills> {
    /// Only skills of this name; `*` at its ends stands for anything.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.map(|skills| skills.name(name))
    }
}

impl Listing<GetRoutingLanguages> {
    /// Only languages of this name; `*` at its ends stands for anything.
    pub fn name(self, name: impl Into<Box<str>>) -> Self {
        self.map(|languages| languages.name(name))
    }
}

#[allow(clippy::needless_pass_by_value)] // It stands where a function of the value is wanted.
fn text(state: RoutingState) -> Box<str> {
    state.as_str().into()
}
