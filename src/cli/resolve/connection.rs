//! The options that say how to reach the cluster.

use std::path::PathBuf;

use rustls::pki_types::ServerName;

use super::Typed;
use crate::cli::args::ConnectingArgs;
use crate::cli::error::UsageError;
use crate::cli::secrets::{self, PASSWORD_VARIABLE};
use crate::cli::world::World;
use crate::cli::{list, value};
use crate::settings::{ClientCertificate, ConnectionSettings, Credentials, TlsSettings, TlsVerification};

/// Whether a session will be opened, so that a password is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Login {
    /// As the options say.
    AsTyped,
    /// No session will be opened.
    Never,
}

/// The connection, and what to warn of.
pub(super) fn resolve(
    typed: &Typed<'_>,
    args: &ConnectingArgs,
    login: Login,
    world: &dyn World,
    warnings: &mut Vec<String>,
) -> Result<ConnectionSettings, UsageError> {
    let hosts = hosts(typed, args)?;
    let address_map = address_map(typed, args)?;
    if args.datacenter.as_deref().is_some_and(str::is_empty) {
        return Err(typed.wrong("datacenter", "", "is empty: name it, or leave the option out".to_owned()));
    }
    let tls = tls(typed, args, warnings)?;
    let connect_timeout = typed.value("connect-timeout", &args.connect_timeout, value::timeout)?;
    let request_timeout = typed.value("request-timeout", &args.request_timeout, value::timeout)?;
    let credentials = match login {
        Login::AsTyped => credentials(typed, args, world, warnings)?,
        Login::Never => None,
    };
    Ok(ConnectionSettings {
        hosts,
        address_map,
        datacenter: args.datacenter.clone(),
        credentials,
        tls,
        consistency: args.consistency,
        serial_consistency: args.serial_consistency,
        compression: args.compression,
        connect_timeout,
        request_timeout,
    })
}

fn hosts(typed: &Typed<'_>, args: &ConnectingArgs) -> Result<Vec<String>, UsageError> {
    let mut hosts = Vec::new();
    for item in list::split(&args.hosts) {
        let host = typed.value("hosts", &item, value::host)?;
        if !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    if hosts.is_empty() {
        return Err(typed.wrong("hosts", "", "names no host: write HOST or HOST:PORT".to_owned()));
    }
    Ok(hosts)
}

fn address_map(
    typed: &Typed<'_>,
    args: &ConnectingArgs,
) -> Result<Vec<(std::net::SocketAddr, std::net::SocketAddr)>, UsageError> {
    let mut pairs = Vec::new();
    for item in list::split(&args.address_map) {
        let pair = typed.value("address-map", &item, value::address_pair)?;
        if pairs.iter().any(|(node, _)| *node == pair.0) {
            return Err(typed.wrong("address-map", &item, format!("{} is mapped twice", pair.0)));
        }
        pairs.push(pair);
    }
    Ok(pairs)
}

fn tls(
    typed: &Typed<'_>,
    args: &ConnectingArgs,
    warnings: &mut Vec<String>,
) -> Result<Option<TlsSettings>, UsageError> {
    if !args.tls {
        let given = [
            ("--tls-ca", args.tls_ca.is_some()),
            ("--tls-cert", args.tls_cert.is_some()),
            ("--tls-key", args.tls_key.is_some()),
            ("--tls-server-name", args.tls_server_name.is_some()),
            ("--tls-insecure", args.tls_insecure),
        ];
        return match given.iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(UsageError::Combination(format!(
                "{option} without --tls: the connection would not be encrypted; add --tls"
            ))),
            None => Ok(None),
        };
    }
    if args.tls_insecure && args.tls_ca.is_some() {
        return Err(UsageError::Combination(
            "--tls-insecure checks no certificate, --tls-ca says how to check it: give one of the two"
                .to_owned(),
        ));
    }
    let verification = match (&args.tls_server_name, args.tls_insecure) {
        (Some(_), true) => {
            return Err(UsageError::Combination(
                "--tls-insecure checks no name, --tls-server-name says which to check: give one of the two"
                    .to_owned(),
            ));
        }
        (Some(name), false) => {
            typed.value("tls-server-name", name, |name| {
                ServerName::try_from(name).map(|_| ()).map_err(|_| "is no host name or IP address".to_owned())
            })?;
            TlsVerification::ServerName(name.clone())
        }
        (None, true) => {
            warnings.push(
                "--tls-insecure: the nodes' certificates are NOT checked; anyone between here and the cluster can \
                 read and change what is sent, the password included"
                    .to_owned(),
            );
            TlsVerification::None
        }
        (None, false) => TlsVerification::NodeAddress,
    };
    let client = client_certificate(args.tls_cert.as_ref(), args.tls_key.as_ref())?;
    Ok(Some(TlsSettings { ca: args.tls_ca.clone(), client, verification }))
}

fn client_certificate(
    cert: Option<&PathBuf>,
    key: Option<&PathBuf>,
) -> Result<Option<ClientCertificate>, UsageError> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(ClientCertificate { cert: cert.clone(), key: key.clone() })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(UsageError::Combination(
            "--tls-cert without --tls-key: a client certificate needs its private key".to_owned(),
        )),
        (None, Some(_)) => Err(UsageError::Combination(
            "--tls-key without --tls-cert: a private key needs its certificate chain".to_owned(),
        )),
    }
}

fn credentials(
    typed: &Typed<'_>,
    args: &ConnectingArgs,
    world: &dyn World,
    warnings: &mut Vec<String>,
) -> Result<Option<Credentials>, UsageError> {
    let Some(user) = &args.user else {
        if args.password_file.is_some() {
            return Err(UsageError::Combination(
                "--password-file without --user: add --user NAME".to_owned(),
            ));
        }
        if world.variable(PASSWORD_VARIABLE).is_some_and(|value| !value.is_empty()) {
            warnings.push(format!("{PASSWORD_VARIABLE} is not used: there is no --user"));
        }
        return Ok(None);
    };
    if user.is_empty() {
        return Err(typed.wrong("user", "", "is empty: name the user, or leave the option out".to_owned()));
    }
    let origin = typed.origin("password-file");
    let file = args.password_file.as_deref().map(|path| (path, &origin));
    let (password, warning) = secrets::password(user, file, world)?;
    warnings.extend(warning);
    Ok(Some(Credentials { user: user.clone(), password }))
}
