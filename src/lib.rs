//! ringload bulk-loads files into Apache Cassandra and ScyllaDB through worker processes.
//!
//! ```text
//! paths -> InputFile -> WorkUnit -> Chunk -> RecordBatch -> BoundBatch -> request -> outcomes -> UnitReport
//!   plan::discover   plan::split   worker::read  format    codec::row     insert::*            |  coordinator
//!   ------------- coordinator ---+------------------------ worker process ---------------------+-- coordinator
//! ```
//!
//! The modules below stand in the order in which data passes through them. ARCHITECTURE.md tells the whole story.

// What the user typed: commands and flags, no I/O.
pub mod cli;

// What a misspelt name was probably meant to be.
mod nearest;

// Flags, environment and configuration file resolved into validated settings.
pub mod settings;

// This machine's clock.
pub mod clock;

// Objects of servers: what URLs name, and their bytes.
pub mod remote;

// From paths to work units with proved record boundaries.
pub mod plan;

// The parent process: hands out units, grants session permits, owns the run's state.
pub mod coordinator;

// What is known to be done, in a database that survives being killed.
pub mod ledger;

// The messages between the coordinator and its workers, and how they travel.
pub mod control;

// The child process: read, parse, encode, insert, report.
pub mod worker;

// Bytes to records; knows nothing of CQL and does no I/O.
pub mod format;

// What the table wants: its columns, the mapping of fields to columns, the statement.
pub mod schema;

// Text to CQL values; knows nothing of files.
pub mod codec;

// From files to a CREATE TABLE that fits them.
pub mod propose;

// Opening sessions: policies, TLS, authentication, full pools.
pub mod session;

// Encoded rows to acknowledged rows.
pub mod insert;

// Reading back what was loaded.
pub mod verify;

// Records that could not become rows: reject files and the error budget.
pub mod reject;

// The only module that prints: progress, summary, warnings.
pub mod report;

// What no bytes may break: for fuzzing and for tests.
#[cfg(any(test, fuzzing))]
pub mod fuzzing;

// The top-level error and its exit code.
pub mod error;
