//! Credentials that integrations use.

use crate::core::secret::Secret;
use crate::error::Result;
use crate::events::Members;
use crate::rest::facades::caller::Caller;
use crate::rest::facades::listing::Listing;
use crate::rest::generated::models::{Credential, CredentialInfo, CredentialType};
use crate::rest::generated::{
    DeleteIntegrationsCredential, GetIntegrationsCredential, GetIntegrationsCredentialsListing,
    GetIntegrationsCredentialsTypes, PostIntegrationsCredentials, PutIntegrationsCredential,
};

/// The credentials that integrations use, from [`IntegrationsApi::credentials`](crate::IntegrationsApi::credentials). A
/// cheap clone.
///
/// Their fields are [`Secret`]s, and no error repeats them. The platform answers none of them.
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client, password: genesys_cloud::Secret) -> genesys_cloud::Result<()> {
/// let fields = [("userName", "acme".into()), ("password", password)];
/// let info = client.integrations().credentials().create("CRM", "basicAuth", fields).await?;
/// println!("{:?}", info.id);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CredentialsApi {
    caller: Caller,
}

impl CredentialsApi {
    pub(super) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The types of credentials, with the fields that each has.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn types(&self) -> Result<Vec<CredentialType>> {
        self.caller.execute(GetIntegrationsCredentialsTypes::new()).await
    }

    /// The credentials that there are, without their fields.
    pub fn list(&self) -> Listing<GetIntegrationsCredentialsListing> {
        self.caller.list(GetIntegrationsCredentialsListing::new())
    }

    /// One of them.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute): [`NotFound`](crate::ErrorKind::NotFound) for an unknown one,
    /// [`Forbidden`](crate::ErrorKind::Forbidden) without the permission.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn get(&self, id: &str) -> Result<Credential> {
        self.caller.execute(GetIntegrationsCredential::new(id)).await
    }

    /// Makes credentials of a type.
    ///
    /// # Errors
    /// As [`get`](Self::get); the status 400 when the type wants other fields.
    ///
    /// # Cancel safety
    /// A dropped call may leave credentials behind.
    pub async fn create(
        &self,
        name: &str,
        type_id: &str,
        fields: impl IntoIterator<Item = (impl Into<Box<str>>, Secret)>,
    ) -> Result<CredentialInfo> {
        let credential = credential(name, type_id, fields);
        self.caller.execute(PostIntegrationsCredentials::new(credential)).await
    }

    /// Replaces credentials: name, type and all fields.
    ///
    /// # Errors
    /// As [`create`](Self::create) and [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn replace(
        &self,
        id: &str,
        name: &str,
        type_id: &str,
        fields: impl IntoIterator<Item = (impl Into<Box<str>>, Secret)>,
    ) -> Result<CredentialInfo> {
        let credential = Credential { id: Some(id.into()), ..credential(name, type_id, fields) };
        self.caller.execute(PutIntegrationsCredential::new(id, credential)).await
    }

    /// Deletes credentials.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.caller.execute(DeleteIntegrationsCredential::new(id)).await
    }
}

fn credential(
    name: &str,
    type_id: &str,
    fields: impl IntoIterator<Item = (impl Into<Box<str>>, Secret)>,
) -> Credential {
    let of_type = CredentialType { id: Some(type_id.into()), ..CredentialType::default() };
    let fields: Members<Secret> = fields.into_iter().collect();
    Credential {
        name: Some(name.into()),
        type_: Some(Box::new(of_type)),
        credential_fields: Some(fields),
        ..Credential::default()
    }
}

impl Listing<GetIntegrationsCredentialsListing> {
    /// How many come with one call; at most 200.
    pub fn page_size(self, size: u32) -> Self {
        self.map(|credentials| credentials.page_size(size.to_string()))
    }
}
