//! A line of the log file. Ours are the objects that `--progress json` shows, behind the time, the level and the process; what
//! a library says becomes an event of the name `library`. Both formats hold the same. It opens no file.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::control::said::{Said, TARGET};
use crate::report::figures::printable;
use crate::settings::LogFormat;

/// Lines of libraries in one run: a driver that has the same to say of every request must not fill the disk.
const LIBRARY_LINES_MAX: u64 = 1_000;

/// How events become lines.
pub(super) struct LineFormat {
    format: LogFormat,
    process_id: u32,
    library_lines: AtomicU64,
}

impl LineFormat {
    /// Lines of the process of this number.
    pub(super) fn new(format: LogFormat, process_id: u32) -> Self {
        LineFormat { format, process_id, library_lines: AtomicU64::new(0) }
    }

    /// A line without its end. `event` is a JSON object whose first member is `event`.
    fn line(&self, now: Timestamp, level: Level, event: &str) -> String {
        let level = level.as_str().to_ascii_lowercase();
        let process_id = self.process_id;
        match self.format {
            LogFormat::Json => {
                let members = event.strip_prefix('{').unwrap_or(event);
                format!(r#"{{"timestamp":"{now:.3}","level":"{level}","pid":{process_id},{members}"#)
            }
            LogFormat::Text => {
                let Members(members) = serde_json::from_str(event).unwrap_or_default();
                let mut line = format!("{now:.3} {level:<5}");
                for (name, value) in &members {
                    match (name.as_str(), value) {
                        ("event", Value::String(event)) => {
                            line.push_str(&format!(" {event} pid={process_id}"));
                        }
                        (name, value) => push_pair(&mut line, name, value),
                    }
                }
                printable(&line)
            }
        }
    }

    /// What a library says, as an event; `None` where it has said too much already.
    fn library_event(&self, said: &Said, source: &str) -> Option<String> {
        let before = self.library_lines.fetch_add(1, Ordering::Relaxed);
        let event = match before {
            ..LIBRARY_LINES_MAX => LibraryEvent { event: "library", source, message: &said.message() },
            LIBRARY_LINES_MAX => LibraryEvent {
                event: "library",
                source: TARGET,
                message: "libraries have said a lot: no more of it is logged in this run",
            },
            _ => return None,
        };
        serde_json::to_string(&event).ok()
    }
}

#[derive(Serialize)]
struct LibraryEvent<'a> {
    event: &'a str,
    source: &'a str,
    message: &'a str,
}

impl<S, N> FormatEvent<S, N> for LineFormat
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let said = Said::in_event(event);
        let metadata = event.metadata();
        let event = match metadata.target() {
            TARGET => said.line,
            source => self.library_event(&said, source),
        };
        match event {
            Some(event) => writeln!(writer, "{}", self.line(Timestamp::now(), *metadata.level(), &event)),
            None => Ok(()),
        }
    }
}

/// An object's members in their order.
#[derive(Debug, Default)]
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// Adds ` name=value`; the members of an object each for itself, null not at all.
fn push_pair(line: &mut String, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (inner, value) in members {
                push_pair(line, &format!("{name}.{inner}"), value);
            }
        }
        Value::String(text) if is_plain(text) => line.push_str(&format!(" {name}={text}")),
        Value::String(_) | Value::Array(_) | Value::Bool(_) | Value::Number(_) => {
            line.push_str(&format!(" {name}={value}"));
        }
    }
}

/// Whether a text needs no quotes to be told from what stands beside it.
fn is_plain(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\' | '['))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> Timestamp {
        "2026-03-04T05:06:07.8912Z".parse().unwrap()
    }

    #[test]
    fn a_text_line_has_the_members_as_pairs_in_their_order() {
        let check = |event: &str, expected: &str| {
            let format = LineFormat::new(LogFormat::Text, 4711);
            assert_eq!(
                format.line(now(), Level::WARN, event),
                format!("2026-03-04T05:06:07.891Z warn  {expected}")
            );
        };
        check(r#"{"event":"started","table":"a.b","workers":2}"#, "started pid=4711 table=a.b workers=2");
        check(
            r#"{"event":"x","z":null,"y":{"p50":0.5,"max":2},"a":true,"l":["a b","c"]}"#,
            r#"x pid=4711 y.max=2 y.p50=0.5 a=true l=["a b","c"]"#,
        );
        check(
            r#"{"event":"x","a":"","b":"two words","c":"q\"","d":"a=b","e":"l1\nl2","f":"ä","g":"[1]"}"#,
            r#"x pid=4711 a="" b="two words" c="q\"" d="a=b" e="l1\nl2" f=ä g="[1]""#,
        );
        check("{\"event\":\"x\",\"a\":\"\u{9b}1m\"}", "x pid=4711 a=\"\u{fffd}1m\"");
    }

    #[test]
    fn a_json_line_is_the_event_behind_time_level_and_process() {
        let format = LineFormat::new(LogFormat::Json, 4711);
        assert_eq!(
            format.line(now(), Level::INFO, r#"{"event":"x","a":1}"#),
            r#"{"timestamp":"2026-03-04T05:06:07.891Z","level":"info","pid":4711,"event":"x","a":1}"#
        );
    }

    #[test]
    fn a_library_that_says_too_much_is_cut_short_with_a_word() {
        let format = LineFormat::new(LogFormat::Json, 1);
        let said = Said::for_tests("busy", "node=1");
        let told: Vec<Option<String>> =
            (0..LIBRARY_LINES_MAX + 10).map(|_| format.library_event(&said, "driver")).collect();
        let first = r#"{"event":"library","source":"driver","message":"busy; node=1"}"#;
        assert_eq!(told.iter().filter(|line| line.as_deref() == Some(first)).count(), 1_000);
        let last = told.into_iter().flatten().next_back().unwrap();
        assert!(last.contains("no more of it is logged in this run"), "{last}");
    }
}
