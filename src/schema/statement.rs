//! The statement that writes a row, and the columns behind its markers. Pure text.

use serde::{Deserialize, Serialize};

use super::call::Call;
use super::mapping::Term;
use super::repeat::Once;
use super::table::{Column, ColumnRole};
use super::types::CqlType;
use crate::settings::{NullAs, TableName};

/// What a worker needs to know of the table: sent to it by the coordinator.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowPlan {
    /// `INSERT INTO ks.t (…) VALUES (?, …) USING TIMESTAMP ?`; where there is a `ttl`, `USING TTL ? AND TIMESTAMP ?`.
    pub statement: String,
    /// The columns behind the markers, in order; the last marker is the write time, a bigint.
    pub columns: Vec<Column>,
    /// What is behind the marker before it, an int; `None`: it is not there, and rows live as long as the table's default says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<Ttl>,
    /// Places among the columns at which a null is sent as one, instead of being left unset.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nulls: Vec<usize>,
    /// Places among the columns that are not a column's whole value, but an argument or another part of the statement.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<usize>,
    /// Columns that functions fill; of a statement of the user's own, the lists that are not frozen which it fills.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<Column>,
    /// Where the marker of the write time is, if not at the end.
    #[serde(default, skip_serializing_if = "Stamp::is_last")]
    pub stamp: Stamp,
    /// Why it must not be executed twice for one record, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub once: Option<Once>,
    /// Whether its answer says if it was applied.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub conditional: bool,
    /// Whether the statement is the user's own: what its markers are called is theirs to say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own: bool,
}

/// Where the marker of a row's write time is among those of the statement. In the encoder's form it is always the last value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stamp {
    /// Behind all others.
    #[default]
    Last,
    /// Behind so many others.
    Behind(usize),
    /// There is none: the server, or the statement itself, says when rows are written.
    Nowhere,
}

impl Stamp {
    fn is_last(&self) -> bool {
        *self == Stamp::Last
    }
}

/// Where a row's time to live comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ttl {
    /// So many seconds for all rows; 0: for ever.
    Seconds(u32),
    /// A field of the record; where it is null, it is left unset.
    Field,
}

impl RowPlan {
    /// How many markers the statement has.
    pub fn markers(&self) -> usize {
        self.columns.len() + usize::from(self.ttl.is_some()) + usize::from(self.stamp != Stamp::Nowhere)
    }

    /// The columns that records fill themselves, and that can be compared with them.
    pub fn comparable(&self) -> Vec<Column> {
        let columns = self.columns.iter().enumerate().filter(|(at, _)| !self.arguments.contains(at));
        columns.map(|(_, column)| column.clone()).collect()
    }

    /// The same, but for nulls, which take away what is in their cells (keys aside, which never are null, and counters, which are
    /// only added to).
    pub fn with_null_as(mut self, null_as: NullAs) -> Self {
        if null_as == NullAs::Tombstone {
            let is_taken = |column: &Column| !column.role.is_key() && column.role != ColumnRole::Counter;
            let columns = self.columns.iter().enumerate();
            self.nulls = columns.filter(|(_, column)| is_taken(column)).map(|(at, _)| at).collect();
        }
        self
    }
}

/// The statement that reads these columns of one row, and what stands behind its markers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadPlan {
    /// `SELECT c, WRITETIME(c), … FROM ks.t WHERE k = ? AND …`. Of a column that is kept as many cells the latest write time.
    pub statement: String,
    /// The same without the write times of columns of many cells, of which Cassandra before 5.0 and ScyllaDB tell none; `None` where
    /// there is no such column.
    pub for_older_servers: Option<String>,
    /// The key columns behind the markers, in order.
    pub keys: Vec<Column>,
    /// The other columns in order: each comes as its value and its write time, a bigint. Where there is none, a key column comes
    /// instead.
    pub values: Vec<Column>,
}

/// The statement that reads these columns of a row by its key, which is among them; the others with their write times, which key
/// columns have none of.
pub fn select_statement(table: &TableName, columns: &[Column]) -> ReadPlan {
    let (keys, values): (Vec<Column>, Vec<Column>) =
        columns.iter().cloned().partition(|column| column.role.is_key());
    let restrictions: Vec<String> =
        keys.iter().map(|column| format!("{} = ?", quoted(&column.name))).collect();
    let select = |time_of_many: &dyn Fn(&str) -> String| {
        let selected = values.iter().map(|column| {
            let name = quoted(&column.name);
            let time = match column.cql_type.is_multi_cell() {
                true => time_of_many(&name),
                false => format!(", WRITETIME({name})"),
            };
            name + &time
        });
        let mut selected: Vec<String> = selected.collect();
        if selected.is_empty() {
            selected.extend(keys.first().map(|column| quoted(&column.name)));
        }
        format!(
            "SELECT {} FROM {}.{} WHERE {}",
            selected.join(", "),
            quoted(&table.keyspace),
            quoted(&table.table),
            restrictions.join(" AND "),
        )
    };
    let statement = select(&|name| format!(", MAXWRITETIME({name})"));
    let has_many = values.iter().any(|column| column.cql_type.is_multi_cell());
    let for_older_servers = has_many.then(|| select(&|_| String::new()));
    ReadPlan { statement, for_older_servers, keys, values }
}

/// The statement that writes these columns of a row at a given time, and what stands behind its markers.
pub fn insert_statement(table: &TableName, columns: &[Column], ttl: Option<Ttl>) -> RowPlan {
    let terms: Vec<Term> = columns.iter().cloned().map(Term::marker).collect();
    write_statement(table, &terms, ttl, NullAs::Unset).0
}

/// The statement that writes these columns, each with what fills it: an INSERT, or an UPDATE where they are counters. What is behind its
/// markers is told by the places of the same in the terms' order. The types of functions' arguments are the server's to say: they
/// stand as blobs until then.
pub fn write_statement(
    table: &TableName,
    terms: &[Term],
    ttl: Option<Ttl>,
    null_as: NullAs,
) -> (RowPlan, Vec<usize>) {
    let is_counter = terms.iter().any(|term| term.column.role == ColumnRole::Counter);
    let begins: Vec<usize> = terms
        .iter()
        .scan(0, |next, term| {
            let begin = *next;
            *next += term.markers();
            Some(begin)
        })
        .collect();
    let mut terms: Vec<(usize, &Term)> = begins.into_iter().zip(terms).collect();
    if is_counter {
        terms.sort_by_key(|(_, term)| term.column.role.is_key());
    }
    let mut plan = RowPlan { ttl, ..RowPlan::default() };
    let mut places = Vec::new();
    for (begin, term) in &terms {
        places.extend(*begin..begin + term.markers());
        let Some(call) = &term.call else {
            plan.columns.push(term.column.clone());
            continue;
        };
        let argument = Column { cql_type: CqlType::Blob, role: ColumnRole::Regular, ..term.column.clone() };
        plan.arguments.extend(plan.columns.len()..plan.columns.len() + term.markers());
        plan.columns.extend(std::iter::repeat_n(argument, term.markers()));
        plan.called.push(term.column.clone());
        plan.once = plan.once.or_else(|| call.not_the_same().map(|name| Once::Function(name.to_owned())));
    }
    // What a function makes of a null is its own affair, and it cannot be called with what is not set.
    let arguments = plan.arguments.clone();
    plan = plan.with_null_as(null_as);
    plan.nulls.extend(arguments);
    plan.nulls.sort_unstable();
    plan.nulls.dedup();
    plan.statement = match is_counter {
        true => counting(table, &terms),
        false => inserting(table, &terms, ttl),
    };
    if is_counter {
        (plan.stamp, plan.once) = (Stamp::Nowhere, Some(Once::Counter));
    }
    (plan, places)
}

fn value(term: &Term) -> String {
    term.call.as_ref().map_or_else(|| "?".to_owned(), Call::statement)
}

fn inserting(table: &TableName, terms: &[(usize, &Term)], ttl: Option<Ttl>) -> String {
    let names: Vec<String> = terms.iter().map(|(_, term)| quoted(&term.column.name)).collect();
    let values: Vec<String> = terms.iter().map(|(_, term)| value(term)).collect();
    format!(
        "INSERT INTO {}.{} ({}) VALUES ({}) USING {}TIMESTAMP ?",
        quoted(&table.keyspace),
        quoted(&table.table),
        names.join(", "),
        values.join(", "),
        if ttl.is_some() { "TTL ? AND " } else { "" },
    )
}

fn counting(table: &TableName, terms: &[(usize, &Term)]) -> String {
    let (mut added, mut keys) = (Vec::new(), Vec::new());
    for (_, term) in terms {
        let (name, value) = (quoted(&term.column.name), value(term));
        match term.column.role {
            ColumnRole::Counter => added.push(format!("{name} = {name} + {value}")),
            _ => keys.push(format!("{name} = {value}")),
        }
    }
    let (keyspace, table) = (quoted(&table.keyspace), quoted(&table.table));
    format!("UPDATE {keyspace}.{table} SET {} WHERE {}", added.join(", "), keys.join(" AND "))
}

/// An identifier in quotes: always right, whatever its case, and for reserved words too (CQL specification, "Identifiers
/// and keywords").
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::table::ColumnRole;
    use crate::schema::types::{CqlType, UserTypes};

    fn check(table: (&str, &str), columns: &[&str], expected: &str) {
        let table = TableName { keyspace: table.0.to_owned(), table: table.1.to_owned() };
        let columns: Vec<Column> = columns
            .iter()
            .map(|name| Column {
                name: (*name).to_owned(),
                cql_type: CqlType::Int,
                role: ColumnRole::PartitionKey,
            })
            .collect();
        let plan = insert_statement(&table, &columns, None);
        assert_eq!(plan.statement, expected);
        assert_eq!((&plan.columns, plan.markers()), (&columns, columns.len() + 1));
        let plan = insert_statement(&table, &columns, Some(Ttl::Field));
        assert_eq!(plan.statement, expected.replace("USING", "USING TTL ? AND"));
        assert_eq!((&plan.columns, plan.markers()), (&columns, columns.len() + 2));
    }

    #[test]
    fn every_identifier_is_quoted_and_the_write_time_comes_last() {
        check(("ks", "t"), &["id"], r#"INSERT INTO "ks"."t" ("id") VALUES (?) USING TIMESTAMP ?"#);
        check(
            ("Ks", "order"),
            &["Id", "select", "a b"],
            r#"INSERT INTO "Ks"."order" ("Id", "select", "a b") VALUES (?, ?, ?) USING TIMESTAMP ?"#,
        );
    }

    #[test]
    fn a_row_is_read_by_its_key_with_the_write_times_of_all_else() {
        let table = TableName { keyspace: "ks".to_owned(), table: "T".to_owned() };
        let check = |columns: &[(&str, ColumnRole)], expected: &str| {
            let column = |&(name, role): &(&str, ColumnRole)| Column {
                name: name.to_owned(),
                cql_type: CqlType::Int,
                role,
            };
            let columns: Vec<Column> = columns.iter().map(column).collect();
            assert_eq!(select_statement(&table, &columns).statement, expected);
        };
        let (p, c) = (("p", ColumnRole::PartitionKey), ("c", ColumnRole::ClusteringKey));
        let (s, r) = (("s", ColumnRole::Static), ("a b", ColumnRole::Regular));
        check(
            &[p, c, s, r],
            r#"SELECT "s", WRITETIME("s"), "a b", WRITETIME("a b") FROM "ks"."T" WHERE "p" = ? AND "c" = ?"#,
        );
        check(&[p, c], r#"SELECT "p" FROM "ks"."T" WHERE "p" = ? AND "c" = ?"#);
    }

    #[test]
    fn of_columns_of_many_cells_the_latest_write_time_is_read_where_the_server_tells_it() {
        let table = TableName { keyspace: "k".to_owned(), table: "t".to_owned() };
        let column = |name: &str, cql_type: &str, role| Column {
            name: name.to_owned(),
            cql_type: UserTypes::default().parse(cql_type).unwrap(),
            role,
        };
        let columns = [
            column("p", "frozen<list<int>>", ColumnRole::PartitionKey),
            column("a", "frozen<set<int>>", ColumnRole::Regular),
            column("b", "set<int>", ColumnRole::Regular),
        ];
        let plan = select_statement(&table, &columns);
        let of = r#"FROM "k"."t" WHERE "p" = ?"#;
        assert_eq!(plan.statement, format!(r#"SELECT "a", WRITETIME("a"), "b", MAXWRITETIME("b") {of}"#));
        let older = format!(r#"SELECT "a", WRITETIME("a"), "b" {of}"#);
        assert_eq!(plan.for_older_servers, Some(older));
        assert_eq!(select_statement(&table, &columns[..2]).for_older_servers, None);
    }

    #[test]
    fn quotes_inside_a_name_are_doubled() {
        check(("k", "t"), &[r#"a"b"#], r#"INSERT INTO "k"."t" ("a""b") VALUES (?) USING TIMESTAMP ?"#);
        check(
            ("k", r#"t" (x) VALUES (1); --"#),
            &["a"],
            r#"INSERT INTO "k"."t"" (x) VALUES (1); --" ("a") VALUES (?) USING TIMESTAMP ?"#,
        );
    }
}
