//! A real Cassandra from the environment, and a keyspace of a test's own in it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::TryStreamExt;
use ringload::schema::table::{TableSchema, read_table};
use ringload::settings::TableName;
use scylla::client::session::Session;
use scylla::client::session_builder::SessionBuilder;
use scylla::deserialize::row::ColumnIterator;
use scylla::value::Row;
use tokio::runtime::Runtime;

use super::program::Run;
use super::scratch::Scratch;

/// The variable that names a node without passwords or TLS.
pub(crate) const CASSANDRA: &str = "RINGLOAD_TEST_CASSANDRA";

/// Set by the gate: no test may be skipped there.
const ALL_REQUIRED: &str = "RINGLOAD_TEST_ALL";

/// What a test's environment variable says; `None`, and a word about it, where it is not set. In the gate that is a failure.
pub(crate) fn environment(variable: &str) -> Option<String> {
    let value = std::env::var(variable).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        assert!(std::env::var_os(ALL_REQUIRED).is_none(), "{variable} is not set, and {ALL_REQUIRED} is");
        eprintln!("skipped: {variable} is not set; ./scripts/test sets it");
    }
    value
}

/// A keyspace that is dropped when the test ends.
pub(crate) struct Keyspace {
    runtime: Runtime,
    session: Session,
    /// The node, as `host:port`.
    pub(crate) contact: String,
    /// Its name.
    pub(crate) name: String,
}

impl Keyspace {
    /// A new keyspace on the node that the environment names, with these tables (each a `CREATE TABLE` whose table name has no
    /// keyspace); `None` where there is no node.
    pub(crate) fn new(tables: &[&str]) -> Option<Keyspace> {
        Some(Keyspace::on(&environment(CASSANDRA)?, 1, tables))
    }

    /// A new keyspace with this replication factor on a node.
    pub(crate) fn on(contact: &str, replicas: usize, tables: &[&str]) -> Keyspace {
        Keyspace::through(SessionBuilder::new(), contact, replicas, tables)
    }

    /// The same on a node that wants a login or TLS, which the builder knows of.
    pub(crate) fn through(
        builder: SessionBuilder,
        contact: &str,
        replicas: usize,
        tables: &[&str],
    ) -> Keyspace {
        static KEYSPACES: AtomicU32 = AtomicU32::new(0);
        let number = KEYSPACES.fetch_add(1, Ordering::Relaxed);
        let name = format!("it_{}_{number}", std::process::id());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let session = runtime.block_on(
            builder
                .known_node(contact)
                .connection_timeout(Duration::from_secs(30))
                .fetch_schema_metadata(false)
                .build(),
        );
        let keyspace =
            Keyspace { session: session.expect("a session"), runtime, contact: contact.to_string(), name };
        keyspace.cql(&format!(
            "CREATE KEYSPACE {} WITH replication = {{'class': 'SimpleStrategy', 'replication_factor': {replicas}}}",
            keyspace.name
        ));
        keyspace.runtime.block_on(keyspace.session.use_keyspace(&keyspace.name, true)).expect("use keyspace");
        for table in tables {
            keyspace.cql(table);
        }
        keyspace
    }

    /// A table of this keyspace as `keyspace.table`.
    pub(crate) fn table(&self, table: &str) -> String {
        format!("{}.{table}", self.name)
    }

    /// `ringload load` into one of its tables, being put together.
    pub(crate) fn load(&self, scratch: &Scratch, table: &str) -> Run {
        Run::load(scratch, &self.contact, &self.table(table))
    }

    /// `ringload verify` of one of its tables, being put together.
    pub(crate) fn verify(&self, scratch: &Scratch, table: &str) -> Run {
        Run::verify(scratch, &self.contact, &self.table(table))
    }

    /// Runs a statement.
    #[track_caller]
    pub(crate) fn cql(&self, statement: &str) {
        let outcome = self.runtime.block_on(self.session.query_unpaged(statement, ()));
        outcome.unwrap_or_else(|error| panic!("{statement}: {error}"));
    }

    /// A table's definition as ringload reads it from the cluster.
    #[track_caller]
    pub(crate) fn schema(&self, table: &str) -> TableSchema {
        let name = TableName { keyspace: self.name.clone(), table: table.to_string() };
        self.runtime.block_on(read_table(&self.session, &name)).expect("a table")
    }

    /// All rows of a query, paged.
    #[track_caller]
    pub(crate) fn rows(&self, query: &str) -> Vec<Row> {
        self.try_rows(query).unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// All rows of a query, paged, or why there are none.
    pub(crate) fn try_rows(&self, query: &str) -> Result<Vec<Row>, Box<dyn std::error::Error>> {
        self.runtime.block_on(async {
            let pager = self.session.query_iter(query, ()).await?;
            Ok(pager.rows_stream::<Row>()?.try_collect().await?)
        })
    }

    /// The cells of all rows of a query, as the server sends them.
    #[track_caller]
    pub(crate) fn raw_rows(&self, query: &str) -> Vec<Vec<Option<Vec<u8>>>> {
        let answer = self.runtime.block_on(self.session.query_unpaged(query, ()));
        let answer = answer.unwrap_or_else(|error| panic!("{query}: {error}"));
        let rows = answer.into_rows_result().expect("rows");
        let cells = |row: Result<ColumnIterator<'_, '_>, _>| {
            let cells = row
                .expect("a row")
                .map(|cell| cell.expect("a cell").slice.map(|slice| slice.as_slice().to_vec()));
            cells.collect()
        };
        rows.rows::<ColumnIterator<'_, '_>>().expect("columns").map(cells).collect()
    }

    /// Fails the test unless the query gives these rows, in whatever order, each as `1, 'text', null`.
    #[track_caller]
    pub(crate) fn expect_rows<S: AsRef<str>>(&self, query: &str, expected: &[S]) {
        let mut found: Vec<String> = self.rows(query).iter().map(shown).collect();
        let mut expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
}

/// A row as CQL literals.
fn shown(row: &Row) -> String {
    let columns =
        row.columns.iter().map(|value| value.as_ref().map_or("null".to_string(), ToString::to_string));
    columns.collect::<Vec<_>>().join(", ")
}

impl Drop for Keyspace {
    fn drop(&mut self) {
        let statement = format!("DROP KEYSPACE {}", self.name);
        if let Err(error) = self.runtime.block_on(self.session.query_unpaged(statement, ())) {
            eprintln!("keyspace {} is left behind: {error}", self.name);
        }
    }
}
