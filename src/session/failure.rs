//! Why a session could not be opened, and whether trying again can help: a decision over the driver's error types, made
//! nowhere else. Pure; what it cannot see (which host, what a port speaks) the caller adds.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};
use scylla::errors::{
    BrokenConnectionError, BrokenConnectionErrorKind, ConnectionError, ConnectionPoolError,
    ConnectionSetupRequestErrorKind as SetupKind, DbError, FrameHeaderParseError, MetadataError,
    NewSessionError,
};

use super::connect::ConnectError;
use crate::settings::ConnectionSettings;

/// What became of one attempt at a session.
#[derive(Debug)]
pub(super) enum Failure {
    /// Trying again cannot help.
    Fatal(ConnectError),
    /// No TCP connection was made.
    NotReached(String),
    /// A TCP connection was made, then closed or refused for load.
    Broken(String),
    /// Nothing came back in time; whether a TCP connection was made is not known.
    Silent(String),
}

/// Sorts an error of the driver.
pub(super) fn classify(error: &NewSessionError, settings: &ConnectionSettings) -> Failure {
    match error {
        NewSessionError::FailedToResolveAnyHostname(_) => {
            Failure::Fatal(ConnectError::UnknownHost { hosts: hosts_of(settings) })
        }
        NewSessionError::MetadataError(MetadataError::ConnectionPoolError(ConnectionPoolError::Broken {
            last_connection_error,
        })) => classify_connection(last_connection_error, settings),
        NewSessionError::MetadataError(other) => Failure::Broken(other.to_string()),
        other => Failure::Fatal(other_error(settings, other.to_string())),
    }
}

/// The contact points as one text.
pub(super) fn hosts_of(settings: &ConnectionSettings) -> String {
    settings.hosts.join(", ")
}

/// An operating system's reason in few words, the same on every system.
pub(super) fn io_reason(err: &io::Error) -> String {
    match err.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        io::ErrorKind::TimedOut => "no answer".to_owned(),
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => "no route to it".to_owned(),
        io::ErrorKind::ConnectionReset => "connection reset".to_owned(),
        io::ErrorKind::UnexpectedEof => "connection closed".to_owned(),
        _ => err.to_string(),
    }
}

/// Sorts an error of one connection.
pub(super) fn classify_connection(error: &ConnectionError, settings: &ConnectionSettings) -> Failure {
    match error {
        ConnectionError::ConnectTimeout => Failure::NotReached("no answer".to_owned()),
        ConnectionError::IoError(err) => classify_io(err, settings),
        ConnectionError::BrokenConnection(broken) => classify_broken(broken, settings),
        ConnectionError::ConnectionSetupRequestError(setup) => classify_setup(setup.get_error(), settings),
        ConnectionError::NoSourcePortForShard(_) => Failure::Broken(error.to_string()),
        other => Failure::Fatal(other_error(settings, other.to_string())),
    }
}

fn classify_io(err: &io::Error, settings: &ConnectionSettings) -> Failure {
    if let Some(tls) = tls_cause(err) {
        return tls_failure(tls, settings);
    }
    match err.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Failure::Broken(io_reason(err)),
        _ => Failure::NotReached(io_reason(err)),
    }
}

fn classify_broken(broken: &BrokenConnectionError, settings: &ConnectionSettings) -> Failure {
    let Some(kind) = broken.downcast_ref::<BrokenConnectionErrorKind>() else {
        return Failure::Broken(broken.to_string());
    };
    match kind {
        BrokenConnectionErrorKind::FrameHeaderParseError(
            FrameHeaderParseError::HeaderIoError(err) | FrameHeaderParseError::BodyChunkIoError(_, err),
        )
        | BrokenConnectionErrorKind::WriteError(err) => match tls_cause(err) {
            Some(tls) => tls_failure(tls, settings),
            None => Failure::Broken(io_reason(err)),
        },
        BrokenConnectionErrorKind::FrameHeaderParseError(FrameHeaderParseError::VersionNotSupported(
            version,
        )) => {
            let message = format!(
                "it speaks version {version} of the CQL protocol where 4 is needed; use Cassandra 2.2 or later, or ScyllaDB"
            );
            Failure::Fatal(other_error(settings, message))
        }
        BrokenConnectionErrorKind::FrameHeaderParseError(
            FrameHeaderParseError::FrameFromClient | FrameHeaderParseError::UnknownResponseOpcode(_),
        ) => Failure::Fatal(other_error(settings, NOT_CQL.to_owned())),
        // The driver loses the cause where the connection breaks between two requests.
        BrokenConnectionErrorKind::ChannelError => Failure::Broken("connection closed".to_owned()),
        other => Failure::Broken(other.to_string()),
    }
}

const NOT_CQL: &str =
    "what listens there does not speak CQL; check the port in --hosts (CQL's is usually 9042)";

fn classify_setup(reason: &SetupKind, settings: &ConnectionSettings) -> Failure {
    match reason {
        SetupKind::MissingAuthentication => {
            Failure::Fatal(ConnectError::CredentialsNeeded { hosts: hosts_of(settings) })
        }
        SetupKind::DbError(DbError::AuthenticationError, message) if !is_login_undecided(message) => {
            Failure::Fatal(login_refused(settings, message))
        }
        SetupKind::DbError(DbError::Unauthorized, message) => {
            Failure::Fatal(login_refused(settings, message))
        }
        SetupKind::DbError(DbError::ProtocolError, message) => Failure::Fatal(other_error(
            settings,
            format!("{message}; use a server that speaks version 4 of the CQL protocol"),
        )),
        SetupKind::DbError(_, message) => Failure::Broken(format!("the server answers {message:?}")),
        SetupKind::StartAuthSessionError(err)
        | SetupKind::AuthChallengeEvaluationError(err)
        | SetupKind::AuthFinishError(err) => Failure::Fatal(login_refused(settings, &err.to_string())),
        SetupKind::BrokenConnection(broken) => classify_broken(broken, settings),
        SetupKind::UnableToAllocStreamId => Failure::Broken(reason.to_string()),
        _ => Failure::Fatal(other_error(settings, NOT_CQL.to_owned())),
    }
}

/// Cassandra answers with the code of bad credentials also where it could not look the role up, for want of replicas of
/// its system_auth keyspace or of time; only the text tells. That passes, a wrong password does not.
fn is_login_undecided(message: &str) -> bool {
    ["Unable to perform authentication", "Error during authentication"]
        .iter()
        .any(|start| message.starts_with(start))
}

fn login_refused(settings: &ConnectionSettings, message: &str) -> ConnectError {
    ConnectError::LoginRefused {
        hosts: hosts_of(settings),
        user: settings.credentials.as_ref().map_or_else(String::new, |credentials| credentials.user.clone()),
        message: message.to_owned(),
    }
}

fn other_error(settings: &ConnectionSettings, message: String) -> ConnectError {
    ConnectError::Other { hosts: hosts_of(settings), message }
}

/// The TLS error inside an I/O error, if it is one.
fn tls_cause(err: &io::Error) -> Option<&rustls::Error> {
    let mut cause: Option<&(dyn StdError + 'static)> = err.get_ref().map(|inner| inner as _);
    while let Some(error) = cause {
        if let Some(tls) = error.downcast_ref::<rustls::Error>() {
            return Some(tls);
        }
        cause = error.source();
    }
    None
}

fn tls_failure(error: &rustls::Error, settings: &ConnectionSettings) -> Failure {
    Failure::Fatal(tls_error(error, settings))
}

/// What a TLS error means to the user.
pub(super) fn tls_error(error: &rustls::Error, settings: &ConnectionSettings) -> ConnectError {
    let has_certificate = settings.tls.as_ref().is_some_and(|tls| tls.client.is_some());
    ConnectError::Tls { message: format!("{}: {}", hosts_of(settings), tls_reason(error, has_certificate)) }
}

/// What is wrong with TLS and what to do.
fn tls_reason(error: &rustls::Error, has_certificate: bool) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => certificate_reason(reason),
        rustls::Error::InvalidMessage(_) => NOT_TLS.to_owned(),
        rustls::Error::PeerIncompatible(reason) => {
            format!(
                "the node and ringload have no TLS version or cipher in common ({reason:?}); allow TLS 1.2 or 1.3 there"
            )
        }
        rustls::Error::AlertReceived(alert) => alert_reason(*alert, has_certificate),
        other => format!("TLS failed: {other}; check the node's TLS settings"),
    }
}

/// Said of a port that answers, but not in TLS.
pub(super) const NOT_TLS: &str =
    "the node does not speak TLS on this port; leave --tls out, or give the TLS port in --hosts";

fn certificate_reason(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => {
            "the node's certificate is signed by an authority that is not trusted; \
             give that authority's certificate with --tls-ca FILE.pem"
                .to_owned()
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare_name(name)).collect();
            let names = if names.is_empty() { "no host at all".to_owned() } else { names.join(", ") };
            format!(
                "the node's certificate is not for {}: it names {names}; if that is the right node, give a name from \
                 its certificate with --tls-server-name",
                expected.to_str()
            )
        }
        CertificateError::NotValidForName => {
            "the node's certificate does not name the node's address; if it is the \
             right node, give a name from its certificate with --tls-server-name"
                .to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the node's certificate has expired; renew it, or check this machine's clock".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the node's certificate is not valid yet; check this machine's clock".to_owned()
        }
        other => {
            format!("the node's certificate is not accepted: {other}; check it with `openssl x509 -text`")
        }
    }
}

/// A name that rustls shows as `DnsName("node1")` or `IpAddress(10.0.0.1)`, without the wrapping.
fn bare_name(shown: &str) -> &str {
    let inside = shown.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(shown).trim_matches('"')
}

fn alert_reason(alert: AlertDescription, has_certificate: bool) -> String {
    match alert {
        AlertDescription::ProtocolVersion | AlertDescription::InsufficientSecurity => {
            format!(
                "the node and ringload have no TLS version or cipher in common ({alert:?}); allow TLS 1.2 or 1.3 there"
            )
        }
        // A node that misses or dislikes the client's certificate says so in any of these ways.
        AlertDescription::CertificateRequired
        | AlertDescription::NoCertificate
        | AlertDescription::HandshakeFailure
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateUnknown
        | AlertDescription::UnknownCA
        | AlertDescription::AccessDenied => {
            if has_certificate {
                format!(
                    "the node does not accept the client's certificate ({alert:?}); check --tls-cert and --tls-key"
                )
            } else {
                format!("the node wants a client certificate ({alert:?}); give --tls-cert and --tls-key")
            }
        }
        // What Cassandra says where it does not trust the client's certificate and OpenSSL does its TLS.
        AlertDescription::InternalError if has_certificate => format!(
            "the node ended TLS with alert {alert:?}: it may not trust the client's certificate; check --tls-cert, \
             and the node's log"
        ),
        other => format!("the node ended TLS with alert {other:?}; look into the node's log"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    fn settings() -> ConnectionSettings {
        ConnectionSettings {
            hosts: vec!["db1:9042".to_owned(), "db2:9042".to_owned()],
            connect_timeout: Duration::from_secs(1),
            request_timeout: Duration::from_secs(1),
            ..ConnectionSettings::usual("db1:9042")
        }
    }

    fn kind(failure: &Failure) -> String {
        match failure {
            Failure::Fatal(error) => {
                let text = format!("{error:?}");
                text.split([' ', '{']).next().unwrap().to_owned()
            }
            Failure::NotReached(_) => "not reached".to_owned(),
            Failure::Broken(_) => "broken".to_owned(),
            Failure::Silent(_) => "silent".to_owned(),
        }
    }

    fn check_connection(error: ConnectionError, expected: &str) {
        let failure = classify(
            &NewSessionError::MetadataError(MetadataError::ConnectionPoolError(
                ConnectionPoolError::Broken { last_connection_error: error },
            )),
            &settings(),
        );
        assert_eq!(kind(&failure), expected, "{failure:?}");
    }

    fn broken(kind: BrokenConnectionErrorKind) -> ConnectionError {
        ConnectionError::BrokenConnection(kind.into())
    }

    fn io_error(kind: io::ErrorKind) -> ConnectionError {
        ConnectionError::IoError(Arc::new(kind.into()))
    }

    #[test]
    fn what_never_reached_a_node_is_told_from_what_a_node_broke_off() {
        check_connection(ConnectionError::ConnectTimeout, "not reached");
        check_connection(io_error(io::ErrorKind::ConnectionRefused), "not reached");
        check_connection(io_error(io::ErrorKind::HostUnreachable), "not reached");
        check_connection(io_error(io::ErrorKind::ConnectionReset), "broken");
        check_connection(io_error(io::ErrorKind::UnexpectedEof), "broken");
        check_connection(broken(BrokenConnectionErrorKind::ChannelError), "broken");
        let eof = FrameHeaderParseError::HeaderIoError(io::ErrorKind::UnexpectedEof.into());
        check_connection(broken(BrokenConnectionErrorKind::FrameHeaderParseError(eof)), "broken");
    }

    #[test]
    fn what_waiting_cannot_help_is_final() {
        let unknown = NewSessionError::FailedToResolveAnyHostname(vec!["db1".to_owned()]);
        let failure = classify(&unknown, &settings());
        assert_eq!(kind(&failure), "UnknownHost");
        let Failure::Fatal(error) = failure else { unreachable!("just compared") };
        assert!(error.to_string().starts_with("unknown host db1:9042, db2:9042: "), "{error}");

        let frame = |err| broken(BrokenConnectionErrorKind::FrameHeaderParseError(err));
        check_connection(frame(FrameHeaderParseError::FrameFromClient), "Other");
        check_connection(frame(FrameHeaderParseError::VersionNotSupported(3)), "Other");
        let alert = rustls::Error::AlertReceived(AlertDescription::CertificateRequired);
        check_connection(
            ConnectionError::IoError(Arc::new(io::Error::new(io::ErrorKind::InvalidData, alert))),
            "Tls",
        );
        let hidden = io::Error::other(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer));
        check_connection(frame(FrameHeaderParseError::HeaderIoError(hidden)), "Tls");
    }

    #[test]
    fn answers_to_a_start_up_are_sorted_by_their_code() {
        let unavailable = "Unable to perform authentication: Cannot achieve consistency level QUORUM";
        for (code, message, expected) in [
            (
                DbError::AuthenticationError,
                "Provided username x and/or password are incorrect",
                "LoginRefused",
            ),
            (DbError::AuthenticationError, unavailable, "broken"),
            (DbError::Unauthorized, "no access to this datacenter", "LoginRefused"),
            (DbError::ProtocolError, "unsupported protocol version", "Other"),
            (DbError::Overloaded, "busy", "broken"),
            (DbError::IsBootstrapping, "not yet", "broken"),
            (DbError::ServerError, "oops", "broken"),
        ] {
            let failure = classify_setup(&SetupKind::DbError(code, message.to_owned()), &settings());
            assert_eq!(kind(&failure), expected, "{message}");
        }
        assert_eq!(
            kind(&classify_setup(&SetupKind::MissingAuthentication, &settings())),
            "CredentialsNeeded"
        );
    }

    fn check_tls(error: rustls::Error, has_certificate: bool, expected: &str) {
        let reason = tls_reason(&error, has_certificate);
        assert!(reason.contains(expected), "{reason:?} should contain {expected:?}");
    }

    #[test]
    fn tls_errors_end_with_what_to_do() {
        let certificate = rustls::Error::InvalidCertificate;
        let alert = rustls::Error::AlertReceived;
        check_tls(certificate(CertificateError::UnknownIssuer), false, "--tls-ca");
        check_tls(certificate(CertificateError::Expired), false, "renew it");
        check_tls(certificate(CertificateError::NotValidForName), false, "--tls-server-name");
        let named = CertificateError::NotValidForNameContext {
            expected: "db9".try_into().unwrap(),
            presented: vec!["DnsName(\"db1\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()],
        };
        check_tls(certificate(named), false, "not for db9: it names db1, 10.0.0.1;");
        let nameless = CertificateError::NotValidForNameContext {
            expected: "db9".try_into().unwrap(),
            presented: Vec::new(),
        };
        check_tls(certificate(nameless), false, "it names no host at all;");
        check_tls(
            rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType),
            false,
            "leave --tls out",
        );
        check_tls(alert(AlertDescription::CertificateRequired), false, "give --tls-cert and --tls-key");
        check_tls(alert(AlertDescription::BadCertificate), true, "check --tls-cert and --tls-key");
        check_tls(alert(AlertDescription::InternalError), true, "check --tls-cert");
        check_tls(alert(AlertDescription::InternalError), false, "the node's log");
        check_tls(alert(AlertDescription::ProtocolVersion), true, "TLS 1.2 or 1.3");
    }
}
