//! Opening sessions: policies, TLS, authentication, full pools, and why a session could not be opened.
//!
//! Takes [`ConnectionSettings`](crate::settings::ConnectionSettings) and gives a driver session that is ready for
//! load. Knows nothing of tables and rows, and never writes to the cluster.

/// A session with full pools, or one clear reason why there is none.
pub mod connect;

/// TLS settings to a client configuration.
pub mod tls;

/// The client's clock against the cluster's.
pub mod clock;

/// Our settings as the driver's.
mod driver;

/// A new session's nodes, and when its pools are full.
mod pools;

/// Why a session could not be opened, and whether trying again can help.
mod failure;

/// What a contact point says to a bare TCP connection.
mod probe;
