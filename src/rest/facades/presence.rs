//! Presence: its definitions, and that of users.

use std::num::NonZeroUsize;

use futures::stream::BoxStream;

use crate::core::ports::BoxFuture;
use crate::error::Result;
use crate::rest::facades::caller::Caller;
use crate::rest::facades::chunks::{Answered, in_chunks};
use crate::rest::generated::models::{
    NamedEntityRef, OrganizationPresenceDefinition, PresenceDefinition, UserPresence,
    UserPresenceOfSource,
};
use crate::rest::generated::{
    GetPresenceDefinition, GetPresenceDefinitions, GetSystempresences, GetUserPresence,
    GetUserPresencesPurecloud, GetUsersPresencesPurecloudBulk, PatchUserPresencesPurecloud,
};
use crate::rest::operation::CallOptions;

/// Users of one batch. Source: description of `GET /api/v2/users/presences/purecloud/bulk`.
const BATCH: NonZeroUsize = NonZeroUsize::new(50).unwrap();

/// The presence API, from [`Client::presence`](crate::Client::presence). A cheap clone.
///
/// For states that change, streams tell sooner and cost no requests: see [`presence`](crate::presence).
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client, user: &str) -> genesys_cloud::Result<()> {
/// use genesys_cloud::models::SystemPresenceName;
///
/// let presence = client.presence();
/// let meal = presence.definitions().await?.into_iter();
/// let meal = meal.filter_map(|one| (one.system_presence == Some(SystemPresenceName::Meal)).then_some(one.id?)).next();
/// if let Some(meal) = meal {
///     presence.set(user, &meal, Some("back at one")).await?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PresenceApi {
    caller: Caller,
}

impl PresenceApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// Every definition that is in use: those of the platform, and the organisation's own.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn definitions(&self) -> Result<Vec<OrganizationPresenceDefinition>> {
        let listing = self.caller.execute(GetPresenceDefinitions::new()).await?;
        Ok(listing.entities.unwrap_or_default())
    }

    /// One definition.
    ///
    /// # Errors
    /// As [`definitions`](Self::definitions); [`NotFound`](crate::ErrorKind::NotFound) when there is none with this id.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn definition(&self, id: &str) -> Result<OrganizationPresenceDefinition> {
        self.caller.execute(GetPresenceDefinition::new(id)).await
    }

    /// The states that definitions are kinds of, such as `AVAILABLE`.
    ///
    /// # Errors
    /// As [`definitions`](Self::definitions).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn system_presences(&self) -> Result<Vec<NamedEntityRef>> {
        self.caller.execute(GetSystempresences::new()).await
    }

    /// The presence of a user.
    ///
    /// # Errors
    /// As [`definitions`](Self::definitions); [`NotFound`](crate::ErrorKind::NotFound) for an unknown user.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn of(&self, user: &str) -> Result<UserPresence> {
        self.caller.execute(GetUserPresencesPurecloud::new(user)).await
    }

    /// What another source, such as an integration with Microsoft Teams, says of a user; the id is one of
    /// `GetPresenceSources`.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn of_source(&self, user: &str, source: &str) -> Result<UserPresence> {
        self.caller.execute(GetUserPresence::new(user, source)).await
    }

    /// The presence of any number of users, in the order asked: 50 with one call, four calls at once, within the client's
    /// request budget. 5,000 users are 100 calls.
    ///
    /// A user who is unknown and a batch that failed are told per user, and do not end the stream.
    ///
    /// ```no_run
    /// # async fn example(client: genesys_cloud::Client, users: Vec<String>) {
    /// use futures::StreamExt;
    /// use genesys_cloud::{CallOptions, ErrorKind, Priority};
    ///
    /// let presence = client.presence().with(CallOptions::default().priority(Priority::Backfill));
    /// let mut answers = presence.of_many(users);
    /// while let Some(answer) = answers.next().await {
    ///     match answer.result {
    ///         Ok(presence) => println!("{}: {:?}", answer.id, presence.presence_definition),
    ///         Err(error) if error.kind() == ErrorKind::NotFound => println!("{}: unknown", answer.id),
    ///         Err(error) => println!("{}: {error}", answer.id),
    ///     }
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Safe: it changes nothing. Dropping the stream abandons what is under way.
    pub fn of_many(
        &self,
        users: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> BoxStream<'static, Answered<UserPresenceOfSource>> {
        let caller = self.caller.clone();
        let ask = move |batch: Vec<Box<str>>| -> BoxFuture<'static, _> {
            let caller = caller.clone();
            Box::pin(async move {
                let found = caller.execute(GetUsersPresencesPurecloudBulk::new().id(batch)).await?;
                let with_id = |one: UserPresenceOfSource| {
                    Some((one.user_id.clone().or_else(|| one.id.clone())?, one))
                };
                Ok(found.into_iter().filter_map(with_id).collect())
            })
        };
        in_chunks(users.into_iter().map(|user| user.as_ref().into()).collect(), BATCH, ask)
    }

    /// Puts a user into the state of a definition, with a message if there is one.
    ///
    /// # Errors
    /// As [`of`](Self::of); [`Forbidden`](crate::ErrorKind::Forbidden) without `presence:userPresence:edit` for others.
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn set(
        &self,
        user: &str,
        definition: &str,
        message: Option<&str>,
    ) -> Result<UserPresence> {
        let definition =
            PresenceDefinition { id: Some(definition.into()), ..PresenceDefinition::default() };
        let presence = UserPresence {
            presence_definition: Some(Box::new(definition)),
            message: message.map(Into::into),
            ..UserPresence::default()
        };
        self.caller.execute(PatchUserPresencesPurecloud::new(user, presence)).await
    }
}
