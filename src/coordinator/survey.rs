//! What the coordinator asks the cluster before the first row: the table, whether the statement is allowed, the clock. One small
//! session, closed before any worker opens its own.

use std::num::NonZeroUsize;
use std::time::Duration;

use scylla::client::session::Session;
use tokio::runtime::Builder;

use super::LoadError;
use crate::schema::identity::{TableIdentity, read_identity};
use crate::schema::mapping::{
    FieldMapping, FileFields, MappingError, MappingRules, doubtful_headers, plan_files,
};
use crate::schema::prepare::{check_read_permission, check_write_permission, prepare_insert, prepare_select};
use crate::schema::statement::{RowPlan, Ttl, insert_statement, select_statement};
use crate::schema::table::{SchemaError, TableSchema, read_table};
use crate::session::clock::cluster_clock_skew;
use crate::session::connect::{PoolShape, connect, unconnected_nodes};
use crate::settings::{ConnectionSettings, TableName};

/// A clock further off than this is worth a warning.
const SKEW_MAX: Duration = Duration::from_secs(1);
/// A few questions need no more.
pub(super) const SURVEY_POOL: PoolShape = PoolShape { connections_per_node: NonZeroUsize::MIN };
/// How long closing the session may take.
pub(super) const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// What the table and the files make together.
#[derive(Debug)]
pub struct Survey {
    /// The statement that fits the table and the files.
    pub row_plan: RowPlan,
    /// For each file, where its columns are.
    pub mappings: Vec<FieldMapping>,
    /// Which table it is, where a cluster was asked.
    pub identity: Option<TableIdentity>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Survey {
    /// The table's default time to live in seconds, 0 for none.
    pub fn table_ttl_s(&self) -> u32 {
        self.identity.as_ref().map_or(0, |identity| identity.default_ttl_s)
    }
}

/// What is to be done to the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing: only its definition is wanted.
    Definition,
    /// Rows are written.
    Write,
    /// Rows are written, and read back.
    WriteAndRead,
    /// Rows are read back.
    Read,
}

/// Asks the cluster and plans the statement.
///
/// # Errors
/// The cluster cannot be reached, the table is not there or not loadable, or the files do not fit it.
pub fn survey(
    connection: &ConnectionSettings,
    table: &TableName,
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
    ttl: Option<Ttl>,
    access: Access,
) -> Result<Survey, LoadError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::Threads)?;
    let surveyed = runtime.block_on(async {
        let session = connect(connection, &table.keyspace, SURVEY_POOL).await?;
        let schema = read_table(&session, table).await?;
        let mut planned = plan(&schema, files, rules, ttl)?;
        planned.identity = Some(read_identity(&session, table).await?);
        ask_access(&session, table, &planned.row_plan, access).await?;
        planned.warnings.extend(nodes_warning(&unconnected_nodes(&session)));
        if access != Access::Read {
            planned.warnings.extend(clock_warning(&session).await);
        }
        Ok(planned)
    });
    runtime.shutdown_timeout(CLOSE_WITHIN);
    surveyed
}

/// Finds out whether what is to be done to the table can be done.
async fn ask_access(
    session: &Session,
    table: &TableName,
    plan: &RowPlan,
    access: Access,
) -> Result<(), SchemaError> {
    if access != Access::Read {
        prepare_insert(session, table, plan).await?;
    }
    if matches!(access, Access::Write | Access::WriteAndRead) {
        check_write_permission(session, table, plan).await?;
    }
    if matches!(access, Access::Read | Access::WriteAndRead) {
        let select = select_statement(table, &plan.columns);
        let select = prepare_select(session, table, &select).await?;
        check_read_permission(session, table, &select).await?;
    }
    Ok(())
}

/// Plans the statement for a table that is known without a cluster.
///
/// # Errors
/// The files do not fit the table.
pub fn plan(
    schema: &TableSchema,
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
    ttl: Option<Ttl>,
) -> Result<Survey, MappingError> {
    let (columns, mappings) = plan_files(schema, files, rules)?;
    let row_plan = insert_statement(&schema.name, &columns, ttl).with_null_as(rules.null_as);
    let warnings = doubtful_headers(schema, files);
    Ok(Survey { row_plan, mappings, identity: None, warnings })
}

fn nodes_warning(unconnected: &[String]) -> Option<String> {
    (!unconnected.is_empty()).then(|| {
        format!(
            "no connection to {}: the other nodes are used; if a node is up, look at the network between here and \
             it, or give the address to use instead with --address-map",
            unconnected.join(", ")
        )
    })
}

async fn clock_warning(session: &Session) -> Option<String> {
    match cluster_clock_skew(session).await {
        Ok(skew) if !skew.exceeds(SKEW_MAX) => None,
        Ok(skew) => {
            let ms = skew.ahead_ms;
            let (direction, danger) = match ms > 0 {
                true => ("ahead of", "rows written by applications during the load may be shadowed by it"),
                false => {
                    ("behind", "rows that were written or deleted just before may shadow the loaded ones")
                }
            };
            Some(format!(
                "this machine's clock is {:.1} s {direction} the cluster's: {danger}; synchronise the clocks",
                ms.unsigned_abs() as f64 / 1_000.0
            ))
        }
        Err(error) => Some(format!("the cluster's clock could not be compared with this machine's: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_without_a_connection_are_named() {
        assert_eq!(nodes_warning(&[]), None);
        let nodes = ["10.0.0.1:9042", "[::1]:9042"].map(str::to_owned);
        let warning = nodes_warning(&nodes).unwrap();
        assert!(warning.starts_with("no connection to 10.0.0.1:9042, [::1]:9042: "), "{warning}");
        assert!(warning.contains("--address-map"), "{warning}");
    }
}
