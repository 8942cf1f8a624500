//! What is said through `tracing`, by us or a library, as text; and which of it is for the log: of libraries only what is wrong.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level};
use tracing_subscriber::filter::Targets;

/// The target of our own events; they have one field, `line`, which holds a JSON object whose first member is `event`.
pub(crate) const TARGET: &str = "ringload";

/// Of libraries only what is wrong: what they tell otherwise has rows' values in it. Who fetches metrics and hangs up is no concern of
/// the load.
pub(crate) fn filter() -> Targets {
    Targets::new()
        .with_target(TARGET, Level::INFO)
        .with_target("metrics_exporter_prometheus", LevelFilter::OFF)
        .with_default(LevelFilter::WARN)
}

/// The fields of an event.
#[derive(Debug, Default)]
pub(crate) struct Said {
    /// Our own.
    pub(crate) line: Option<String>,
    message: String,
    others: String,
}

impl Said {
    /// What an event says.
    pub(crate) fn in_event(event: &Event<'_>) -> Said {
        let mut said = Said::default();
        event.record(&mut said);
        said
    }

    #[cfg(test)]
    pub(crate) fn for_tests(message: &str, others: &str) -> Said {
        Said { message: message.to_owned(), others: others.to_owned(), line: None }
    }

    /// All of it but our own line: the message, then the other fields.
    pub(crate) fn message(&self) -> String {
        let Said { message, others, .. } = self;
        match (message.is_empty(), others.is_empty()) {
            (_, true) => message.clone(),
            (true, false) => others.clone(),
            (false, false) => format!("{message}; {others}"),
        }
    }
}

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "line" => self.line = Some(value.to_owned()),
            "message" => value.clone_into(&mut self.message),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
            return;
        }
        let comma = if self.others.is_empty() { "" } else { ", " };
        // Writing to a string does not fail.
        let _ = write!(self.others, "{comma}{}={value:?}", field.name());
    }
}
