//! Users: who they are, listed, searched, and the caller among them.

use crate::rest::facades::ask::Ask;
use crate::rest::facades::caller::Caller;
use crate::rest::facades::listing::{Listing, page_size, texts};
use crate::rest::facades::user_expand::{UserExpand, names};
use crate::rest::generated::models::{EntityState, UserSearchRequest};
use crate::rest::generated::{GetUser, GetUsers, GetUsersMe, PostUsersSearch};
use crate::rest::operation::CallOptions;

/// The API of users, from [`Client::users`](crate::Client::users). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
/// use genesys_cloud::{UserExpand, UserField};
///
/// let users = client.users();
/// let found = users.search().matching(UserField::Name.starts_with("Ada")).expand([UserExpand::Presence]);
/// let mut found = found.items();
/// while let Some(user) = found.try_next().await? {
///     println!("{:?} {:?}", user.name, user.presence);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct UsersApi {
    caller: Caller,
}

impl UsersApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// The user whose token this is. Fails with the status 400 and the code `not.a.user` for client credentials, which
    /// are nobody's.
    pub fn me(&self) -> Ask<GetUsersMe> {
        self.caller.ask(GetUsersMe::new())
    }

    /// One user. Fails with [`NotFound`](crate::ErrorKind::NotFound) for an unknown one.
    pub fn get(&self, id: &str) -> Ask<GetUser> {
        self.caller.ask(GetUser::new(id))
    }

    /// The users of the organisation, those that are active unless it is told otherwise.
    pub fn list(&self) -> Listing<GetUsers> {
        self.caller.list(GetUsers::new())
    }

    /// Users by what they are called, where they work and so on; everyone, without any criterion.
    pub fn search(&self) -> Listing<PostUsersSearch> {
        self.caller.list(PostUsersSearch::new(UserSearchRequest::default()))
    }
}

page_size!(GetUsers);

impl Ask<GetUsersMe> {
    /// What the user comes with.
    pub fn expand(self, parts: impl IntoIterator<Item = UserExpand>) -> Self {
        self.map(|user| user.expand(names(parts)))
    }
}

impl Ask<GetUser> {
    /// What the user comes with.
    pub fn expand(self, parts: impl IntoIterator<Item = UserExpand>) -> Self {
        self.map(|user| user.expand(names(parts)))
    }

    /// Finds the user in this state only. Default: active ones.
    #[allow(clippy::needless_pass_by_value)] // It reads as a value.
    pub fn state(self, state: EntityState) -> Self {
        self.map(|user| user.state(state.as_str()))
    }
}

impl Listing<GetUsers> {
    /// Only these; as many as an address can hold, some hundred.
    pub fn ids(self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|users| users.id(texts(ids)))
    }

    /// Only users in this state. Default: active ones. `EntityState::from("any")` lists all of them.
    #[allow(clippy::needless_pass_by_value)] // It reads as a value.
    pub fn state(self, state: EntityState) -> Self {
        self.map(|users| users.state(state.as_str()))
    }

    /// What each user comes with.
    pub fn expand(self, parts: impl IntoIterator<Item = UserExpand>) -> Self {
        self.map(|users| users.expand(names(parts)))
    }
}
