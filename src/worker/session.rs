//! The worker's one session: opened after the process has started and with the coordinator's permit, closed at the end.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use scylla::client::session::Session;
use scylla::statement::prepared::PreparedStatement;
use tokio::runtime::{Builder, Runtime};

use super::desk::Desk;
use crate::control::message::{FailureKind, FromWorker, JobSpec, ToWorker, WorkerTotals};
use crate::insert::cql::{CqlEngine, CqlOptions, Target};
use crate::insert::halt::Failure;
use crate::insert::request::{Insert, Request};
use crate::schema::prepare::{prepare_insert, prepare_select};
use crate::schema::statement::select_statement;
use crate::schema::table::SchemaError;
use crate::session::connect::{ConnectError, PoolShape, connect};
use crate::settings::ConnectionSettings;
use crate::verify::lookup::Lookup;

/// How long closing the session's connections may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);
/// Between two attempts to connect, which bear a good while themselves.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// A thread of the driver keeps up with so many parser threads: it only moves frames, and few threads with full frames cost
/// less than many with short ones.
const PARSERS_PER_DRIVER_THREAD: usize = 2;
/// The most threads that the driver gets, and connections to each node: one connection is one task of the driver.
const DRIVER_THREADS_MAX: usize = 4;

/// Opens the session through the gate, loads what the inbox brings, closes the session.
pub(super) fn load_through_session(
    job: JobSpec,
    inbox: &Receiver<ToWorker>,
    desk: &Arc<Desk>,
) -> Result<WorkerTotals, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(driver_threads(&job).get())
        .thread_name("driver")
        .enable_all()
        .build()
        .map_err(|error| cluster(format!("cannot start the driver's threads: {error}")))?;
    if !await_permit(inbox, desk)? {
        return Ok(WorkerTotals::default());
    }
    let totals = match open(&runtime, &job, desk) {
        Ok(Some((session, statement))) => {
            desk.say(&FromWorker::SessionOpen);
            let target = Target { session, table: job.table.clone(), row_plan: job.row_plan.clone() };
            match &job.verify {
                None => {
                    let insert = Insert::new(statement, &job.row_plan, job.write_time);
                    run(&runtime, target, insert, job, inbox, desk)
                }
                Some(verify) => {
                    let lookup = Lookup::new(statement, &job, verify);
                    run(&runtime, target, lookup, job, inbox, desk)
                }
            }
        }
        Ok(None) => Ok(WorkerTotals::default()),
        Err(failure) => Err(failure),
    };
    runtime.shutdown_timeout(CLOSE_WITHIN);
    totals
}

/// Waits for the permit; false when the worker is to end without one.
fn await_permit(inbox: &Receiver<ToWorker>, desk: &Desk) -> Result<bool, Failure> {
    desk.say(&FromWorker::PermitRequest);
    match inbox.recv() {
        Ok(ToWorker::PermitGranted) => Ok(true),
        Ok(ToWorker::Finish | ToWorker::Stop) | Err(_) => Ok(false),
        Ok(ToWorker::Hello { .. } | ToWorker::Unit { .. } | ToWorker::LetGo) => Err(Failure {
            kind: FailureKind::Protocol,
            message: "a unit came before the session's permit".into(),
        }),
    }
}

/// Loads, or looks up, what the inbox brings.
fn run<R: Request>(
    runtime: &Runtime,
    target: Target,
    request: R,
    job: JobSpec,
    inbox: &Receiver<ToWorker>,
    desk: &Arc<Desk>,
) -> Result<WorkerTotals, Failure> {
    let connection = job.connection.as_ref().ok_or_else(no_connection)?;
    let options = CqlOptions {
        in_flight: job.in_flight,
        retry_for: job.retry_for,
        hold: job.verify.is_none() && job.write_time.is_held(),
        request_timeout: connection.request_timeout,
        gathering: job.gathering,
    };
    let (handle, halt) = (runtime.handle().clone(), Arc::clone(desk.halt()));
    let engine = CqlEngine::new(handle, target, request, options, halt, Arc::clone(desk.gauges()));
    super::load(job, engine, inbox, desk)
}

/// Opens the session and prepares the statement; `None` when the worker is to stop.
fn open(
    runtime: &Runtime,
    job: &JobSpec,
    desk: &Desk,
) -> Result<Option<(Session, PreparedStatement)>, Failure> {
    let connection = job.connection.as_ref().ok_or_else(no_connection)?;
    let halt = Arc::clone(desk.halt());
    let opened = runtime.block_on(async {
        tokio::select! {
            opened = open_patiently(connection, job, desk) => opened.map(Some),
            () = halt.stopped() => Ok(None),
        }
    });
    opened.map_err(cluster)
}

/// The coordinator has been through, so the way and the password are right: a cluster that cannot be reached now is in trouble,
/// and trouble is borne for as long as a row would bear it.
async fn open_patiently(
    connection: &ConnectionSettings,
    job: &JobSpec,
    desk: &Desk,
) -> Result<(Session, PreparedStatement), String> {
    let begun = Instant::now();
    loop {
        let error = match open_once(connection, job).await {
            Ok(opened) => return Ok(opened),
            Err(error) => error,
        };
        if !error.is_passing() || begun.elapsed() >= job.retry_for {
            return Err(error.to_string());
        }
        desk.say(&FromWorker::Warning {
            message: format!("a worker cannot connect and tries again: {error}"),
        });
        tokio::time::sleep(RECONNECT_PAUSE).await;
    }
}

async fn open_once(
    connection: &ConnectionSettings,
    job: &JobSpec,
) -> Result<(Session, PreparedStatement), OpenError> {
    let pool = PoolShape { connections_per_node: job.connections.unwrap_or_else(|| driver_threads(job)) };
    let session = connect(connection, &job.table.keyspace, pool).await?;
    let JobSpec { table, row_plan, .. } = job;
    let mut statement = match job.verify {
        None => prepare_insert(&session, table, row_plan).await?,
        Some(_) => prepare_select(&session, table, &select_statement(table, &row_plan.comparable())).await?,
    };
    // The lanes' own watchdog bounds their requests, without a timer for each.
    let profile = session.get_default_execution_profile_handle().pointee_to_builder().request_timeout(None);
    statement.set_execution_profile_handle(Some(profile.build().into_handle()));
    Ok((session, statement))
}

/// Why there is nothing to load through.
#[derive(Debug, thiserror::Error)]
enum OpenError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Prepare(#[from] SchemaError),
}

impl OpenError {
    fn is_passing(&self) -> bool {
        match self {
            OpenError::Connect(error) => error.is_passing(),
            OpenError::Prepare(error) => error.is_passing(),
        }
    }
}

fn driver_threads(job: &JobSpec) -> NonZeroUsize {
    let threads = (job.threads / PARSERS_PER_DRIVER_THREAD).min(DRIVER_THREADS_MAX);
    NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN)
}

fn no_connection() -> Failure {
    cluster("no connection is given".into())
}

fn cluster(message: String) -> Failure {
    Failure { kind: FailureKind::Cluster, message }
}
