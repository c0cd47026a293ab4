//! The one TLS client configuration, for REST and for sockets.

use std::fmt;
use std::sync::{Arc, OnceLock};

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{CertificateError, RootCertStore};
use rustls_platform_verifier::Verifier;

use crate::error::{Error, Result};
use crate::transport::http::pool::Pool;

/// Fills with what nobody can guess: from the generator that TLS keys come from.
pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<()> {
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(bytes)
        .map_err(|_| Error::config("the system has no source of secure randomness"))
}

/// TLS sessions that are kept to be resumed: eight of each host, and a region has three hosts. The place for them is taken
/// at once, 7 KiB together.
const SESSIONS: usize = 128;

/// Whom we trust, and how we identify ourselves, on TLS 1.2 and 1.3.
///
/// The default trusts what the operating system trusts and presents no certificate. One setting serves REST calls and
/// sockets; the process-wide default of the TLS library is neither read nor changed.
///
/// What is trusted is read when the first client is built, and clones share it: give clones of one setting to many
/// clients, and they hold the system's certificates once, resume each other's TLS sessions, and make their REST calls over
/// the same connections, as long as they are built in one runtime and go the same way ([`Proxy`](crate::Proxy)).
///
/// ```
/// use genesys_cloud::Tls;
///
/// let error = Tls::new().add_root_pem(b"not PEM").unwrap_err();
/// assert!(error.to_string().contains("no certificate"));
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Tls {
    roots: Vec<CertificateDer<'static>>,
    only_extra: bool,
    identity: Option<Arc<Identity>>,
    /// Everything but the application protocols, once it is known. What is made from it resumes the same sessions.
    base: Arc<OnceLock<ClientConfig>>,
    /// The HTTP clients that were made with it.
    pub(crate) pool: Pool,
}

type Verified = Option<Arc<dyn ServerCertVerifier>>;

struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Tls {
    /// Trusts what the operating system trusts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates of a PEM file too: a corporate proxy's, a gateway's, a simulator's.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when there is no certificate in it, or one is damaged.
    pub fn add_root_pem(mut self, pem: &[u8]) -> Result<Self> {
        self.roots.extend(certificates(pem)?);
        self.changed();
        Ok(self)
    }

    /// Trusts nothing but the roots that were added.
    pub fn only_extra_roots(mut self) -> Self {
        self.only_extra = true;
        self.changed();
        self
    }

    /// Presents a client certificate, for gateways that ask for one: the chain, leaf first, and its key, both PEM.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when either cannot be read. Whether they belong together is checked when the client is built.
    pub fn client_certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| Error::config("no private key in the PEM of the client certificate"))?;
        let chain = certificates(chain)?;
        self.identity = Some(Arc::new(Identity { chain, key }));
        self.changed();
        Ok(self)
    }

    /// What was made is not what is to be made from here on.
    fn changed(&mut self) {
        (self.base, self.pool) = (Arc::default(), Pool::default());
    }

    /// A configuration that offers these application protocols.
    pub(crate) fn client_config(&self, alpn: &[&[u8]]) -> Result<Arc<ClientConfig>> {
        let mut config = if let Some(base) = self.base.get() {
            base.clone()
        } else {
            let made = self.make_base()?;
            self.base.get_or_init(|| made).clone()
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn make_base(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = self.make_verifier(&provider)?;
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::config("TLS cannot be set up").with_source(error))?;
        let builder = match verifier {
            Some(verifier) => builder.dangerous().with_custom_certificate_verifier(verifier),
            None => builder.with_root_certificates(RootCertStore::empty()),
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| {
                    Error::config("client certificate and its key cannot be used")
                        .with_source(error)
                })?,
        };
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        Ok(config)
    }

    /// Who checks the server's certificate; `None` on a machine without any roots.
    fn make_verifier(&self, provider: &Arc<CryptoProvider>) -> Result<Verified> {
        if !self.only_extra {
            return match Verifier::new_with_extra_roots(self.roots.clone(), provider.clone()) {
                Ok(verifier) => Ok(Some(Arc::new(verifier))),
                Err(error) if !self.roots.is_empty() => {
                    let message = "the root certificates that were added cannot be used";
                    Err(Error::config(message).with_source(error))
                }
                // A minimal container has no roots. It can still talk to what needs no TLS, such as a simulator.
                Err(_) => Ok(None),
            };
        }
        let mut store = RootCertStore::empty();
        for root in &self.roots {
            store.add(root.clone()).map_err(|error| {
                Error::config("a root certificate is damaged").with_source(error)
            })?;
        }
        let verifier =
            WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
                .build()
                .map_err(|error| {
                    Error::config("no server can be trusted: only_extra_roots without add_root_pem")
                        .with_source(error)
                })?;
        Ok(Some(verifier))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let found: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| Error::config("a certificate in the PEM is damaged"))?;
    if found.is_empty() {
        return Err(Error::config("there is no certificate in the PEM"));
    }
    Ok(found)
}

/// What to do about a TLS failure, in one clause; `None` when the failure says nothing that a user could act on.
pub(crate) fn advice(error: &rustls::Error) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(why) = error else {
        return None;
    };
    Some(match why {
        CertificateError::UnknownIssuer => {
            "the server's certificate comes from an authority that is not trusted here; install the system's root certificates, or add your own with Tls::add_root_pem"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host; check the region or the address"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired; if that is unlikely, check this machine's clock"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet; check this machine's clock"
        }
        _ => "the server's certificate cannot be accepted",
    })
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("extra_roots", &self.roots.len())
            .field("only_extra_roots", &self.only_extra)
            .field("client_certificate", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use rustls::HandshakeKind::{self, Full, Resumed};
    use rustls::{ClientConnection, ServerConfig, ServerConnection};

    use super::*;
    use crate::error::ErrorKind;

    fn pair() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// How a handshake with a server goes, for each configuration in turn.
    fn handshakes(server: &Arc<ServerConfig>, clients: &[Arc<ClientConfig>]) -> Vec<HandshakeKind> {
        let one = |config: &Arc<ClientConfig>| {
            let name = "localhost".try_into().unwrap();
            let mut client = ClientConnection::new(config.clone(), name).unwrap();
            let mut server = ServerConnection::new(server.clone()).unwrap();
            while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
                let (mut up, mut down) = (Vec::new(), Vec::new());
                while client.wants_write() {
                    client.write_tls(&mut up).unwrap();
                }
                server.read_tls(&mut &up[..]).unwrap();
                server.process_new_packets().unwrap();
                while server.wants_write() {
                    server.write_tls(&mut down).unwrap();
                }
                client.read_tls(&mut &down[..]).unwrap();
                client.process_new_packets().unwrap();
            }
            client.handshake_kind().unwrap()
        };
        clients.iter().map(one).collect()
    }

    #[test]
    fn clones_resume_each_others_sessions_until_one_is_changed() {
        let (cert, key) = pair();
        let tls = Tls::new().add_root_pem(cert.as_bytes()).unwrap().only_extra_roots();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let chain = certificates(cert.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        server.alpn_protocols = vec![b"http/1.1".to_vec()];
        let (other, other_key) = pair();
        let more = tls.clone().add_root_pem(other.as_bytes()).unwrap();
        let known = tls.clone().client_certificate_pem(other.as_bytes(), other_key.as_bytes());
        let clients = [
            tls.client_config(&[b"http/1.1"]).unwrap(),
            tls.clone().client_config(&[]).unwrap(),
            more.client_config(&[]).unwrap(),
            known.unwrap().client_config(&[]).unwrap(),
            tls.client_config(&[b"http/1.1"]).unwrap(),
        ];
        let kinds = handshakes(&Arc::new(server), &clients);
        assert_eq!(kinds, [Full, Resumed, Full, Full, Resumed]);
    }

    #[test]
    fn roots_and_client_certificate_make_a_configuration() {
        let (cert, key) = pair();
        let tls = Tls::new()
            .add_root_pem(cert.as_bytes())
            .unwrap()
            .only_extra_roots()
            .client_certificate_pem(cert.as_bytes(), key.as_bytes())
            .unwrap();
        let config = tls.client_config(&[b"h2", b"http/1.1"]).unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
        assert!(config.client_auth_cert_resolver.has_certs());
    }

    #[test]
    fn what_cannot_be_used_is_a_config_error_that_says_what() {
        let (cert, _) = pair();
        let (_, other_key) = pair();
        let cases = [
            (Tls::new().add_root_pem(b"").map(drop), "no certificate"),
            (
                Tls::new()
                    .add_root_pem(b"-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n")
                    .map(drop),
                "damaged",
            ),
            (
                Tls::new().client_certificate_pem(cert.as_bytes(), b"nothing").map(drop),
                "no private key",
            ),
            (Tls::new().only_extra_roots().client_config(&[]).map(drop), "only_extra_roots"),
            (
                Tls::new()
                    .add_root_pem(cert.as_bytes())
                    .unwrap()
                    .client_certificate_pem(cert.as_bytes(), other_key.as_bytes())
                    .unwrap()
                    .client_config(&[])
                    .map(drop),
                "cannot be used",
            ),
        ];
        for (outcome, words) in cases {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Config);
            assert!(error.to_string().contains(words), "{error}");
        }
    }

    #[test]
    fn debug_hides_the_key() {
        let (cert, key) = pair();
        let tls = Tls::new().client_certificate_pem(cert.as_bytes(), key.as_bytes()).unwrap();
        assert_eq!(
            format!("{tls:?}"),
            "Tls { extra_roots: 0, only_extra_roots: false, client_certificate: true, .. }"
        );
    }
}
