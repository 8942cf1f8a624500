//! Encoded rows to acknowledged rows: the last stage of a worker. Knows nothing of formats.
//!
//! [`engine::Engine`] is the seam: rows go in, and the outcome of each is told to the [`load::ChunkLoad`] that it came
//! from. [`cql`] sends prepared statements, INSERTs or others ([`request`]); [`count`] only counts, for dry runs and benches.

mod applied;
mod caution;
pub mod count;
pub mod cql;
pub mod encoded;
pub mod engine;
pub mod fault;
pub mod halt;
pub mod lane;
pub mod load;
pub mod request;
