//! What the table wants: its columns and types, how a file's fields map to them, and the statement that writes a row.

pub mod call;
pub mod column_map;
pub mod ddl;
pub mod field;
pub mod identity;
pub mod mapping;
pub mod prepare;
pub mod query;
pub mod query_plan;
pub mod repeat;
pub mod statement;
pub mod table;
pub mod types;

#[cfg(test)]
pub(crate) mod examples;
