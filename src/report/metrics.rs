//! The metrics of a running load, for Prometheus to fetch over HTTP. They are set from the run's events and served by a thread
//! of its own, so that fetching them holds up nothing. They end with the run: what became of it is in the summary.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use metrics::{Counter, Gauge, Key, KeyName, Label, Level, Metadata, Recorder, Unit};
use metrics_exporter_prometheus::{BuildError, ExporterFuture, PrometheusBuilder, PrometheusRecorder};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use super::event::{RunEvent, Snapshot};

/// What is written of where a metric comes from; nothing looks at it.
const METADATA: Metadata<'static> = Metadata::new("ringload", Level::INFO, None);

/// Metrics cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// Nobody can listen there.
    #[error("cannot serve metrics at {address}: {reason}: give --metrics-listen another address")]
    Listen {
        /// Where.
        address: String,
        /// Why not.
        reason: String,
    },
    /// The thread cannot be started.
    #[error("cannot start the thread that serves metrics: {0}: try again, or leave --metrics-listen out")]
    Thread(#[source] io::Error),
}

/// The metrics of this run, served until they are dropped.
pub struct Metrics {
    gauges: Gauges,
    counters: Counters,
    /// Requests sent again: in phases that are over, and in this one.
    retried: Cell<(u64, u64)>,
    server: Option<Server>,
}

struct Gauges {
    input_bytes: Gauge,
    requests_in_flight: Gauge,
    rows_waiting: Gauge,
    workers_ready: Gauge,
}

struct Counters {
    processed_bytes: Counter,
    written: Counter,
    rejected: Counter,
    verified_bytes: Counter,
    verified: Counter,
    findings: Counter,
    retried: Counter,
    workers_lost: Counter,
    warnings: Counter,
}

struct Server {
    /// Sent, or dropped, when the run is over.
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl Metrics {
    /// Listens at `address` (`host:port`) and serves the metrics of a load into `table` that begins now.
    ///
    /// # Errors
    /// Nobody can listen there, or there can be no more threads.
    pub fn serve(address: &str, table: &str) -> Result<Metrics, MetricsError> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(MetricsError::Thread)?;
        let (recorder, exporter) = listen(address, &runtime)?;
        let mut metrics = Metrics::new(&recorder, table, Timestamp::now());
        metrics.server = Some(Server::start(runtime, exporter)?);
        Ok(metrics)
    }

    fn new(recorder: &PrometheusRecorder, table: &str, started: Timestamp) -> Metrics {
        let gauge = |name: &'static str, help: &'static str, labels: Vec<Label>| {
            recorder.describe_gauge(KeyName::from_const_str(name), None::<Unit>, help.into());
            recorder.register_gauge(&Key::from_parts(name, labels), &METADATA)
        };
        let counter = |name: &'static str, help: &'static str| {
            recorder.describe_counter(KeyName::from_const_str(name), None::<Unit>, help.into());
            recorder.register_counter(&Key::from_static_name(name), &METADATA)
        };
        let labels = vec![
            Label::new("table", label_value(table)),
            Label::from_static_parts("version", env!("CARGO_PKG_VERSION")),
        ];
        gauge("ringload_run_info", "What runs: always 1.", labels).set(1.0);
        gauge("ringload_start_time_seconds", "When the run began, since 1970.", Vec::new())
            .set(started.as_millisecond() as f64 / 1_000.0);
        Metrics {
            gauges: Gauges {
                input_bytes: gauge("ringload_input_bytes", "Bytes of all inputs.", Vec::new()),
                requests_in_flight: gauge(
                    "ringload_requests_in_flight",
                    "Requests in flight, over all workers.",
                    Vec::new(),
                ),
                rows_waiting: gauge(
                    "ringload_rows_waiting",
                    "Rows that wait to be sent again because of a fault of the cluster.",
                    Vec::new(),
                ),
                workers_ready: gauge("ringload_workers_ready", "Workers with an open session.", Vec::new()),
            },
            counters: Counters {
                processed_bytes: counter(
                    "ringload_processed_bytes_total",
                    "Bytes of the inputs whose records are done.",
                ),
                written: counter("ringload_records_written_total", "Records written and acknowledged."),
                rejected: counter("ringload_records_rejected_total", "Records rejected."),
                verified_bytes: counter(
                    "ringload_verified_bytes_total",
                    "Bytes of the inputs whose records are verified.",
                ),
                verified: counter("ringload_records_verified_total", "Records whose rows were looked up."),
                findings: counter(
                    "ringload_findings_total",
                    "Records that are not in the table as in the files, or cannot be compared.",
                ),
                retried: counter("ringload_requests_retried_total", "Requests sent again."),
                workers_lost: counter("ringload_workers_lost_total", "Workers that ended before their time."),
                warnings: counter("ringload_warnings_total", "Warnings, lost workers among them."),
            },
            retried: Cell::default(),
            server: None,
        }
    }

    /// Sets what the event tells of.
    pub fn handle(&self, event: &RunEvent) {
        match event {
            RunEvent::Started { bytes_total, .. } => self.gauges.input_bytes.set(*bytes_total as f64),
            RunEvent::Verifying { bytes_total, .. } => {
                self.gauges.input_bytes.set(*bytes_total as f64);
                // It counts anew, also after a load.
                let (before, now) = self.retried.get();
                self.retried.set((before + now, 0));
            }
            RunEvent::Progress(snapshot) => self.set(snapshot),
            RunEvent::Warning(_) => self.counters.warnings.increment(1),
            RunEvent::WorkerLost { .. } => {
                self.counters.workers_lost.increment(1);
                self.counters.warnings.increment(1);
            }
            RunEvent::Resumed { .. }
            | RunEvent::TableCreated { .. }
            | RunEvent::Library { .. }
            | RunEvent::Note(_)
            | RunEvent::Stopping { .. }
            | RunEvent::Finished(_) => {}
        }
    }

    fn set(&self, snapshot: &Snapshot) {
        let Gauges { input_bytes, requests_in_flight, rows_waiting, workers_ready } = &self.gauges;
        input_bytes.set(snapshot.bytes_total as f64);
        requests_in_flight.set(snapshot.in_flight as f64);
        rows_waiting.set(snapshot.waiting as f64);
        workers_ready.set(snapshot.workers_ready as f64);
        // A worker that is lost takes its unfinished counts with it; a counter stays where it was until they are made up for.
        let counters = &self.counters;
        let (bytes, rows, bad) = match snapshot.verifying {
            false => (&counters.processed_bytes, &counters.written, &counters.rejected),
            true => (&counters.verified_bytes, &counters.verified, &counters.findings),
        };
        bytes.absolute(snapshot.bytes_done);
        rows.absolute(snapshot.written);
        bad.absolute(snapshot.rejected);
        let (before, now) = self.retried.get();
        let now = now.max(snapshot.retried);
        self.retried.set((before, now));
        counters.retried.absolute(before + now);
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        let Some(Server { stop, thread }) = self.server.take() else { return };
        // Where the thread has ended already there is nothing to stop.
        let _ = stop.send(());
        let _ = thread.join();
    }
}

impl Server {
    fn start(runtime: Runtime, exporter: ExporterFuture) -> Result<Server, MetricsError> {
        let (stop, stopped) = oneshot::channel();
        let serve = move || {
            runtime.block_on(async {
                tokio::select! {
                    // It ends only for an error of the socket itself; then there are no metrics, and the load goes on.
                    _ = exporter => (),
                    _ = stopped => (),
                }
            });
            // An answer that is on its way is not waited for.
            runtime.shutdown_background();
        };
        let thread =
            thread::Builder::new().name("metrics".into()).spawn(serve).map_err(MetricsError::Thread)?;
        Ok(Server { stop, thread })
    }
}

/// Listens at the first of the name's addresses that can be listened at.
fn listen(address: &str, runtime: &Runtime) -> Result<(PrometheusRecorder, ExporterFuture), MetricsError> {
    let failed = |reason: String| MetricsError::Listen { address: address.to_owned(), reason };
    let candidates: Vec<SocketAddr> =
        address.to_socket_addrs().map_err(|error| failed(error.to_string()))?.collect();
    let mut refused = "the name has no address".to_owned();
    let _entered = runtime.enter();
    for candidate in candidates {
        match PrometheusBuilder::new().with_http_listener(candidate).build() {
            Ok(listening) => return Ok(listening),
            Err(BuildError::FailedToCreateHTTPListener(reason)) => refused = reason,
            Err(error) => refused = error.to_string(),
        }
    }
    Err(failed(refused))
}

/// The exporter takes a backslash for the beginning of an escape; two of them are one.
fn label_value(text: &str) -> String {
    text.replace('\\', r"\\")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::net::TcpListener;

    use super::*;

    const STARTED: &str = "2026-03-04T05:06:07.5Z";

    /// A run's metrics after these events, by name and labels.
    fn metrics_after(events: &[RunEvent]) -> BTreeMap<String, String> {
        let recorder = PrometheusBuilder::new().build_recorder();
        let metrics = Metrics::new(&recorder, "shop.orders", STARTED.parse().unwrap());
        events.iter().for_each(|event| metrics.handle(event));
        let text = recorder.handle().render();
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|line| line.rsplit_once(' ').unwrap())
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            bytes_total: 4_000,
            bytes_done: 1_000,
            written: 90,
            rejected: 3,
            retried: 7,
            in_flight: 8,
            waiting: 5,
            workers_ready: 2,
            ..Snapshot::default()
        }
    }

    #[test]
    fn every_metric_is_set_by_the_events() {
        let lost = RunEvent::WorkerLost { worker: 1, reason: "signal 9".to_owned() };
        let found = metrics_after(&[
            RunEvent::Started {
                table: "shop.orders".to_owned(),
                inputs: Vec::new(),
                bytes_total: 4_001,
                workers: 2,
                dry_run: false,
            },
            RunEvent::Progress(snapshot()),
            RunEvent::Warning("w".to_owned()),
            lost,
        ]);
        let info =
            format!(r#"ringload_run_info{{table="shop.orders",version="{}"}}"#, env!("CARGO_PKG_VERSION"));
        let expected = [
            ("ringload_findings_total", "0"),
            ("ringload_input_bytes", "4000"),
            ("ringload_processed_bytes_total", "1000"),
            ("ringload_records_rejected_total", "3"),
            ("ringload_records_verified_total", "0"),
            ("ringload_records_written_total", "90"),
            ("ringload_requests_in_flight", "8"),
            ("ringload_requests_retried_total", "7"),
            ("ringload_rows_waiting", "5"),
            (&info, "1"),
            ("ringload_start_time_seconds", "1772600767.5"),
            ("ringload_verified_bytes_total", "0"),
            ("ringload_warnings_total", "2"),
            ("ringload_workers_lost_total", "1"),
            ("ringload_workers_ready", "2"),
        ];
        let found: Vec<(&str, &str)> =
            found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_verification_writes_nothing_and_counts_for_itself_also_after_a_load() {
        let verifying = RunEvent::Verifying {
            table: "shop.orders".to_owned(),
            inputs: Vec::new(),
            bytes_total: 4_000,
            workers: 2,
            sample: crate::verify::sample::Sample::ALL,
        };
        let looked_up =
            Snapshot { bytes_done: 200, written: 20, rejected: 1, retried: 4, verifying: true, ..snapshot() };
        let check = |events: &[RunEvent], [written, rejected, processed, retried]: [&str; 4]| {
            let found = metrics_after(events);
            for (name, expected) in [
                ("ringload_records_written_total", written),
                ("ringload_records_rejected_total", rejected),
                ("ringload_processed_bytes_total", processed),
                ("ringload_requests_retried_total", retried),
                ("ringload_records_verified_total", "20"),
                ("ringload_findings_total", "1"),
                ("ringload_verified_bytes_total", "200"),
            ] {
                assert_eq!(found[name], expected, "{name}");
            }
        };
        let events = [RunEvent::Progress(snapshot()), verifying, RunEvent::Progress(looked_up)];
        check(&events, ["90", "3", "1000", "11"]);
        check(&events[1..], ["0", "0", "0", "4"]);
    }

    #[test]
    fn a_counter_never_goes_back() {
        let later = Snapshot { written: 50, in_flight: 1, ..snapshot() };
        let found = metrics_after(&[RunEvent::Progress(snapshot()), RunEvent::Progress(later)]);
        assert_eq!(found["ringload_records_written_total"], "90");
        assert_eq!(found["ringload_requests_in_flight"], "1");
    }

    #[test]
    fn every_metric_says_what_it_is() {
        let recorder = PrometheusBuilder::new().build_recorder();
        let _metrics = Metrics::new(&recorder, "shop.orders", STARTED.parse().unwrap());
        let text = recorder.handle().render();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            assert!(text.contains(&format!("# TYPE {name} {kind}\n")), "{name} in {text}");
            assert!(text.contains(&format!("# HELP {name} ")), "{name} in {text}");
        }
    }

    #[test]
    fn the_table_is_escaped_as_prometheus_reads_it() {
        let check = |table: &str, expected: &str| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let _metrics = Metrics::new(&recorder, table, STARTED.parse().unwrap());
            let text = recorder.handle().render();
            assert!(text.contains(&format!("table=\"{expected}\"")), "{table:?}: {text}");
        };
        check("shop.orders", "shop.orders");
        check("Shop.My Täble", "Shop.My Täble");
        check(r#"a"b"#, r#"a\"b"#);
        check(r"a\b", r"a\\b");
        check(r#"a\"b"#, r#"a\\\"b"#);
        check(r"a\\b\", r"a\\\\b\\");
        check(r"a\n", r"a\\n");
        check("a\nb", r"a\nb");
    }

    #[test]
    fn an_address_that_is_taken_is_an_error_that_names_it_and_the_other_way_round() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let line = Metrics::serve(&address, "a.b").err().unwrap().to_string();
        assert!(
            line.starts_with(&format!("cannot serve metrics at {address}: Address already in use")),
            "{line}"
        );
        drop(taken);
        let metrics = Metrics::serve(&address, "a.b").unwrap();
        assert!(TcpListener::bind(&address).is_err());
        drop(metrics);
        TcpListener::bind(&address).unwrap();
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let line = Metrics::serve("192.0.2.1:9100", "a.b").err().unwrap().to_string();
        assert!(line.starts_with("cannot serve metrics at 192.0.2.1:9100: Cannot assign"), "{line}");
    }
}
