//! A new session's nodes and connections: whether it knows the cluster, and when its pools are full. Looks, and sends one
//! harmless query where no node can be reached, to learn why.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::client::session::Session;
use scylla::errors::{ConnectionPoolError, ExecutionError};
use scylla::statement::{Consistency, Statement};
use tokio::time::{Instant, sleep};

use super::connect::ConnectError;
use super::failure::{Failure, classify_connection, hosts_of};
use crate::settings::ConnectionSettings;

/// How many connections a session keeps open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolShape {
    /// Connections to each Cassandra node, and to each shard of a ScyllaDB node.
    ///
    /// The driver takes one shape for the whole cluster. Its `PerHost(n)` would mean `n` connections in all to a ScyllaDB
    /// node, which leaves shards without one; its `PerShard(n)` treats a Cassandra node as one shard. So `PerShard` gives
    /// both servers what they want, and 1 is the driver's advice for ScyllaDB.
    pub connections_per_node: NonZeroUsize,
}

/// Between two looks at the pools.
const LOOK: Duration = Duration::from_millis(5);

/// Checks a new session and waits until its pools are full, or `patience` is over and at least one node is connected.
/// Nodes that are down do not count.
pub(super) async fn settle(
    session: &Session,
    settings: &ConnectionSettings,
    pool: PoolShape,
    patience: Duration,
) -> Result<(), Failure> {
    // Where the first metadata cannot be read, the driver goes on with an invention: nodes without names or datacenters.
    if session.get_cluster_state().cluster_name().is_empty() {
        return Err(Failure::Broken(
            "the cluster's metadata cannot be read (system.local, system.peers)".to_owned(),
        ));
    }
    if let Some(name) = &settings.datacenter {
        check_datacenter(session, settings, name)?;
    }
    let give_up = Instant::now() + patience;
    loop {
        let wanted = connections_wanted(session, pool);
        if wanted > 0 && session.get_metrics().get_total_connections() >= wanted {
            return Ok(());
        }
        if Instant::now() >= give_up {
            return if wanted > 0 { Ok(()) } else { Err(why_no_node(session, settings).await) };
        }
        sleep(LOOK).await;
    }
}

fn check_datacenter(session: &Session, settings: &ConnectionSettings, name: &str) -> Result<(), Failure> {
    let cluster = session.get_cluster_state();
    let mut existing: Vec<String> =
        cluster.get_nodes_info().iter().filter_map(|node| node.datacenter.clone()).collect();
    existing.sort_unstable();
    existing.dedup();
    if existing.iter().any(|datacenter| datacenter == name) {
        return Ok(());
    }
    let hosts = hosts_of(settings);
    Err(Failure::Fatal(ConnectError::NoSuchDatacenter { hosts, name: name.to_owned(), existing }))
}

/// How many connections the pools of the nodes that are up should hold. The driver's metric counts just these: the
/// control connection is not among them.
fn connections_wanted(session: &Session, pool: PoolShape) -> u64 {
    let per_shard = u64::try_from(pool.connections_per_node.get()).unwrap_or(u64::MAX);
    session
        .get_cluster_state()
        .get_nodes_info()
        .iter()
        .filter(|node| node.is_enabled() && node.is_connected())
        .map(|node| {
            node.sharder().map_or(1, |sharder| u64::from(sharder.nr_shards.get())).saturating_mul(per_shard)
        })
        .sum()
}

/// A contact point answered, but no node has taken a connection since: the driver tells why only where a request fails.
async fn why_no_node(session: &Session, settings: &ConnectionSettings) -> Failure {
    let mut question = Statement::new("SELECT key FROM system.local");
    question.set_consistency(Consistency::One);
    let nodes = unconnected_nodes(session).join(", ");
    match session.query_unpaged(question, ()).await {
        Err(ExecutionError::ConnectionPoolError(ConnectionPoolError::Broken { last_connection_error })) => {
            match classify_connection(&last_connection_error, settings) {
                Failure::NotReached(reason) => Failure::Fatal(ConnectError::Other {
                    hosts: hosts_of(settings),
                    message: format!(
                        "it answers, but no node can be reached at the address it has in the cluster ({nodes}: {reason}); \
                         give the addresses to use instead with --address-map"
                    ),
                }),
                other => other,
            }
        }
        Err(err) => Failure::Broken(format!("no connection to any node ({nodes}): {err}")),
        Ok(_) => Failure::Broken(format!("no lasting connection to any node ({nodes})")),
    }
}

/// The addresses of the nodes that the session would use but has no connection to.
pub fn unconnected_nodes(session: &Session) -> Vec<String> {
    let cluster = session.get_cluster_state();
    let nodes = cluster.get_nodes_info().iter();
    nodes
        .filter(|node| node.is_enabled() && !node.is_connected())
        .map(|node| SocketAddr::new(node.address.ip(), node.address.port()).to_string())
        .collect()
}
