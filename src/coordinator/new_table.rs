//! The table that a load creates where it is not there yet.

use std::time::Duration;

use scylla::client::session::Session;
use scylla::errors::{DbError, PrepareError, RequestAttemptError};
use tokio::runtime::Builder;
use tokio::time::{Instant, sleep};

use super::LoadError;
use super::survey::{CLOSE_WITHIN, SURVEY_POOL};
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::propose::{Proposal, ProposeError, ProposeSettings, propose};
use crate::report::event::RunEvent;
use crate::schema::ddl::{SchemaFileError, table_of};
use crate::schema::statement::quoted;
use crate::schema::table::{SchemaError, TableSchema, read_table};
use crate::session::connect::connect;
use crate::settings::{InputSettings, LoadSettings, TableName};

/// What the proposal is called where it is read like a file.
const PROPOSAL: &str = "the proposed table";

/// How long a table that another load is just creating may take until it can be used.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
const SERVED_POLL: Duration = Duration::from_millis(50);

/// Why a table could not be created.
#[derive(Debug, thiserror::Error)]
pub enum NewTableError {
    /// None could be proposed.
    #[error(transparent)]
    Propose(#[from] ProposeError),
    /// The server does not want it.
    #[error("the table could not be created: {message}; it would have been: {statement}")]
    Refused {
        /// The server's words.
        message: String,
        /// On one line.
        statement: String,
    },
    /// The columns are not those of the fields.
    #[error(
        "table {table} is not there, and --create-table makes one with a column for each field, under its name: with {option} create it \
         first; ringload schema proposes one for the fields"
    )]
    Mapped {
        /// The table.
        table: String,
        /// The option that says what fills the columns.
        option: &'static str,
    },
    /// The proposal is not what ringload itself understands.
    #[error(transparent)]
    NotUnderstood(#[from] SchemaFileError),
}

/// Creates the table if it is not there. A dry run creates none: it goes on with what is returned.
pub(super) fn create_missing(
    settings: &LoadSettings,
    wanted: &ProposeSettings,
    inputs: &[(InputFile, Header)],
    report: &mut dyn FnMut(RunEvent),
) -> Result<Option<TableSchema>, LoadError> {
    if settings.schema.is_some() {
        return Ok(None);
    }
    let table = &settings.table;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(LoadError::Threads)?;
    let created = runtime.block_on(async {
        let session = connect(&settings.connection, &table.keyspace, SURVEY_POOL).await?;
        match read_table(&session, table).await {
            Ok(_) => {
                await_served(&session, table).await;
                return Ok(None);
            }
            Err(SchemaError::NoSuchTable { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let option = match &settings.input {
            InputSettings { query: Some(_), .. } => Some("--query"),
            InputSettings { map: Some(_), .. } => Some("--map or --set"),
            _ => None,
        };
        if let Some(option) = option {
            return Err(NewTableError::Mapped { table: table.to_string(), option }.into());
        }
        let proposal = propose(wanted, &settings.input, inputs).map_err(NewTableError::from)?;
        if !settings.dry_run {
            create(&session, &proposal).await?;
        }
        Ok::<_, LoadError>(Some(proposal))
    });
    runtime.shutdown_timeout(CLOSE_WITHIN);
    let Some(proposal) = created? else { return Ok(None) };
    let schema = match settings.dry_run {
        true => {
            Some(table_of(PROPOSAL.as_ref(), &proposal.statement, Some(table)).map_err(NewTableError::from)?)
        }
        false => None,
    };
    report(RunEvent::TableCreated {
        table: table.to_string(),
        cql: proposal.text(),
        dry_run: settings.dry_run,
    });
    Ok(schema)
}

async fn create(session: &Session, proposal: &Proposal) -> Result<(), NewTableError> {
    let refused = |message: String| NewTableError::Refused {
        message,
        statement: proposal.statement.split_whitespace().collect::<Vec<_>>().join(" "),
    };
    // The driver waits for all nodes to agree on the schema before it returns.
    session
        .query_unpaged(proposal.statement.as_str(), ())
        .await
        .map_err(|error| refused(error.to_string()))?;
    session.await_schema_agreement().await.map(drop).map_err(|error| refused(error.to_string()))
}

/// Waits until a table can be used. Cassandra tells of a new one before it knows it itself, which another load that creates the same
/// table must not stumble over. What is wrong with it otherwise is for the survey to say.
async fn await_served(session: &Session, table: &TableName) {
    let statement = format!("SELECT * FROM {}.{}", quoted(&table.keyspace), quoted(&table.table));
    let deadline = Instant::now() + SERVED_WITHIN;
    while let Err(PrepareError::AllAttemptsFailed {
        first_attempt: RequestAttemptError::DbError(DbError::Invalid, _),
    }) = session.prepare(statement.as_str()).await
    {
        if Instant::now() >= deadline {
            return;
        }
        sleep(SERVED_POLL).await;
    }
}
