//! A session with full pools, or one clear reason why there is none. Talks to the cluster through the driver only, bounds
//! every wait, and tries again where that can help. Never retries requests: sessions are made so that the driver does
//! not either, because the loader decides about rows itself.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustls::ClientConfig;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use tokio::time::{Instant, sleep, timeout};

use super::driver;
use super::failure::{self, Failure, classify, hosts_of};
use super::pools::settle;
pub use super::pools::{PoolShape, unconnected_nodes};
use super::probe::{self, Speech};
use super::tls::{self, TlsConfigError};
use crate::settings::ConnectionSettings;

/// Why there is no session: what happened, where, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No contact point has an address.
    #[error(
        "unknown host {hosts}: no address found; check the spelling in --hosts and this machine's name service"
    )]
    UnknownHost {
        /// The contact points.
        hosts: String,
    },
    /// No contact point takes a TCP connection.
    #[error("no contact point can be reached ({reasons}); check --hosts, the port, and that the node is up")]
    Unreachable {
        /// What each contact point said.
        reasons: String,
    },
    /// User and password were not accepted.
    #[error("{hosts}: login refused for user {user:?}: {message}; check --user and the password")]
    LoginRefused {
        /// The contact points.
        hosts: String,
        /// The role that wanted in.
        user: String,
        /// The server's reason.
        message: String,
    },
    /// The server wants a login and none is given.
    #[error(
        "{hosts}: the cluster wants a login; give --user, and the password with --password-file or RINGLOAD_PASSWORD"
    )]
    CredentialsNeeded {
        /// The contact points.
        hosts: String,
    },
    /// TLS cannot be set up, or one side does not accept the other.
    #[error("{message}")]
    Tls {
        /// What is wrong, where, and what to do.
        message: String,
    },
    /// The preferred datacenter does not exist.
    #[error("{hosts}: no node is in datacenter {name:?}; --datacenter must be one of: {}", existing.join(", "))]
    NoSuchDatacenter {
        /// The contact points.
        hosts: String,
        /// The datacenter that was asked for.
        name: String,
        /// Those that exist, sorted.
        existing: Vec<String>,
    },
    /// Contact points were reached, but no session came of it in time.
    #[error(
        "{hosts}: no session within {}: the last of {attempts} attempts failed: {last}; the nodes may be overloaded, \
         starting, or at their limit of connections: try again later or raise --connect-timeout",
        humantime::format_duration(*patience)
    )]
    TimedOut {
        /// The contact points.
        hosts: String,
        /// The time there was.
        patience: Duration,
        /// How many attempts were made.
        attempts: u32,
        /// How the last of them failed.
        last: String,
    },
    /// Anything else.
    #[error("{hosts}: {message}")]
    Other {
        /// The contact points.
        hosts: String,
        /// What happened and what to do.
        message: String,
    },
}

impl ConnectError {
    /// Whether it may pass by itself: the cluster is in trouble, rather than the settings wrong.
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            ConnectError::Unreachable { .. } | ConnectError::TimedOut { .. } | ConnectError::Other { .. }
        )
    }
}

impl From<TlsConfigError> for ConnectError {
    fn from(err: TlsConfigError) -> Self {
        ConnectError::Tls { message: err.to_string() }
    }
}

/// Bounds of the waits. Fixed; tests shorten them.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// How long one attempt may be silent. Long enough for a login on a busy node, short enough to leave time to ask
    /// what the port speaks within 15 s.
    attempt: Duration,
    /// How long one TCP connection may take: a lost SYN is sent again after 1 s and 3 s.
    tcp: Duration,
    /// When to begin to doubt that any contact point can be reached at all.
    first_doubt: Duration,
    /// When to give up if none can: time for a node that is restarting, and an answer within 15 s.
    unreachable: Duration,
    /// How long a bare question to a port may take.
    probe: Duration,
    /// How long the pools may take to fill once the driver has a session.
    pools: Duration,
}

const LIMITS: Limits = Limits {
    attempt: Duration::from_secs(10),
    tcp: Duration::from_secs(5),
    first_doubt: Duration::from_secs(5),
    unreachable: Duration::from_secs(10),
    probe: Duration::from_millis(1500),
    pools: Duration::from_secs(5),
};

/// The longest pause between two attempts.
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// Opens a session whose pools are full: the caller may hold a permit for session starts until this returns.
///
/// Nodes that are down are not waited for, and a pool that does not fill within 5 s does not hold the session up. With
/// a datacenter given, only its nodes are connected to. Keyspace and table names are fetched for `keyspace` only;
/// columns are not (see [`read_table`](crate::schema::table::read_table)), because one type that the driver does not
/// understand in any table of the keyspace would cost it all its metadata.
///
/// # Errors
/// What cannot be helped by waiting (unknown host, login, TLS, datacenter) comes at once, contact points that cannot be
/// reached after about 10 s, everything else after `settings.connect_timeout`.
pub async fn connect(
    settings: &ConnectionSettings,
    keyspace: &str,
    pool: PoolShape,
) -> Result<Session, ConnectError> {
    connect_within(settings, keyspace, pool, LIMITS).await
}

async fn connect_within(
    settings: &ConnectionSettings,
    keyspace: &str,
    pool: PoolShape,
    limits: Limits,
) -> Result<Session, ConnectError> {
    let tls = settings.tls.as_ref().map(tls::client_config).transpose()?;
    let builder = driver::builder(settings, keyspace, pool, tls.clone(), limits.tcp);
    let opening = Opening { settings, pool, limits, tls, reached: AtomicBool::new(false) };
    tokio::select! {
        session = opening.attempts(&builder) => session,
        error = opening.watch_for_silence() => Err(error),
    }
}

/// A session being opened.
struct Opening<'a> {
    settings: &'a ConnectionSettings,
    pool: PoolShape,
    limits: Limits,
    tls: Option<Arc<ClientConfig>>,
    /// Whether a contact point has certainly taken a TCP connection.
    reached: AtomicBool,
}

impl Opening<'_> {
    /// Tries until there is a session, a reason that will not pass, or no time.
    async fn attempts(&self, builder: &SessionBuilder) -> Result<Session, ConnectError> {
        let deadline = Instant::now() + self.settings.connect_timeout;
        let mut is_protocol_known = false;
        let mut attempt: u32 = 0;
        loop {
            attempt = attempt.saturating_add(1);
            let patience = self.limits.attempt.min(deadline.saturating_duration_since(Instant::now()));
            let (answered, last) = match self.attempt(builder, patience).await {
                Ok(session) => return Ok(session),
                Err(Failure::Fatal(error)) => return Err(error),
                Err(Failure::NotReached(reason)) => (false, reason),
                Err(Failure::Silent(reason)) => (true, reason),
                Err(Failure::Broken(reason)) => {
                    self.reached.store(true, Ordering::Relaxed);
                    (true, reason)
                }
            };
            // Now and then only: a node at its limit of connections is not helped by more of them.
            let is_time_to_ask = attempt == 1 || attempt.is_power_of_two() && Instant::now() < deadline;
            if answered && !is_protocol_known && is_time_to_ask {
                is_protocol_known = self.check_protocol().await?;
            }
            let remaining = deadline.saturating_duration_since(Instant::now());
            if remaining < self.settings.connect_timeout / 10 {
                return Err(self.out_of_time(attempt, last));
            }
            // The last attempts get as much time as the pauses before them.
            let pause = backoff(attempt, RandomState::new().hash_one(attempt));
            sleep(pause.min(remaining / 2)).await;
        }
    }

    async fn attempt(&self, builder: &SessionBuilder, patience: Duration) -> Result<Session, Failure> {
        match timeout(patience, builder.build()).await {
            Ok(Ok(session)) => {
                settle(&session, self.settings, self.pool, self.limits.pools).await?;
                Ok(session)
            }
            Ok(Err(error)) => Err(classify(&error, self.settings)),
            Err(_) => Err(Failure::Silent(format!("no answer for {:.1} s", patience.as_secs_f64()))),
        }
    }

    /// Returns once it is clear that no contact point takes TCP connections; never, if one does.
    async fn watch_for_silence(&self) -> ConnectError {
        let start = Instant::now();
        sleep(self.limits.first_doubt).await;
        while !self.reached.load(Ordering::Relaxed) {
            match probe::reach(&self.settings.hosts, self.limits.probe).await {
                Ok(()) => self.reached.store(true, Ordering::Relaxed),
                Err(reasons) if start.elapsed() >= self.limits.unreachable => {
                    return ConnectError::Unreachable { reasons };
                }
                Err(_) => sleep(self.limits.probe).await,
            }
        }
        std::future::pending().await
    }

    /// Whether the nodes are known to speak what the session speaks, with TLS or without. The driver often sees no more
    /// of a refusal than a closed connection, so the ports are asked once more by hand.
    ///
    /// # Errors
    /// They speak the other, or end the TLS handshake with a reason.
    async fn check_protocol(&self) -> Result<bool, ConnectError> {
        let (hosts, patience) = (&self.settings.hosts, self.limits.probe);
        let ours = match &self.tls {
            None => Speech::PlainCql,
            Some(config) => {
                match probe::handshake(config, hosts, patience).await {
                    Some(Ok(())) => return Ok(true),
                    Some(Err(reason)) => return Err(failure::tls_error(&reason, self.settings)),
                    None => {}
                }
                Speech::Tls
            }
        };
        let message = match (probe::mismatch(ours, hosts, patience).await, ours) {
            (None, _) => return Ok(false),
            (Some(false), _) => return Ok(true),
            (Some(true), Speech::PlainCql) => "the node speaks TLS on this port; give --tls",
            (Some(true), Speech::Tls) => failure::NOT_TLS,
        };
        Err(ConnectError::Tls { message: format!("{}: {message}", hosts_of(self.settings)) })
    }

    fn out_of_time(&self, attempts: u32, last: String) -> ConnectError {
        let hosts = hosts_of(self.settings);
        if self.reached.load(Ordering::Relaxed) {
            return ConnectError::TimedOut { hosts, patience: self.settings.connect_timeout, attempts, last };
        }
        ConnectError::Unreachable { reasons: format!("{hosts}: {last}") }
    }
}

/// The pause after the attempt of this number (from 1): doubling from 200 ms, of which half is left to chance, so that
/// many processes that failed together do not come back together.
fn backoff(attempt: u32, random: u64) -> Duration {
    let full =
        Duration::from_millis(200).saturating_mul(1 << attempt.saturating_sub(1).min(10)).min(BACKOFF_MAX);
    let half_ms = u64::try_from(full.as_millis() / 2).unwrap_or(u64::MAX);
    Duration::from_millis(half_ms + random % (half_ms + 1))
}

#[cfg(test)]
mod tests;
