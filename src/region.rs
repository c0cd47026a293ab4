//! Regions and the addresses of the platform's services.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use url::{Host, Url};

use crate::error::{Error, Result};

/// The environment variable that names the region.
pub const REGION_VAR: &str = "GENESYS_REGION";

macro_rules! regions {
    ($($(#[$doc:meta])* $variant:ident, $aws:literal, $domain:literal, $short:literal;)*) => {
        /// A region of the platform. Each is a deployment of its own: tokens and ids do not travel.
        ///
        /// Parses from the AWS name, the domain, any host of it, and the short name; displays as the AWS name.
        ///
        /// ```
        /// use genesys_cloud::Region;
        ///
        /// for name in ["us-east-1", "us_east_1", "mypurecloud.com", "api.mypurecloud.com", "use1"] {
        ///     assert_eq!(name.parse::<Region>().unwrap(), Region::UsEast1);
        /// }
        /// assert_eq!(Region::EuCentral1.to_string(), "eu-central-1");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Region {
            $($(#[$doc])* $variant,)*
        }

        impl Region {
            /// Every region that this version knows.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The AWS name, such as `us-east-1`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $aws),* }
            }

            /// The domain that the hosts are made of, such as `mypurecloud.com`.
            pub const fn domain(self) -> &'static str {
                match self { $(Self::$variant => $domain),* }
            }

            /// The short name, such as `use1`.
            pub const fn short_name(self) -> &'static str {
                match self { $(Self::$variant => $short),* }
            }
        }
    };
}

// Source: region host list of the official SDKs (July 2026).
regions! {
    /// N. Virginia.
    UsEast1, "us-east-1", "mypurecloud.com", "use1";
    /// Ohio, for the government of the United States.
    UsEast2, "us-east-2", "use2.us-gov-pure.cloud", "use2";
    /// Oregon.
    UsWest2, "us-west-2", "usw2.pure.cloud", "usw2";
    /// Canada.
    CaCentral1, "ca-central-1", "cac1.pure.cloud", "cac1";
    /// Mexico.
    MxCentral1, "mx-central-1", "mxc1.pure.cloud", "mxc1";
    /// Sao Paulo.
    SaEast1, "sa-east-1", "sae1.pure.cloud", "sae1";
    /// Dublin.
    EuWest1, "eu-west-1", "mypurecloud.ie", "euw1";
    /// London.
    EuWest2, "eu-west-2", "euw2.pure.cloud", "euw2";
    /// Frankfurt.
    EuCentral1, "eu-central-1", "mypurecloud.de", "euc1";
    /// Zurich.
    EuCentral2, "eu-central-2", "euc2.pure.cloud", "euc2";
    /// European Sovereign Cloud, Germany.
    EuscDeEast1, "eusc-de-east-1", "edee1.eusc-pure.cloud", "edee1";
    /// United Arab Emirates.
    MeCentral1, "me-central-1", "mec1.pure.cloud", "mec1";
    /// Mumbai.
    ApSouth1, "ap-south-1", "aps1.pure.cloud", "aps1";
    /// Singapore.
    ApSoutheast1, "ap-southeast-1", "apse1.pure.cloud", "apse1";
    /// Sydney.
    ApSoutheast2, "ap-southeast-2", "mypurecloud.com.au", "apse2";
    /// Tokyo.
    ApNortheast1, "ap-northeast-1", "mypurecloud.jp", "apne1";
    /// Seoul.
    ApNortheast2, "ap-northeast-2", "apne2.pure.cloud", "apne2";
    /// Osaka.
    ApNortheast3, "ap-northeast-3", "apne3.pure.cloud", "apne3";
}

impl Region {
    /// The region named by `GENESYS_REGION`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the variable is missing or names no region.
    pub fn from_env() -> Result<Self> {
        std::env::var(REGION_VAR)
            .map_err(|_| Error::config(format!("environment variable {REGION_VAR} is not set")))?
            .parse()
    }

    /// The addresses of the region's services.
    pub fn endpoints(self) -> Endpoints {
        Endpoints::of_domain(self.domain())
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Region {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wanted = text.trim().to_ascii_lowercase();
        let host = wanted.strip_prefix("https://").unwrap_or(&wanted).trim_end_matches('/');
        let domain = ["api.", "login.", "apps.", "streaming."]
            .iter()
            .find_map(|service| host.strip_prefix(service))
            .unwrap_or(host);
        let name = wanted.replace('_', "-");
        Self::ALL
            .iter()
            .copied()
            .find(|r| r.name() == name || r.short_name() == wanted || r.domain() == domain)
            .ok_or_else(|| unknown_region(text, &name))
    }
}

fn unknown_region(text: &str, name: &str) -> Error {
    let close = Region::ALL.iter().map(|r| (distance(r.name(), name), r)).min_by_key(|(d, _)| *d);
    let hint = match close {
        Some((edits, region)) if edits <= 3 => format!("did you mean {region}?"),
        _ => {
            let names: Vec<_> = Region::ALL.iter().map(|r| r.name()).collect();
            format!("known: {}; a domain of your own goes through `Endpoints`", names.join(", "))
        }
    };
    let shown: String = text.chars().take(64).collect();
    Error::config(format!("no region is called {shown:?}; {hint}"))
}

/// Levenshtein distance of two short names.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

/// Where the services of one deployment are: a region's own hosts, a gateway, or a simulator.
///
/// HTTPS and WSS only, except to loopback addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoints {
    api: Url,
    login: Url,
    /// Hosts that a channel's `connectUri` may name.
    streaming: Vec<Url>,
}

impl Endpoints {
    /// The hosts `api.`, `login.` and `streaming.` of a domain that is known to be valid.
    fn of_domain(domain: &str) -> Self {
        let url = |text: String| Url::parse(&text).expect("the region table holds valid domains");
        Self {
            api: url(format!("https://api.{domain}")),
            login: url(format!("https://login.{domain}")),
            streaming: vec![url(format!("wss://streaming.{domain}"))],
        }
    }

    /// The hosts `api.`, `login.` and `streaming.` of a region that this version does not know yet.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the domain is not a plain host name.
    pub fn from_domain(domain: &str) -> Result<Self> {
        let plain = domain.contains('.')
            && domain.split('.').all(|label| {
                !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            });
        if !plain {
            return Err(Error::config(format!(
                "{domain:?} is not a domain such as mypurecloud.com"
            )));
        }
        Ok(Self::of_domain(&domain.to_ascii_lowercase()))
    }

    /// Everything behind one address: a gateway or a simulator. A path is kept as a prefix of every call.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when the address is not a URL, or is plain `http` to anything but loopback.
    pub fn single(base: &str) -> Result<Self> {
        let api = checked(base, &["https", "http"])?;
        let mut streaming = api.clone();
        let scheme = if api.scheme() == "https" { "wss" } else { "ws" };
        streaming
            .set_scheme(scheme)
            .map_err(|()| Error::config("address cannot carry a WebSocket"))?;
        Ok(Self { login: api.clone(), api, streaming: vec![streaming] })
    }

    /// An address for each service. `streaming` is where a channel's socket may be.
    ///
    /// # Errors
    /// As [`single`](Self::single).
    pub fn custom(api: &str, login: &str, streaming: &str) -> Result<Self> {
        Ok(Self {
            api: checked(api, &["https", "http"])?,
            login: checked(login, &["https", "http"])?,
            streaming: vec![checked(streaming, &["wss", "ws"])?],
        })
    }

    /// Allows one more host for channel sockets.
    ///
    /// # Errors
    /// As [`single`](Self::single).
    pub fn allow_streaming(mut self, address: &str) -> Result<Self> {
        self.streaming.push(checked(address, &["wss", "ws"])?);
        Ok(self)
    }

    /// The base address of the REST API.
    pub fn api(&self) -> &Url {
        &self.api
    }

    /// The base address of the OAuth service.
    pub fn login(&self) -> &Url {
        &self.login
    }

    /// The address at which channel sockets are expected.
    pub fn streaming(&self) -> &Url {
        &self.streaming[0]
    }

    /// An address of the REST API; `path` begins with `/api/v2` and may carry a query.
    pub(crate) fn api_url(&self, path: &str) -> Result<Url> {
        join(&self.api, path)
    }

    /// An address of the OAuth service.
    pub(crate) fn login_url(&self, path: &str) -> Result<Url> {
        join(&self.login, path)
    }

    /// The API host as the address of a socket.
    pub(crate) fn api_socket_url(&self, path: &str) -> Result<Url> {
        let mut url = join(&self.api, path)?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        // Cannot fail: all four schemes are of the kind that has a host.
        url.set_scheme(scheme).map_err(|()| Error::config("address cannot carry a WebSocket"))?;
        Ok(url)
    }

    /// The address of a socket on another host, written with a scheme or without.
    ///
    /// Without one it is `wss`; on a loopback address, what the API is reached by. `ws` to anything but loopback needs
    /// `allow_plain`. The error does not repeat the address, which may hold a credential.
    pub(crate) fn socket_url(&self, host: &str, path: &str, allow_plain: bool) -> Result<Url> {
        let host = host.trim();
        let text = match host.split_once("://") {
            Some((scheme, rest)) => match scheme.to_ascii_lowercase().as_str() {
                "wss" | "https" => format!("wss://{rest}"),
                "ws" | "http" => format!("ws://{rest}"),
                _ => {
                    return Err(Error::config(
                        "socket address must begin with wss:// or be a host",
                    ));
                }
            },
            None => format!("wss://{host}"),
        };
        let mut base = Url::parse(&text).map_err(|error| {
            Error::config("socket address is not a host or a URL such as wss://host")
                .with_source(error)
        })?;
        let spelled = host.contains("://");
        if !spelled && is_loopback(&base) && self.api.scheme() == "http" {
            // Parsed anew, so that a port that is the default of one scheme alone is kept.
            base = Url::parse(&format!("ws://{host}"))
                .map_err(|_| Error::config("socket address is not a host"))?;
        }
        refuse_credentials(&base)?;
        refuse_plain(&base, allow_plain)?;
        join(&base, path)
    }

    /// Takes a `connectUri` only when it leads to this deployment: same scheme, and one of the hosts that are allowed.
    ///
    /// The error does not repeat the address, which is a credential.
    pub(crate) fn check_connect_uri(&self, uri: &str) -> Result<Url> {
        let url = Url::parse(uri).map_err(|_| Error::config("connectUri is not a URL"))?;
        let known = self.streaming.iter().any(|allowed| {
            allowed.scheme() == url.scheme()
                && allowed.host() == url.host()
                && allowed.port_or_known_default() == url.port_or_known_default()
        });
        if !known || !url.username().is_empty() || url.password().is_some() {
            let host = url.host_str().unwrap_or("no host");
            return Err(Error::config(format!(
                "connectUri leads to {}://{host}, which is not a streaming host of this deployment; \
                 allow it with Endpoints::allow_streaming if it is yours",
                url.scheme()
            )));
        }
        Ok(url)
    }
}

impl From<Region> for Endpoints {
    fn from(region: Region) -> Self {
        region.endpoints()
    }
}

fn join(base: &Url, path: &str) -> Result<Url> {
    let prefix = base.as_str().trim_end_matches('/');
    let slash = if path.starts_with('/') { "" } else { "/" };
    Url::parse(&format!("{prefix}{slash}{path}"))
        .map_err(|error| Error::config("path does not make a URL").with_source(error))
}

fn checked(text: &str, schemes: &[&str]) -> Result<Url> {
    let url = Url::parse(text.trim()).map_err(|error| {
        Error::config("address is not a URL such as https://host").with_source(error)
    })?;
    if !schemes.contains(&url.scheme()) || url.host().is_none() {
        return Err(Error::config(format!("address must begin with {}://", schemes[0])));
    }
    refuse_credentials(&url)?;
    refuse_plain(&url, false)?;
    Ok(url)
}

/// An address is a host, a port and a path.
fn refuse_credentials(url: &Url) -> Result<()> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::config("address must not carry a user name or password"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Error::config("address must not carry a query or fragment"));
    }
    Ok(())
}

/// Plain text goes to this machine, or where somebody said so.
fn refuse_plain(url: &Url, allowed: bool) -> Result<()> {
    let secure = matches!(url.scheme(), "https" | "wss");
    if secure || allowed || is_loopback(url) {
        return Ok(());
    }
    Err(Error::config(format!(
        "{}:// is refused for {}: plain text goes to loopback addresses only",
        url.scheme(),
        url.host_str().unwrap_or_default()
    )))
}

/// Whether a URL names this machine, by a loopback address or by `localhost`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        None => false,
    }
}

#[cfg(test)]
mod tests;
