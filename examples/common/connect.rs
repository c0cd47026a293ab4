//! How every example connects: to the platform, to an address, or to a simulator of its own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use genesys_cloud::sim::{Platform, PlatformBuilder};
use genesys_cloud::{
    AuditObserver, CLIENT_ID_VAR, CLIENT_SECRET_VAR, Client, ClientBuilder, ClientCredentials,
    Endpoints, FullJitter, REGION_VAR, Region,
};

use super::failure::Failure;

/// The environment variable with the address of a simulator or gateway.
const BASE_URL_VAR: &str = "GENESYS_BASE_URL";

/// A client, and where it leads.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) place: Place,
}

/// Where a client leads.
pub(crate) enum Place {
    /// A region of the platform.
    Region(Region),
    /// An address that was given.
    Address(String),
    /// A simulator inside this process.
    Embedded(Box<Platform>),
}

impl Place {
    /// The simulator inside this process, if it is one.
    pub(crate) fn simulator(&self) -> Option<&Platform> {
        match self {
            Self::Embedded(platform) => Some(platform),
            Self::Region(_) | Self::Address(_) => None,
        }
    }

    /// When to dial again. After a demonstration's drops the waits are short enough to watch; a connection counts as
    /// stable sooner there too, or every drop would be waited out for longer than the one before.
    pub(crate) fn reconnect(&self) -> FullJitter {
        match self {
            Self::Embedded(_) => {
                FullJitter::new(Duration::from_millis(500), Duration::from_secs(5))
                    .floor(Duration::from_millis(300))
                    .stable_window(Duration::from_secs(5))
            }
            Self::Region(_) | Self::Address(_) => FullJitter::default(),
        }
    }

    /// Ends the simulator, if it is one.
    pub(crate) async fn shutdown(self) {
        if let Self::Embedded(platform) = self {
            platform.shutdown().await;
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Region(region) => write!(f, "{region}"),
            Self::Address(address) => f.write_str(address),
            Self::Embedded(platform) => write!(f, "simulator at {}", platform.base_url()),
        }
    }
}

/// What the environment asks for.
#[derive(Debug, PartialEq)]
enum Wanted {
    Region(Region, ClientCredentials),
    Address(String, ClientCredentials),
    Embedded,
}

/// Connects as the environment says: `GENESYS_CLIENT_ID` and `GENESYS_CLIENT_SECRET` with `GENESYS_REGION` or, which
/// wins, `GENESYS_BASE_URL`. Without any of them it starts a simulator.
pub(crate) async fn connect() -> Result<Connection, Failure> {
    connect_with(|simulator| simulator, |client| client).await
}

/// Connects as [`connect`] does, with settings of the simulator and of the client.
pub(crate) async fn connect_with(
    simulator: impl FnOnce(PlatformBuilder) -> PlatformBuilder,
    client: impl FnOnce(ClientBuilder) -> ClientBuilder,
) -> Result<Connection, Failure> {
    let (endpoints, credentials, place) = match wanted(|name| std::env::var(name).ok())? {
        Wanted::Region(region, credentials) => {
            (region.endpoints(), credentials, Place::Region(region))
        }
        Wanted::Address(address, credentials) => {
            let endpoints = Endpoints::single(&address)?;
            (endpoints, credentials, Place::Address(address))
        }
        Wanted::Embedded => {
            let platform = simulator(Platform::builder()).start().await?;
            let (endpoints, credentials) = (platform.endpoints(), platform.credentials());
            (endpoints, credentials, Place::Embedded(Box::new(platform)))
        }
    };
    let client = client(Client::builder(endpoints).credentials(credentials)).build()?;
    Ok(Connection { client, place })
}

/// Connects as [`connect`] does, with an observer if there is one.
pub(crate) async fn connect_audited(
    audit: Option<Arc<AuditObserver>>,
) -> Result<Connection, Failure> {
    let observed = |client: ClientBuilder| match audit {
        Some(audit) => client.observer(audit),
        None => client,
    };
    connect_with(|simulator| simulator, observed).await
}

fn wanted(lookup: impl Fn(&str) -> Option<String>) -> Result<Wanted, Failure> {
    let value = |name: &str| lookup(name).filter(|text| !text.trim().is_empty());
    let (id, secret) = (value(CLIENT_ID_VAR), value(CLIENT_SECRET_VAR));
    let (address, region) = (value(BASE_URL_VAR), value(REGION_VAR));
    if id.is_none() && secret.is_none() && address.is_none() && region.is_none() {
        return Ok(Wanted::Embedded);
    }
    let (Some(id), Some(secret)) = (&id, &secret) else {
        return Err(incomplete(&[
            (CLIENT_ID_VAR, id.is_some()),
            (CLIENT_SECRET_VAR, secret.is_some()),
        ]));
    };
    let credentials = ClientCredentials::new(id.trim(), secret.trim());
    match (address, region) {
        (Some(address), _) => Ok(Wanted::Address(address.trim().to_owned(), credentials)),
        (None, Some(region)) => Ok(Wanted::Region(region.parse()?, credentials)),
        (None, None) => Err(incomplete(&[("GENESYS_REGION or GENESYS_BASE_URL", false)])),
    }
}

fn incomplete(variables: &[(&str, bool)]) -> Failure {
    let missing: Vec<&str> =
        variables.iter().filter(|(_, is_there)| !is_there).map(|(name, _)| *name).collect();
    let missing = missing.join(" and ");
    format!("environment is incomplete: {missing} not set; with none of the variables set, a simulator is started")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Result<Wanted, String> {
        let lookup = |name: &str| {
            let found = variables.iter().find(|(other, _)| *other == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        wanted(lookup).map_err(|error| error.to_string())
    }

    const ID: (&str, &str) = (CLIENT_ID_VAR, "id");
    const SECRET: (&str, &str) = (CLIENT_SECRET_VAR, "secret");

    #[test]
    fn an_empty_environment_means_a_simulator() {
        assert_eq!(of(&[]), Ok(Wanted::Embedded));
        assert_eq!(of(&[(REGION_VAR, " ")]), Ok(Wanted::Embedded));
    }

    #[test]
    fn a_region_or_an_address_is_used_and_the_address_wins() {
        let credentials = ClientCredentials::new("id", "secret");
        let region = (REGION_VAR, "mypurecloud.de");
        let wanted = Wanted::Region(Region::EuCentral1, credentials.clone());
        assert_eq!(of(&[ID, SECRET, region]), Ok(wanted));
        let address = (BASE_URL_VAR, "http://127.0.0.1:1");
        let wanted = Wanted::Address("http://127.0.0.1:1".into(), credentials);
        assert_eq!(of(&[ID, SECRET, region, address]), Ok(wanted));
    }

    #[test]
    fn a_partial_environment_is_an_error_that_names_what_is_missing() {
        for (given, missing) in [
            (vec![ID], vec![CLIENT_SECRET_VAR]),
            (vec![SECRET, (REGION_VAR, "use1")], vec![CLIENT_ID_VAR]),
            (vec![(REGION_VAR, "use1")], vec![CLIENT_ID_VAR, CLIENT_SECRET_VAR]),
            (vec![ID, SECRET], vec![REGION_VAR, BASE_URL_VAR]),
        ] {
            let error = of(&given).unwrap_err();
            for name in missing {
                assert!(error.contains(name), "{given:?}: {error}");
            }
        }
        let error = of(&[ID, SECRET, (REGION_VAR, "us-east-99")]).unwrap_err();
        assert!(error.contains("us-east-99"), "{error}");
    }
}
