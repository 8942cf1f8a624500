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
use crate::schema::prepare::{
    ask_markers, check_read_permission, check_write_permission, prepare_insert, prepare_select,
};
use crate::schema::query::Query;
use crate::schema::query_plan::{is_stamped, plan_query};
use crate::schema::repeat::Once;
use crate::schema::statement::{RowPlan, Stamp, Ttl, select_statement, write_statement};
use crate::schema::table::{Column, ColumnRole, SchemaError, TableSchema, read_table};
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

/// What is asked for does not go together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Rows that were changed by what they were cannot be compared.
    #[error(
        "{why}, so that no file tells what a row is to be: what is loaded so cannot be verified; leave that out"
    )]
    NotComparable {
        /// Why not.
        why: String,
    },
    /// A key comes from a function.
    #[error(
        "key column {column:?} is filled by a function, so that nobody knows which rows there should be: what is loaded so cannot be \
         verified; leave that out"
    )]
    KeyCalled {
        /// The column.
        column: String,
    },
    /// The types of functions' arguments are known to the cluster only.
    #[error(
        "column {column:?} is filled by a function with arguments, whose types only a cluster knows: check with it, without --schema"
    )]
    TypesUnknown {
        /// The column.
        column: String,
    },
    /// Rows that must not be sent twice, from where no job can go on.
    #[error(
        "{why}, so that no record must be sent twice; of standard input nobody would know afterwards which were: load a file"
    )]
    ReadOnce {
        /// Why not.
        why: String,
    },
    /// Nothing is to be added.
    #[error("no counter of {table} is filled: give a field for one of them")]
    NothingToCount {
        /// The table.
        table: TableName,
    },
    /// Counters that a partition has once, and nothing of a row.
    #[error(
        "the counters of {table} that are filled are static, and have no rows of their own to be added to: say how with --query, as in \
         'UPDATE {table} SET n = n + :n WHERE key = :key'"
    )]
    StaticCounters {
        /// The table.
        table: TableName,
    },
    /// Rows get no write time, or no time to live, of ours.
    #[error("--{option} does not go with this statement: {why}; leave it out")]
    Option {
        /// The option.
        option: &'static str,
        /// Why not.
        why: &'static str,
    },
}

/// What is asked of the table, beside what is in the files.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// The statement, where the user gives it.
    pub query: Option<&'a Query>,
    /// How long rows live.
    pub ttl: Option<Ttl>,
    /// Whether their write times are left to us.
    pub in_order: bool,
    /// What is to be done to it.
    pub access: Access,
}

impl Wish<'_> {
    /// Whether what is planned can be done as it is asked for.
    ///
    /// # Errors
    /// It cannot.
    fn check(&self, plan: &RowPlan, schema: &TableSchema) -> Result<(), PlanError> {
        let table = &schema.name;
        let is_counter = plan.once == Some(Once::Counter);
        let why_untimed = match (plan.stamp, &plan.once) {
            (Stamp::Nowhere, Some(Once::Counter)) => Some("counters have neither"),
            (Stamp::Nowhere, Some(Once::Condition)) => Some(
                "with a condition (IF) the server says when a row is written; USING TTL can stand in the query",
            ),
            (Stamp::Nowhere, _) => Some("the query says itself when rows are written"),
            _ => None,
        };
        if let Some(why) = why_untimed.filter(|_| !self.in_order) {
            return Err(PlanError::Option { option: "timestamp", why });
        }
        if self.ttl.is_some() && (is_counter || self.query.is_some()) {
            let why = "the query can say it: USING TTL :name";
            return Err(PlanError::Option { option: "ttl", why: why_untimed.unwrap_or(why) });
        }
        let adds = |column: &Column| column.role == ColumnRole::Counter;
        if is_counter && self.query.is_none() && !plan.columns.iter().any(adds) {
            return Err(PlanError::NothingToCount { table: table.clone() });
        }
        let is_static = |column: &Column| schema.static_counters.contains(&column.name);
        if is_counter
            && self.query.is_none()
            && plan.columns.iter().filter(|column| adds(column)).all(is_static)
        {
            return Err(PlanError::StaticCounters { table: table.clone() });
        }
        if !matches!(self.access, Access::Read | Access::WriteAndRead) {
            return Ok(());
        }
        if let Some(column) = plan.called.iter().find(|column| column.role.is_key()) {
            return Err(PlanError::KeyCalled { column: column.name.clone() });
        }
        match is_counter || self.query.is_some() {
            true if is_counter => Err(PlanError::NotComparable { why: "counters are added to".to_owned() }),
            true => Err(PlanError::NotComparable { why: "--query says how rows are changed".to_owned() }),
            false => Ok(()),
        }
    }
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
    wish: Wish<'_>,
) -> Result<Survey, LoadError> {
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::Threads)?;
    let surveyed = runtime.block_on(async {
        let session = connect(connection, &table.keyspace, SURVEY_POOL).await?;
        let schema = read_table(&session, table).await?;
        let mut planned = match wish.query {
            None => plan(&schema, files, rules, wish.ttl)?,
            Some(query) => plan_own(&session, &schema, query, files, rules).await?,
        };
        learn_types(&session, table, &mut planned.row_plan).await?;
        wish.check(&planned.row_plan, &schema)?;
        planned.warnings.extend(not_compared(&planned.row_plan, wish.access));
        let access = wish.access;
        planned.identity = Some(read_identity(&session, table).await?);
        ask_access(&session, &schema, &planned.row_plan, access).await?;
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
    schema: &TableSchema,
    plan: &RowPlan,
    access: Access,
) -> Result<(), SchemaError> {
    let table = &schema.name;
    let keys: Vec<Column> = schema.columns.iter().filter(|column| column.role.is_key()).cloned().collect();
    if access != Access::Read {
        prepare_insert(session, table, plan).await?;
    }
    if matches!(access, Access::Write | Access::WriteAndRead) {
        check_write_permission(session, table, plan, &keys).await?;
    }
    // Whether a condition holds tells what is in the table.
    let reads = plan.conditional && access == Access::Write;
    if reads || matches!(access, Access::Read | Access::WriteAndRead) {
        let select = if reads { keys } else { plan.comparable() };
        let select = select_statement(table, &select);
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
    let (terms, mappings) = plan_files(schema, files, rules)?;
    let (mut row_plan, places) = write_statement(&schema.name, &terms, ttl, rules.null_as);
    if schema.has_counters() {
        row_plan.once = Some(Once::Counter);
    }
    let mappings = mappings.into_iter().map(|mapping| mapping.arranged(&places)).collect();
    let warnings = doubtful_headers(schema, files);
    Ok(Survey { row_plan, mappings, identity: None, warnings })
}

/// The same for a table of which only a file tells.
///
/// # Errors
/// The files do not fit the table, or what is asked for takes a cluster.
pub fn plan_offline(
    schema: &TableSchema,
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
    wish: Wish<'_>,
) -> Result<Survey, LoadError> {
    let planned = plan(schema, files, rules, wish.ttl)?;
    wish.check(&planned.row_plan, schema)?;
    match planned.row_plan.arguments.first().and_then(|&at| planned.row_plan.columns.get(at)) {
        Some(column) => Err(PlanError::TypesUnknown { column: column.name.clone() }.into()),
        None => Ok(planned),
    }
}

/// Plans the user's own statement, whose markers the server describes.
async fn plan_own(
    session: &Session,
    schema: &TableSchema,
    query: &Query,
    files: &[FileFields<'_>],
    rules: MappingRules<'_>,
) -> Result<Survey, LoadError> {
    let statement = query.statement(&schema.name.keyspace, is_stamped(query, schema));
    let markers = ask_markers(session, &schema.name, &statement).await?;
    let (row_plan, mappings) = plan_query(query, schema, &markers, files, rules)?;
    Ok(Survey { row_plan, mappings, identity: None, warnings: Vec::new() })
}

/// Asks the server for the types of functions' arguments.
async fn learn_types(session: &Session, table: &TableName, plan: &mut RowPlan) -> Result<(), SchemaError> {
    if plan.own || plan.arguments.is_empty() {
        return Ok(());
    }
    let markers = ask_markers(session, table, &plan.statement).await?;
    for &at in &plan.arguments {
        if let (Some(column), Some((_, cql_type))) = (plan.columns.get_mut(at), markers.get(at)) {
            let unknown = || SchemaError::NotUnderstood {
                statement: plan.statement.clone(),
                message: format!(
                    "an argument for column {:?} is of a type that cannot be loaded",
                    column.name
                ),
            };
            column.cql_type = cql_type.clone().ok_or_else(unknown)?;
        }
    }
    Ok(())
}

fn not_compared(plan: &RowPlan, access: Access) -> Option<String> {
    let names: Vec<&str> = plan.called.iter().map(|column| column.name.as_str()).collect();
    (matches!(access, Access::Read | Access::WriteAndRead) && !names.is_empty())
        .then(|| format!("columns that functions fill are not compared: {}", names.join(", ")))
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
