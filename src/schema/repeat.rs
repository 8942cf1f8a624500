//! Which statements may be executed twice, and why others must not. Pure.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a statement must not be executed a second time for the same record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Once {
    /// It adds to a counter, or takes from it.
    Counter,
    /// It has a condition, which its first execution may have changed.
    Condition,
    /// It changes a list by what is in it.
    List(String),
    /// It calls a function that does not always give the same, or of which nobody knows.
    Function(String),
}

impl fmt::Display for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Once::Counter => f.write_str("counters are added to"),
            Once::Condition => f.write_str("the statement has a condition (IF)"),
            Once::List(column) => write!(f, "elements of the list {column:?} are added or taken away"),
            Once::Function(name) => write!(f, "{name}() may not give the same value twice"),
        }
    }
}

/// Native functions that give the same for the same arguments (Cassandra, "CQL functions"; both their old and their new names).
const SAME: [&str; 39] = [
    "abs",
    "cast",
    "collection_avg",
    "collection_count",
    "collection_max",
    "collection_min",
    "collection_sum",
    "dateof",
    "exp",
    "fromjson",
    "from_json",
    "log",
    "log10",
    "map_keys",
    "map_values",
    "mask_default",
    "mask_hash",
    "mask_inner",
    "mask_null",
    "mask_outer",
    "mask_replace",
    "max_timeuuid",
    "maxtimeuuid",
    "min_timeuuid",
    "mintimeuuid",
    "round",
    "similarity_cosine",
    "similarity_dot_product",
    "similarity_euclidean",
    "to_date",
    "to_json",
    "to_timestamp",
    "to_unix_timestamp",
    "todate",
    "tojson",
    "token",
    "totimestamp",
    "tounixtimestamp",
    "unixtimestampof",
];

/// Types that native functions convert to blobs and back.
const CONVERTED: [&str; 20] = [
    "ascii",
    "bigint",
    "boolean",
    "counter",
    "date",
    "decimal",
    "double",
    "duration",
    "float",
    "inet",
    "int",
    "smallint",
    "text",
    "time",
    "timestamp",
    "timeuuid",
    "tinyint",
    "uuid",
    "varchar",
    "varint",
];

/// Whether a function, by its name in small letters, is known to give the same for the same arguments.
pub fn gives_the_same(function: &str) -> bool {
    let ends = ["_as_blob", "asblob"].iter().find_map(|end| function.strip_suffix(end));
    let begins = || ["blob_as_", "blobas"].iter().find_map(|start| function.strip_prefix(start));
    // A user's function need not have its keyspace before its name.
    let is_conversion = ends.or_else(begins).is_some_and(|cql_type| CONVERTED.contains(&cql_type));
    // One in a keyspace is a user's, whatever its name.
    !function.contains('.') && (is_conversion || SAME.contains(&function))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_functions_that_are_known_count_as_giving_the_same() {
        let check = |name: &str, expected| assert_eq!(gives_the_same(name), expected, "{name}");
        check("todate", true);
        check("to_unix_timestamp", true);
        check("textasblob", true);
        check("blob_as_int", true);
        check("blobasint", true);
        for name in [
            "now",
            "randomasblob",
            "blobas",
            "uuid",
            "current_timestamp",
            "currenttimestamp",
            "currentdate",
            "mine",
            "ks.todate",
        ] {
            check(name, false);
        }
    }
}
