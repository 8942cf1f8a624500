//! Encoded rows to acknowledged rows: the last stage of a worker. Knows nothing of formats.
//!
//! [`engine::Engine`] is the seam: rows go in, and the outcome of each is told to the [`load::ChunkLoad`] that it came
//! from. [`cql`] sends prepared statements, INSERTs or others ([`request`]), several rows at once where they are [gathered](gather);
//! [`count`] only counts, for dry runs and benches.

mod applied;
mod bridge;
mod caution;
pub mod count;
pub mod cql;
pub mod encoded;
pub mod engine;
pub mod fault;
pub mod gather;
pub mod halt;
pub mod lane;
pub mod load;
pub mod prospect;
mod replicas;
pub mod request;
pub mod token;
mod watchdog;
mod weight;
mod wire;
