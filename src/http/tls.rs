//! TLS: the certificate that this server shows, which may be replaced while it serves.
//!
//! HTTP/1.1 is all that is offered within (ALPN): a websocket and a held connect each have a connection of their own here,
//! whose end is the end of its client.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{InconsistentKeys, ServerConfig};

/// The certificate that is shown, and its key. Clones share it.
#[derive(Clone)]
pub struct Tls(Arc<Shown>);

/// A certificate, with those that vouch for it, and its key.
#[derive(Clone)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why a certificate and a key are of no use. Says nothing of what they hold.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum BadCertificate {
    /// The first file has no certificate, or one that cannot be read.
    #[error("must hold a certificate in PEM, and those that vouch for it")]
    Certificate,
    /// The second file has no key, or one that cannot be used.
    #[error("must hold a private key in PEM (PKCS #8, PKCS #1 or SEC 1), not encrypted")]
    Key,
    /// They do not belong together.
    #[error("must be the key of the certificate")]
    Mismatch,
}

struct Shown {
    current: RwLock<Certificate>,
}

impl Tls {
    /// Shows this certificate.
    pub fn new(certificate: Certificate) -> Self {
        Self(Arc::new(Shown { current: RwLock::new(certificate) }))
    }

    /// Shows another one to who connects from now on.
    pub fn replace(&self, certificate: Certificate) {
        *self.0.current.write() = certificate;
    }

    /// What is shown now.
    pub fn current(&self) -> Certificate {
        self.0.current.read().clone()
    }

    /// What a listener is told.
    ///
    /// # Errors
    /// If the crypto library has none of the versions of TLS that are spoken.
    pub fn config(&self) -> Result<ServerConfig, rustls::Error> {
        let shown: Arc<dyn ResolvesServerCert> = Arc::<Shown>::clone(&self.0);
        let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
        Ok(builder.with_no_client_auth().with_cert_resolver(shown))
    }
}

impl Certificate {
    /// Reads both files: `chain` has the server's own certificate first.
    ///
    /// # Errors
    /// [`BadCertificate`] if one of them is of no use, or they do not belong together.
    pub fn parse(chain: &[u8], key: &[u8]) -> Result<Self, BadCertificate> {
        let chain: Vec<CertificateDer<'static>> =
            CertificateDer::pem_slice_iter(chain).collect::<Result<_, _>>().map_err(|_| BadCertificate::Certificate)?;
        if chain.is_empty() {
            return Err(BadCertificate::Certificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| BadCertificate::Key)?;
        let key = provider().key_provider.load_private_key(key).map_err(|_| BadCertificate::Key)?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            // A key that cannot say what its public half is may be right.
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Self(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(BadCertificate::Mismatch),
            Err(_) => Err(BadCertificate::Certificate),
        }
    }

    /// The server's own, in DER.
    pub fn own(&self) -> Option<&[u8]> {
        self.0.end_entity_cert().ok().map(AsRef::as_ref)
    }
}

/// The library that does the sums: that of tokens too.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl ResolvesServerCert for Shown {
    /// One for whatever name the client asks for.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.current.read().0))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown(secret)")
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls(secret)")
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate(secret)")
    }
}
