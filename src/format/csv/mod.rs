//! CSV: RFC 4180 and its relatives. `scan` proves where records begin, `reader` turns whole records into fields; both
//! agree with csv-core, whose only configuration is made in `dialect`. What csv-core does not know is in `general`.

pub mod dialect;

pub mod scan;

mod general;

mod race;

pub mod reader;

pub mod separator;

#[cfg(test)]
pub(crate) mod cases;

#[cfg(test)]
pub(crate) mod collected;
