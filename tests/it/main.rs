//! All integration tests, in one binary. Those that need a database take it from the environment (see CONTRIBUTING.md) and say that
//! they were skipped where it is not set.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests fail by panicking"
)]

mod check;
mod cli;
mod column_map;
mod compressed;
mod connect;
mod crash;
mod detection;
mod dialects;
mod difficult;
mod encodings;
mod faults;
mod forms;
mod functions;
mod gate;
mod gathering;
mod jobs;
mod json;
mod json_keys;
mod kill;
mod lists;
mod load;
mod mapping;
mod nested;
mod new_table;
mod nulls;
mod once;
mod parquet;
mod part_of_files;
mod places;
mod proxy;
mod query;
mod rejects;
mod remote;
mod resume;
mod resumed_rejects;
mod row_times;
mod s3;
mod signals;
mod state_dir;
mod stdin;
mod support;
mod types;
mod verify;
mod watching;
