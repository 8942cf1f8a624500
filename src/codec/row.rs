//! A record to the values of a row.
