//! TLS in the configuration: the files of the certificate and its key, read at the start, and again when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::http::{BadCertificate, Certificate, Tls};

use super::plan::PlanError;
use super::sections::ServerConfig;
use super::tokens::state;

/// A certificate's files, and what they held.
#[derive(Clone, Debug)]
pub struct TlsPlan {
    /// The file with the certificate, and those that vouch for it.
    pub certificate: PathBuf,
    /// The file with its key.
    pub key: PathBuf,
    /// What is shown to clients.
    pub tls: Tls,
}

impl TlsPlan {
    /// What the configuration says of TLS; `None` if it is not spoken. Reads the files.
    pub(super) fn new(server: &ServerConfig) -> Result<Option<Self>, PlanError> {
        match (&server.tls_certificate, &server.tls_key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => {
                let tls = Tls::new(read(certificate, key)?);
                Ok(Some(Self { certificate: certificate.clone(), key: key.clone(), tls }))
            }
            (Some(_), None) | (None, Some(_)) => Err(PlanError::Configuration(
                "server.tls_certificate and server.tls_key: either both must be set, or none".into(),
            )),
        }
    }
}

/// Reads a certificate and its key.
pub(super) fn read(certificate: &Path, key: &Path) -> Result<Certificate, PlanError> {
    let contents =
        |path: &Path| fs::read(path).map_err(|source: io::Error| PlanError::SecretFile { path: path.into(), source });
    Certificate::parse(&contents(certificate)?, &contents(key)?).map_err(|reason| {
        let (setting, path) = match reason {
            BadCertificate::Certificate => ("server.tls_certificate", certificate),
            BadCertificate::Key | BadCertificate::Mismatch => ("server.tls_key", key),
        };
        PlanError::Certificate { setting, path: path.into(), reason }
    })
}

/// Shows what is in the files, for as long as the server runs. Files that do not fit together change nothing: the other
/// one may be on its way.
pub(super) async fn follow(plan: TlsPlan) {
    let look = || (state(&plan.certificate), state(&plan.key));
    let mut seen = look();
    let mut interval = tokio::time::interval(LOOK);
    loop {
        interval.tick().await;
        let now = look();
        if now == seen {
            continue;
        }
        seen = now;
        match read(&plan.certificate, &plan.key) {
            Ok(certificate) => {
                plan.tls.replace(certificate);
                tracing::info!(file = %plan.certificate.display(), "the certificate was replaced");
            }
            Err(error) => tracing::warn!(%error, "the certificate stays as it was"),
        }
    }
}

/// Small, and on the local disk: to look costs nothing.
const LOOK: Duration = Duration::from_secs(2);
