//! How the cluster is reached: nodes, credentials, TLS, consistency, timeouts. Goes to workers as it is, secrets included, and
//! to nobody else.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A password or other secret. Never shown by `Debug`; serialized only into the control channel.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: String) -> Self {
        Secret(secret)
    }

    /// The secret itself: call this only where it goes to the database.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// A user name and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The role's name.
    pub user: String,
    /// Its password.
    pub password: Secret,
}

/// How the node's certificate is checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVerification {
    /// The certificate must name the node's IP address.
    NodeAddress,
    /// The certificate must name this host.
    ServerName(String),
    /// Nothing is checked: anyone can pose as the node.
    None,
}

/// TLS towards the nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSettings {
    /// PEM file of the certificate authorities to trust; `None`: the system's.
    pub ca: Option<PathBuf>,
    /// PEM files of the client's certificate chain and key.
    pub client: Option<ClientCertificate>,
    /// How the node's certificate is checked.
    pub verification: TlsVerification,
}

/// The client's certificate chain and key, as PEM files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientCertificate {
    /// Certificate chain.
    pub cert: PathBuf,
    /// Private key.
    pub key: PathBuf,
}

/// The consistency levels that a request may ask for (CQL protocol v4, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsistencyLevel {
    /// Any node, a hint counts: for writes only.
    Any,
    /// One replica.
    One,
    /// Two replicas.
    Two,
    /// Three replicas.
    Three,
    /// A majority of all replicas.
    Quorum,
    /// All replicas.
    All,
    /// A majority of the replicas in the local datacenter.
    LocalQuorum,
    /// A majority of the replicas in each datacenter.
    EachQuorum,
    /// One replica in the local datacenter.
    LocalOne,
}

/// The consistency levels of a condition (IF) (CQL protocol v4, section 4.1.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[value(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SerialConsistencyLevel {
    /// A majority of all replicas agrees.
    Serial,
    /// A majority of those in the local datacenter does.
    #[default]
    LocalSerial,
}

/// Compression of the frames between client and node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum FrameCompression {
    /// LZ4.
    Lz4,
    /// None.
    None,
}

/// How to reach the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionSettings {
    /// Contact points as `host:port`, IPv6 addresses in brackets; never empty.
    pub hosts: Vec<String>,
    /// Where a node calls itself by an address that is not reachable from here: (its own address, the one to use).
    pub address_map: Vec<(SocketAddr, SocketAddr)>,
    /// The datacenter whose nodes coordinate the requests; `None`: any.
    pub datacenter: Option<String>,
    /// User and password, if the cluster asks for them.
    pub credentials: Option<Credentials>,
    /// TLS, if asked for.
    pub tls: Option<TlsSettings>,
    /// Consistency of the requests.
    pub consistency: ConsistencyLevel,
    /// Consistency of conditions.
    pub serial_consistency: SerialConsistencyLevel,
    /// Frame compression.
    pub compression: FrameCompression,
    /// How long opening a session may take, attempts included.
    pub connect_timeout: Duration,
    /// How long one request may take before it counts as lost.
    pub request_timeout: Duration,
}

#[cfg(test)]
impl ConnectionSettings {
    /// What it takes where no option says anything, but for the host.
    pub(crate) fn usual(host: &str) -> Self {
        ConnectionSettings {
            hosts: vec![host.to_owned()],
            address_map: Vec::new(),
            datacenter: None,
            credentials: None,
            tls: None,
            consistency: ConsistencyLevel::LocalQuorum,
            serial_consistency: SerialConsistencyLevel::LocalSerial,
            compression: FrameCompression::None,
            connect_timeout: Duration::from_secs(60),
            request_timeout: Duration::from_secs(30),
        }
    }
}
