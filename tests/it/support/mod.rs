//! What the tests stand on: a scratch folder, a keyspace of their own, the program itself.

pub(crate) mod database;
pub(crate) mod nodes;
pub(crate) mod numbered;
pub(crate) mod packing;
pub(crate) mod processes;
pub(crate) mod program;
pub(crate) mod relay;
pub(crate) mod s3;
pub(crate) mod scratch;
pub(crate) mod small_disk;
pub(crate) mod web;
