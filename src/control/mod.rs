//! The control channel between the coordinator and its workers: small messages, never rows.

pub mod latency;
pub mod message;
pub(crate) mod said;
pub mod transport;
