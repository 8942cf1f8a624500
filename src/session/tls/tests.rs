//! Handshakes in memory against a server made by rustls itself. The certificates in `fixtures/` were made with openssl for
//! these tests only and run until 2126: an authority, a node (127.0.0.1, node1.example), a client, another authority.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    AlertDescription, CertificateError, ClientConnection, Connection, RootCertStore, ServerConfig,
    ServerConnection,
};

use super::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/session/tls/fixtures").join(name)
}

fn settings(ca: &str, verification: TlsVerification, with_client: bool) -> TlsSettings {
    TlsSettings {
        ca: Some(fixture(ca)),
        client: with_client
            .then(|| ClientCertificate { cert: fixture("client.pem"), key: fixture("client-key.pem") }),
        verification,
    }
}

/// A node that shows node.pem and, if asked to, wants a certificate of the authority.
fn node(wants_certificate: bool) -> ServerConnection {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if wants_certificate {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(fixture("ca.pem")).unwrap()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(fixture("node.pem")).unwrap()];
    let key = PrivateKeyDer::from_pem_file(fixture("node-key.pem")).unwrap();
    ServerConnection::new(Arc::new(builder.with_single_cert(chain, key).unwrap())).unwrap()
}

/// Carries bytes both ways until neither side has more to say; the first error that the client sees.
fn shake_hands(client: ClientConnection, server: ServerConnection) -> Result<(), rustls::Error> {
    let (mut client, mut server) = (Connection::from(client), Connection::from(server));
    loop {
        let mut moved = false;
        for client_speaks in [true, false] {
            let (from, to) =
                if client_speaks { (&mut client, &mut server) } else { (&mut server, &mut client) };
            let mut bytes = Vec::new();
            while from.wants_write() {
                from.write_tls(&mut bytes).unwrap();
            }
            moved |= !bytes.is_empty();
            let mut rest = bytes.as_slice();
            while !rest.is_empty() {
                to.read_tls(&mut rest).unwrap();
                let processed = to.process_new_packets();
                // What the server dislikes reaches the client as an alert.
                if !client_speaks {
                    processed?;
                }
            }
        }
        if !moved {
            assert!(!client.is_handshaking());
            return Ok(());
        }
    }
}

fn connect(settings: &TlsSettings, address: &str, wants_certificate: bool) -> Result<(), rustls::Error> {
    let config = client_config(settings).unwrap();
    // The driver hands over the node's IP address.
    let name = ServerName::try_from(address.to_owned()).unwrap();
    shake_hands(ClientConnection::new(config, name).unwrap(), node(wants_certificate))
}

#[test]
fn a_node_is_accepted_by_its_address() {
    assert_eq!(connect(&settings("ca.pem", TlsVerification::NodeAddress, false), "127.0.0.1", false), Ok(()));
}

#[test]
fn a_node_at_an_address_that_its_certificate_lacks_is_refused() {
    let refused = connect(&settings("ca.pem", TlsVerification::NodeAddress, false), "127.0.0.2", false);
    assert!(matches!(
        refused,
        Err(rustls::Error::InvalidCertificate(CertificateError::NotValidForNameContext { .. }))
    ));
}

#[test]
fn a_server_name_is_checked_instead_of_the_address() {
    let named = |name: &str| settings("ca.pem", TlsVerification::ServerName(name.to_owned()), false);
    assert_eq!(connect(&named("node1.example"), "127.0.0.2", false), Ok(()));
    assert!(connect(&named("node2.example"), "127.0.0.1", false).is_err());
}

#[test]
fn a_certificate_of_another_authority_is_refused_whatever_its_name() {
    for verification in
        [TlsVerification::NodeAddress, TlsVerification::ServerName("node1.example".to_owned())]
    {
        assert_eq!(
            connect(&settings("stranger-ca.pem", verification, false), "127.0.0.1", false),
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        );
    }
}

#[test]
fn without_checks_every_certificate_will_do() {
    assert_eq!(
        connect(&settings("stranger-ca.pem", TlsVerification::None, false), "10.0.0.1", false),
        Ok(())
    );
}

#[test]
fn a_node_that_wants_a_certificate_takes_the_clients_and_refuses_none() {
    assert_eq!(connect(&settings("ca.pem", TlsVerification::NodeAddress, true), "127.0.0.1", true), Ok(()));
    assert_eq!(
        connect(&settings("ca.pem", TlsVerification::NodeAddress, false), "127.0.0.1", true),
        Err(rustls::Error::AlertReceived(AlertDescription::CertificateRequired))
    );
}

/// Settings that cannot be used, and what their error must say.
fn check_refused(settings: TlsSettings, expected: &[&str]) {
    let message = client_config(&settings).unwrap_err().to_string();
    for part in expected {
        assert!(message.contains(part), "{message:?} should contain {part:?}");
    }
}

fn with_client(cert: PathBuf, key: PathBuf) -> TlsSettings {
    TlsSettings {
        ca: Some(fixture("ca.pem")),
        client: Some(ClientCertificate { cert, key }),
        verification: TlsVerification::NodeAddress,
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_its_option() {
    let address = TlsVerification::NodeAddress;
    check_refused(
        settings("missing.pem", address.clone(), false),
        &["--tls-ca", "missing.pem", "cannot read"],
    );
    check_refused(settings("node-key.pem", address, false), &["--tls-ca", "node-key.pem", "no certificate"]);
    check_refused(
        with_client(fixture("client-key.pem"), fixture("client-key.pem")),
        &["--tls-cert", "client-key.pem", "no certificate"],
    );
    check_refused(
        with_client(fixture("client.pem"), fixture("client.pem")),
        &["--tls-key", "client.pem", "no private key"],
    );
    check_refused(
        with_client(fixture("client.pem"), fixture("missing.pem")),
        &["--tls-key", "missing.pem", "cannot read"],
    );
}

#[test]
fn a_key_that_is_not_the_certificates_is_refused() {
    check_refused(
        with_client(fixture("client.pem"), fixture("node-key.pem")),
        &["--tls-cert", "client.pem", "--tls-key", "node-key.pem", "together"],
    );
}

#[test]
fn a_server_name_that_is_none_is_refused() {
    check_refused(
        settings("ca.pem", TlsVerification::ServerName("two words".to_owned()), false),
        &["--tls-server-name", "two words"],
    );
}

#[test]
fn all_authorities_of_a_file_are_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let both = folder.path().join("both.pem");
    let text = ["stranger-ca.pem", "ca.pem"].map(|name| std::fs::read_to_string(fixture(name)).unwrap());
    std::fs::write(&both, text.concat()).unwrap();
    let settings = TlsSettings { ca: Some(both), client: None, verification: TlsVerification::NodeAddress };
    assert_eq!(connect(&settings, "127.0.0.1", false), Ok(()));
}

#[test]
fn a_damaged_key_never_shows_in_the_message() {
    let folder = tempfile::tempdir().unwrap();
    let damaged = folder.path().join("key.pem");
    std::fs::write(&damaged, "-----BEGIN PRIVATE KEY-----\nTOPSECRET!!\n-----END PRIVATE KEY-----\n")
        .unwrap();
    let message = client_config(&with_client(fixture("client.pem"), damaged)).unwrap_err().to_string();
    assert!(message.contains("--tls-key"), "{message}");
    assert!(!message.contains("TOPSECRET"), "{message}");
}
