//! Our settings as the driver's: contact points, routing, timeouts, TLS, addresses. Opens nothing itself. The driver is told
//! to retry nothing and to send nothing twice, because the loader decides about rows itself.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use scylla::client::execution_profile::ExecutionProfile;
use scylla::client::session_builder::SessionBuilder;
use scylla::client::{Compression, PoolSize, SelfIdentity};
use scylla::errors::TranslationError;
use scylla::policies::address_translator::{AddressTranslator, UntranslatedPeer};
use scylla::policies::host_filter::DcHostFilter;
use scylla::policies::load_balancing::DefaultPolicy;
use scylla::policies::retry::FallthroughRetryPolicy;
use scylla::statement::{Consistency, SerialConsistency};

use super::pools::PoolShape;
use crate::settings::{ConnectionSettings, ConsistencyLevel, FrameCompression, SerialConsistencyLevel};

/// How seldom the driver reads metadata again without being told of a change. Changes of nodes and schema come as events,
/// so this is only a safety net, and each worker would ask.
const METADATA_REFRESH: Duration = Duration::from_secs(600);

/// The driver's settings.
pub(super) fn builder(
    settings: &ConnectionSettings,
    keyspace: &str,
    pool: PoolShape,
    tls: Option<Arc<ClientConfig>>,
    tcp_timeout: Duration,
) -> SessionBuilder {
    let mut routing = DefaultPolicy::builder().token_aware(true).permit_dc_failover(false);
    let mut builder = SessionBuilder::new()
        .known_nodes(&settings.hosts)
        .connection_timeout(tcp_timeout)
        .hostname_resolution_timeout(Some(tcp_timeout))
        .pool_size(PoolSize::PerShard(pool.connections_per_node))
        .keyspaces_to_fetch([keyspace])
        .fetch_schema_metadata(true)
        .fetch_full_schema_metadata(false)
        .cluster_metadata_refresh_interval(METADATA_REFRESH)
        .compression(match settings.compression {
            FrameCompression::Lz4 => Some(Compression::Lz4),
            FrameCompression::None => None,
        })
        .custom_identity(
            SelfIdentity::new()
                .with_application_name(env!("CARGO_PKG_NAME"))
                .with_application_version(env!("CARGO_PKG_VERSION")),
        );
    if let Some(datacenter) = &settings.datacenter {
        routing = routing.prefer_datacenter(datacenter.clone());
        builder = builder.host_filter(Arc::new(DcHostFilter::new(datacenter.clone())));
    }
    if let Some(credentials) = &settings.credentials {
        builder = builder.user(&credentials.user, credentials.password.expose());
    }
    if let Some(config) = tls {
        builder = builder.tls_context(Some(config));
    }
    if !settings.address_map.is_empty() {
        builder =
            builder.address_translator(Arc::new(AddressMap(settings.address_map.iter().copied().collect())));
    }
    // No timestamp generator is set: write times stand in the statement. No speculative execution: it would send rows twice.
    let profile = ExecutionProfile::builder()
        .consistency(consistency(settings.consistency))
        .serial_consistency(Some(serial_consistency(settings.serial_consistency)))
        .request_timeout(Some(settings.request_timeout))
        .retry_policy(Arc::new(FallthroughRetryPolicy::new()))
        .speculative_execution_policy(None)
        .load_balancing_policy(routing.build())
        .build();
    builder.default_execution_profile_handle(profile.into_handle())
}

fn serial_consistency(level: SerialConsistencyLevel) -> SerialConsistency {
    match level {
        SerialConsistencyLevel::Serial => SerialConsistency::Serial,
        SerialConsistencyLevel::LocalSerial => SerialConsistency::LocalSerial,
    }
}

fn consistency(level: ConsistencyLevel) -> Consistency {
    match level {
        ConsistencyLevel::Any => Consistency::Any,
        ConsistencyLevel::One => Consistency::One,
        ConsistencyLevel::Two => Consistency::Two,
        ConsistencyLevel::Three => Consistency::Three,
        ConsistencyLevel::Quorum => Consistency::Quorum,
        ConsistencyLevel::All => Consistency::All,
        ConsistencyLevel::LocalQuorum => Consistency::LocalQuorum,
        ConsistencyLevel::EachQuorum => Consistency::EachQuorum,
        ConsistencyLevel::LocalOne => Consistency::LocalOne,
    }
}

/// Nodes' own addresses to those that can be reached from here. An address without an entry stays as it is, unlike in the
/// driver's own map, where it is an error.
struct AddressMap(HashMap<SocketAddr, SocketAddr>);

type Translation<'a> = Pin<Box<dyn Future<Output = Result<SocketAddr, TranslationError>> + Send + 'a>>;

impl AddressTranslator for AddressMap {
    fn translate_address<'map, 'borrow, 'peer, 'answer>(
        &'map self,
        peer: &'borrow UntranslatedPeer<'peer>,
    ) -> Translation<'answer>
    where
        'map: 'answer,
        'borrow: 'answer,
        Self: 'answer,
    {
        let own = peer.untranslated_address();
        let reachable = self.0.get(&own).copied().unwrap_or(own);
        Box::pin(std::future::ready(Ok(reachable)))
    }
}
