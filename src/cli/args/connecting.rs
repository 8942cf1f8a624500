//! How to reach the cluster.
//! A command that opens a session takes this group.

use std::path::PathBuf;

use crate::settings::{ConsistencyLevel, FrameCompression, SerialConsistencyLevel};

/// How to reach the cluster.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Connecting")]
pub struct ConnectingArgs {
    /// Contact points, for example `db1,10.0.0.2:19042,[::1]:9042`; port 9042 where none is given
    #[arg(long, value_name = "HOST[:PORT],...", default_value = "127.0.0.1:9042")]
    pub hosts: Vec<String>,

    /// Send requests to the nodes of this datacenter only; without it, to all
    #[arg(long, value_name = "NAME")]
    pub datacenter: Option<String>,

    /// User to log in as; without it, no login
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,

    /// File whose first line is the user's password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,

    /// Encrypt the connections and check the nodes' certificates
    #[arg(long)]
    pub tls: bool,

    /// PEM file of the certificate authorities to trust; without it, the system's
    #[arg(long, value_name = "FILE.pem")]
    pub tls_ca: Option<PathBuf>,

    /// PEM file of the client's certificate chain
    #[arg(long, value_name = "FILE.pem")]
    pub tls_cert: Option<PathBuf>,

    /// PEM file of the client's private key
    #[arg(long, value_name = "FILE.pem")]
    pub tls_key: Option<PathBuf>,

    /// Name that the nodes' certificates must hold; without it, each node's IP address
    #[arg(long, value_name = "NAME")]
    pub tls_server_name: Option<String>,

    /// Do not check the nodes' certificates: anyone can pose as a node and read the password
    #[arg(long)]
    pub tls_insecure: bool,

    /// Consistency of the requests: ANY, ONE, TWO, THREE, QUORUM, ALL, LOCAL_QUORUM, EACH_QUORUM or LOCAL_ONE
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value = "LOCAL_QUORUM",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub consistency: ConsistencyLevel,

    /// Who agrees on conditions (IF): SERIAL, all replicas, or LOCAL_SERIAL, those of the local datacenter
    #[arg(
        long,
        value_name = "LEVEL",
        value_enum,
        default_value = "LOCAL_SERIAL",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub serial_consistency: SerialConsistencyLevel,

    /// Compression of the frames between here and the nodes
    #[arg(
        long,
        value_name = "lz4|none",
        value_enum,
        default_value = "none",
        ignore_case = true,
        hide_possible_values = true
    )]
    pub compression: FrameCompression,

    /// How long opening a session may take
    #[arg(long, value_name = "DURATION", default_value = "60s")]
    pub connect_timeout: String,

    /// How long a request may take before it is sent again
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub request_timeout: String,

    /// Where to reach a node that calls itself by an unreachable address, for example `10.0.0.1=127.0.0.1:19042`
    #[arg(long, value_name = "NODE=HOST:PORT,...")]
    pub address_map: Vec<String>,
}
