//! The organisation, and the limits that the platform sets it.

use serde::Deserialize;
use serde_json::Value;

use crate::error::Result;
use crate::events::body::body;
use crate::rest::answer::Answer;
use crate::rest::arguments::Arguments;
use crate::rest::facades::caller::Caller;
use crate::rest::generated::GetOrganizationsMe;
use crate::rest::generated::models::Organization;
use crate::rest::operation::{CallOptions, Method, Operation};

/// The API of the organisation, from [`Client::organization`](crate::Client::organization). A cheap clone.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// let organization = client.organization();
/// println!("{:?}", organization.me().await?.name);
/// for limit in organization.limits("platform.api").await? {
///     println!("{:?}: {:?}", limit.key, limit.value);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OrganizationApi {
    caller: Caller,
}

body! {
    /// A limit that the platform sets an organisation.
    pub struct OrganizationLimit {
        /// What is limited, such as `token.rate.per.minute`.
        key: Box<str> = "key",
        /// Which part of the platform limits it, such as `platform.api`.
        namespace: Box<str> = "namespace",
        /// The limit.
        value: i64 = "value",
    }
}

/// What the resources of limits answer.
#[derive(Deserialize)]
struct Limits {
    entities: Option<Vec<OrganizationLimit>>,
}

/// The limits of a namespace.
struct GetLimits<'a>(&'a str);

impl Operation for GetLimits<'_> {
    type Response = Vec<OrganizationLimit>;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/organizations/limits/namespaces/{namespaceName}";

    fn arguments(&self) -> Arguments {
        Arguments::new().path("namespaceName", self.0)
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        answer.json().map(|limits: Limits| limits.entities.unwrap_or_default())
    }
}

/// The limits of a namespace as every organisation has them.
struct GetLimitsDefaults<'a>(&'a str);

impl Operation for GetLimitsDefaults<'_> {
    type Response = Vec<OrganizationLimit>;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str =
        "/api/v2/organizations/limits/namespaces/{namespaceName}/defaults";

    fn arguments(&self) -> Arguments {
        Arguments::new().path("namespaceName", self.0)
    }

    fn response(answer: Answer) -> Result<Self::Response> {
        answer.json().map(|limits: Limits| limits.entities.unwrap_or_default())
    }
}

/// The names of the namespaces.
struct GetNamespaces;

impl Operation for GetNamespaces {
    type Response = Vec<Box<str>>;

    const METHOD: Method = Method::Get;
    const TEMPLATE: &'static str = "/api/v2/organizations/limits/namespaces";

    fn arguments(&self) -> Arguments {
        // A few dozen: one page.
        Arguments::new().query("pageSize", 500)
    }

    fn response(answer: Answer) -> Result<Vec<Box<str>>> {
        let listing: Value = answer.json()?;
        let entities = listing["entities"].as_array().map_or(&[][..], Vec::as_slice);
        // Names, or objects that have one.
        let name = |entity: &Value| {
            let of = |member: &str| entity[member].as_str();
            let name = entity.as_str().or_else(|| of("namespace")).or_else(|| of("name"));
            name.or_else(|| of("id")).map(Into::into)
        };
        Ok(entities.iter().filter_map(name).collect())
    }
}

impl OrganizationApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// The organisation that the token belongs to.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn me(&self) -> Result<Organization> {
        self.caller.execute(GetOrganizationsMe::new()).await
    }

    /// The parts of the platform that have limits, such as `platform.api` and `notifications`.
    ///
    /// # Errors
    /// As [`me`](Self::me).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn limit_namespaces(&self) -> Result<Vec<Box<str>>> {
        self.caller.execute(GetNamespaces).await
    }

    /// The limits of this organisation in a namespace.
    ///
    /// # Errors
    /// As [`me`](Self::me); [`NotFound`](crate::ErrorKind::NotFound) for an unknown namespace.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn limits(&self, namespace: &str) -> Result<Vec<OrganizationLimit>> {
        self.caller.execute(GetLimits(namespace)).await
    }

    /// The limits of a namespace as organisations have them from the start.
    ///
    /// # Errors
    /// As [`limits`](Self::limits).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn default_limits(&self, namespace: &str) -> Result<Vec<OrganizationLimit>> {
        self.caller.execute(GetLimitsDefaults(namespace)).await
    }
}
