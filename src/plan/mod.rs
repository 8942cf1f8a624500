//! From paths to work units. Units are proved, never guessed: an INSERT cannot be rolled back.

pub mod places;

pub mod discover;

pub mod compression;

pub mod pipe;

pub mod decoding;

pub mod source;

mod foreign;

mod prefix;

pub mod header;

mod json_sample;
pub mod parquet;

pub mod beginning;

pub mod split;

pub mod unit;
