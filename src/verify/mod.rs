//! Reading back what was loaded: each record of the files is read, parsed and encoded as a load does it, but instead of writing
//! the row a worker looks it up by its key and holds the bytes of each cell against those that a load would send.
//!
//! [`lookup`] is the request, [`compare`] the judgement, [`sample`] which records are looked at. Writes nothing to the cluster.

pub mod compare;
pub mod expiry;
pub mod lookup;
pub mod sample;
pub(crate) mod show;
