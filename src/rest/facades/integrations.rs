//! Integrations: their types, what is installed, switched on and how it is configured.

use serde_json::json;

use crate::error::{Error, Result};
use crate::events::{Json, Members};
use crate::rest::facades::caller::Caller;
use crate::rest::facades::credentials::CredentialsApi;
use crate::rest::facades::listing::{Listing, page_size, texts};
use crate::rest::generated::models::{
    CreateIntegrationRequest, Integration, IntegrationConfiguration, IntegrationIntendedState,
    IntegrationType,
};
use crate::rest::generated::{
    DeleteIntegration, GetIntegration, GetIntegrationConfigCurrent, GetIntegrations,
    GetIntegrationsClientapps, GetIntegrationsType, GetIntegrationsTypes, PatchIntegration,
    PostIntegrations, PutIntegrationConfigCurrent,
};
use crate::rest::operation::CallOptions;

/// How often a change of a configuration is tried that others change too. Each try is two calls.
const TRIES: usize = 5;

/// The API of integrations, from [`Client::integrations`](crate::Client::integrations). A cheap clone.
///
/// What an `AppFoundry` product does when it is installed in a customer's organisation:
///
/// ```no_run
/// # async fn example(client: genesys_cloud::Client) -> genesys_cloud::Result<()> {
/// use futures::TryStreamExt;
///
/// let integrations = client.integrations();
/// let mut installed = integrations.list().of_type("premium-app-example").items();
/// let id = match installed.try_next().await? {
///     Some(integration) => integration.id,
///     None => integrations.create("premium-app-example", "Acme Wallboard").await?.id,
/// };
/// let id = id.unwrap_or_default();
/// integrations.update_config(&id, |config| config.notes = Some("by the installer".into())).await?;
/// integrations.enable(&id).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct IntegrationsApi {
    caller: Caller,
}

impl IntegrationsApi {
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// The same API, with another priority or deadline for every call.
    pub fn with(&self, options: CallOptions) -> Self {
        Self { caller: self.caller.with(options) }
    }

    /// The types of integrations that the organisation can install. Needs `integrations:integration:view`, as what follows.
    pub fn types(&self) -> Listing<GetIntegrationsTypes> {
        self.caller.list(GetIntegrationsTypes::new())
    }

    /// One type.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn integration_type(&self, id: &str) -> Result<IntegrationType> {
        self.caller.execute(GetIntegrationsType::new(id)).await
    }

    /// What is installed.
    pub fn list(&self) -> Listing<GetIntegrations> {
        self.caller.list(GetIntegrations::new())
    }

    /// One installed integration.
    ///
    /// # Errors
    /// As [`Client::execute`](crate::Client::execute): [`NotFound`](crate::ErrorKind::NotFound) for an unknown one,
    /// [`Forbidden`](crate::ErrorKind::Forbidden) without the permission.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn get(&self, id: &str) -> Result<Integration> {
        self.caller.execute(GetIntegration::new(id)).await
    }

    /// Installs an integration of a type; it is switched off at first. Needs `integrations:integration:add`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may leave an integration behind.
    pub async fn create(&self, type_id: &str, name: &str) -> Result<Integration> {
        let of_type = IntegrationType { id: Some(type_id.into()), ..IntegrationType::default() };
        let request = CreateIntegrationRequest {
            name: Some(name.into()),
            integration_type: Some(Box::new(of_type)),
            ..CreateIntegrationRequest::default()
        };
        self.caller.execute(PostIntegrations::new(request)).await
    }

    /// Switches an integration on: this is what is intended, and `reported_state` says when it is so. Needs
    /// `integrations:integration:edit`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again does no harm.
    pub async fn enable(&self, id: &str) -> Result<Integration> {
        self.intend(id, IntegrationIntendedState::Enabled).await
    }

    /// Switches an integration off.
    ///
    /// # Errors
    /// As [`enable`](Self::enable).
    ///
    /// # Cancel safety
    /// As [`enable`](Self::enable).
    pub async fn disable(&self, id: &str) -> Result<Integration> {
        self.intend(id, IntegrationIntendedState::Disabled).await
    }

    async fn intend(&self, id: &str, state: IntegrationIntendedState) -> Result<Integration> {
        let change = Integration { intended_state: Some(state), ..Integration::default() };
        self.caller.execute(PatchIntegration::new(id, change)).await
    }

    /// Removes an integration; returns what it was. Needs `integrations:integration:delete`.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect.
    pub async fn delete(&self, id: &str) -> Result<Integration> {
        self.caller.execute(DeleteIntegration::new(id)).await
    }

    /// How an integration is configured, with the version that a change needs.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    pub async fn config(&self, id: &str) -> Result<IntegrationConfiguration> {
        self.caller.execute(GetIntegrationConfigCurrent::new(id)).await
    }

    /// Replaces a configuration, if its version is still the current one. What it leaves out becomes empty. Needs
    /// `integrations:integration:edit`.
    ///
    /// # Errors
    /// As [`get`](Self::get); [`Config`](crate::ErrorKind::Config) for one without a version;
    /// [conflict](Error::is_conflict) (409) when somebody else changed it meanwhile: nothing was changed then.
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect; sending it again is a conflict then.
    pub async fn replace_config(
        &self,
        id: &str,
        config: IntegrationConfiguration,
    ) -> Result<IntegrationConfiguration> {
        self.caller.execute(PutIntegrationConfigCurrent::new(id, complete(config)?)).await
    }

    /// Reads a configuration, changes it and writes it; when somebody else was faster, again, up to five times in all.
    /// `change` sees the newest configuration each time.
    ///
    /// # Errors
    /// As [`replace_config`](Self::replace_config): the last conflict, when all five met one.
    ///
    /// # Cancel safety
    /// A dropped call may have taken effect.
    pub async fn update_config(
        &self,
        id: &str,
        mut change: impl FnMut(&mut IntegrationConfiguration) + Send,
    ) -> Result<IntegrationConfiguration> {
        let mut tries = 1;
        loop {
            let mut config = self.config(id).await?;
            let version = config.version;
            change(&mut config);
            config.version = version;
            match self.replace_config(id, config).await {
                Err(error) if error.is_conflict() && tries < TRIES => tries += 1,
                outcome => return outcome,
            }
        }
    }

    /// The applications that the calling user may open.
    pub fn client_apps(&self) -> Listing<GetIntegrationsClientapps> {
        self.caller.list(GetIntegrationsClientapps::new())
    }

    /// The credentials that integrations use.
    pub fn credentials(&self) -> CredentialsApi {
        CredentialsApi::new(self.caller.clone())
    }
}

/// The platform wants every member, empty ones too.
fn complete(mut config: IntegrationConfiguration) -> Result<IntegrationConfiguration> {
    if config.version.is_none() {
        return Err(Error::config(
            "the configuration has no version: change the one that config() returns",
        ));
    }
    let empty = || Some(Json::from(&json!({})));
    config.properties = config.properties.or_else(empty);
    config.advanced = config.advanced.or_else(empty);
    config.credentials = config.credentials.or_else(|| Some(Members::default()));
    config.notes = config.notes.or_else(|| Some("".into()));
    config.name = config.name.or_else(|| Some("".into()));
    Ok(config)
}

page_size!(GetIntegrationsTypes, GetIntegrations, GetIntegrationsClientapps);

impl Listing<GetIntegrations> {
    /// Only integrations of this type, such as `premium-app-example`.
    pub fn of_type(self, type_id: impl Into<Box<str>>) -> Self {
        self.map(|integrations| integrations.integration_type(type_id))
    }

    /// Only these.
    pub fn ids(self, ids: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|integrations| integrations.ids(texts(ids)))
    }

    /// What each of them comes with, such as `config.current`.
    pub fn expand(self, parts: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.map(|integrations| integrations.expand(texts(parts)))
    }
}
