//! TLS settings to a rustls client configuration: which authorities are trusted, what the node's certificate must name,
//! which certificate the client shows. Reads the PEM files that the options name; opens no connections. Private
//! keys stay inside the configuration and never reach an error message.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::settings::{ClientCertificate, TlsSettings, TlsVerification};

/// Why the TLS settings cannot be used. Nothing was sent to any node.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    /// A file cannot be read.
    #[error("{option}: cannot read {}: {source}; give the path of a PEM file", path.display())]
    ReadFile {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// A file is damaged.
    #[error("{option}: {} is not a sound PEM file: {reason}; export it again as PEM", path.display())]
    BadPem {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong in it.
        reason: String,
    },
    /// A file holds no certificate.
    #[error(
        "{option}: {} holds no certificate; give a PEM file with a -----BEGIN CERTIFICATE----- block \
         (a Java keystore must be exported as PEM first)",
        path.display()
    )]
    NoCertificate {
        /// The option that names the file.
        option: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A certificate cannot be taken as an authority.
    #[error("--tls-ca: a certificate in {} cannot be used: {reason}; check that it is an X.509 certificate", path.display())]
    BadAuthority {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: rustls::Error,
    },
    /// A file holds no private key.
    #[error(
        "--tls-key: {} holds no private key that can be read; give it unencrypted as PEM (PKCS#8, PKCS#1 or SEC1)",
        path.display()
    )]
    NoKey {
        /// The file.
        path: PathBuf,
    },
    /// The client's certificate and key do not fit together, or their kind is not supported.
    #[error(
        "--tls-cert {} and --tls-key {} cannot be used together: {reason}; give the key that belongs to \
         the first certificate of the chain",
        cert.display(), key.display()
    )]
    BadClientCertificate {
        /// The chain's file.
        cert: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong.
        reason: rustls::Error,
    },
    /// The system has no certificate authorities.
    #[error(
        "this system has no usable certificate authorities{}; name the cluster's own with --tls-ca FILE.pem",
        note(reason)
    )]
    NoSystemAuthorities {
        /// The first reason that the system gave, or empty.
        reason: String,
    },
    /// The name to check for is not a name.
    #[error(
        "--tls-server-name: {name:?} is neither a host name nor an IP address; give the name in the node's certificate"
    )]
    BadServerName {
        /// What was given.
        name: String,
    },
    /// Anything else that rustls refuses.
    #[error("TLS cannot be set up: {0}; check the --tls options")]
    Setup(String),
}

fn note(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}

/// The client configuration for these settings.
///
/// The driver hands rustls the node's IP address as the server's name, so with [`TlsVerification::NodeAddress`] the
/// certificate must carry that address (RFC 5280, section 4.2.1.6, iPAddress).
///
/// # Errors
/// A file cannot be read or holds nothing usable; the client's key does not fit its certificate.
pub fn client_config(settings: &TlsSettings) -> Result<Arc<ClientConfig>, TlsConfigError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|err| TlsConfigError::Setup(err.to_string()))?;
    let builder = match &settings.verification {
        TlsVerification::NodeAddress => {
            let verifier = chain_verifier(authorities(settings.ca.as_deref())?, &provider)?;
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        TlsVerification::ServerName(name) => {
            let server_name = ServerName::try_from(name.clone())
                .map_err(|_| TlsConfigError::BadServerName { name: name.clone() })?;
            let chain = chain_verifier(authorities(settings.ca.as_deref())?, &provider)?;
            let verifier = Arc::new(OneNameForAllNodes { name: server_name, chain });
            builder.dangerous().with_custom_certificate_verifier(verifier)
        }
        TlsVerification::None => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AnyNode { provider }))
        }
    };
    let config = match &settings.client {
        Some(client) => {
            let chain = certificates("--tls-cert", &client.cert)?;
            let key = private_key(&client.key)?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|reason| bad_client_certificate(client, reason))?
        }
        None => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

/// A configuration that accepts every certificate: only for finding out whether a port speaks TLS.
pub(super) fn probing_config() -> Result<Arc<ClientConfig>, TlsConfigError> {
    client_config(&TlsSettings { ca: None, client: None, verification: TlsVerification::None })
}

fn bad_client_certificate(client: &ClientCertificate, reason: rustls::Error) -> TlsConfigError {
    TlsConfigError::BadClientCertificate { cert: client.cert.clone(), key: client.key.clone(), reason }
}

fn chain_verifier(
    roots: RootCertStore,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsConfigError> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .build()
        .map_err(|err| TlsConfigError::Setup(err.to_string()))
}

/// The trusted authorities: every certificate of the file, or the system's.
fn authorities(ca: Option<&Path>) -> Result<RootCertStore, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        let system = rustls_native_certs::load_native_certs();
        let (usable, _) = roots.add_parsable_certificates(system.certs);
        if usable == 0 {
            let reason = system.errors.first().map(ToString::to_string).unwrap_or_default();
            return Err(TlsConfigError::NoSystemAuthorities { reason });
        }
        return Ok(roots);
    };
    for certificate in certificates("--tls-ca", path)? {
        roots
            .add(certificate)
            .map_err(|reason| TlsConfigError::BadAuthority { path: path.to_owned(), reason })?;
    }
    Ok(roots)
}

fn certificates(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|err| pem_error(option, path, err))?;
    if found.is_empty() {
        return Err(TlsConfigError::NoCertificate { option, path: path.to_owned() });
    }
    Ok(found)
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsConfigError> {
    PrivateKeyDer::from_pem_file(path).map_err(|err| match err {
        pem::Error::NoItemsFound => TlsConfigError::NoKey { path: path.to_owned() },
        other => pem_error("--tls-key", path, other),
    })
}

fn pem_error(option: &'static str, path: &Path, err: pem::Error) -> TlsConfigError {
    let path = path.to_owned();
    match err {
        pem::Error::Io(source) => TlsConfigError::ReadFile { option, path, source },
        pem::Error::NoItemsFound => TlsConfigError::NoCertificate { option, path },
        pem::Error::MissingSectionEnd { .. } => {
            TlsConfigError::BadPem { option, path, reason: "a block has no -----END line".to_owned() }
        }
        // The texts of the other errors may quote the file, and the file may be a private key.
        _ => TlsConfigError::BadPem { option, path, reason: "a block is damaged".to_owned() },
    }
}

/// Checks every node's certificate against one given name instead of the node's address.
#[derive(Debug)]
struct OneNameForAllNodes {
    name: ServerName<'static>,
    chain: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for OneNameForAllNodes {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        self.chain.verify_server_cert(end_entity, intermediates, &self.name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.chain.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}

/// Takes every certificate. The handshake's signatures are still checked, so the peer holds the certificate's key;
/// whose certificate it is remains unknown.
#[derive(Debug)]
struct AnyNode {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyNode {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests;
