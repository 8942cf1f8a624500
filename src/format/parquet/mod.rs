//! Parquet: Arrow's columns to records. [`fit`] says which of its types go into which of CQL's, [`mod@column`] which
//! is made for one, [`render`] turns a run of rows into a
//! [`RecordBatch`](super::record::RecordBatch), `nested` writes what is made of others. Pure: files are read by `plan::parquet`.

pub mod column;
pub(crate) mod direct;
pub mod fit;
mod nested;
pub mod render;
mod scalar;

#[cfg(test)]
mod tests;
