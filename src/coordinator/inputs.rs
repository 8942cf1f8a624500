//! The inputs of a run: found, their encodings and their dialect settled, and their headers read, in this order. Talks to `plan`, and to
//! `dialect` where the content is to be looked at. Reads no further than it must.

use std::borrow::Cow;
use std::path::PathBuf;

use super::LoadError;
use super::dialect::{DialectHints, Tell, settle_dialect};
use crate::plan::beginning::read_beginning;
use crate::plan::decoding::settle_encoding;
use crate::plan::discover::{InputFile, discover_through};
use crate::plan::header::{Header, HeaderNames};
use crate::remote::connect::Remotes;
use crate::report::event::RunEvent;
use crate::settings::{InputSettings, LoadSettings};

/// The settings with the dialect that is settled, and the inputs with their headers in it.
pub(super) type Settled<'a, S> = (Cow<'a, S>, Vec<(InputFile, Header)>);

/// Finds the files of a load, settles how they are read, and reads their headers.
pub(super) fn settle_inputs<'a>(
    settings: &'a LoadSettings,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Settled<'a, LoadSettings>, LoadError> {
    let columns = settings
        .schema
        .as_ref()
        .map(|schema| schema.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>());
    let tell = if settings.dry_run { Tell::Notes } else { Tell::Warning };
    let hints = DialectHints { columns: columns.as_deref(), tell };
    let (input, inputs) = open_inputs(&settings.inputs, &settings.input, hints, report)?;
    let settings = match input {
        Cow::Borrowed(_) => Cow::Borrowed(settings),
        Cow::Owned(input) => Cow::Owned(LoadSettings { input, ..settings.clone() }),
    };
    Ok((settings, inputs))
}

/// Finds the files, settles how they are read, and reads their headers.
///
/// # Errors
/// One is not there, or its beginning is refused; or it does not show the dialect that it is to show.
pub fn open_inputs<'a>(
    paths: &[PathBuf],
    input: &'a InputSettings,
    hints: DialectHints<'_>,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Settled<'a, InputSettings>, LoadError> {
    let names = if input.columns.is_some() { HeaderNames::Ignored } else { HeaderNames::Used };
    let remotes = Remotes::new(input.remote.clone(), input.places.hidden.clone());
    let mut files = discover_through(paths, input.compression, &remotes)?;
    for file in &mut files {
        let said = input.format.charset();
        settle_encoding(file, said)?;
        if let Some(found) = file.decoding.filter(|found| said.is_utf16() && *found != said) {
            report(RunEvent::Warning(format!(
                "{}: begins with the byte order mark of {}, and is read so, not as {}",
                file.path.display(),
                found.name(),
                said.name()
            )));
        }
    }
    let input = settle_dialect(input, &files, hints, report)?;
    let open = |file: InputFile| {
        let header =
            read_beginning(&file, &input.format, input.format_is_said, names, input.max_record_bytes)?;
        Ok((file, header))
    };
    let inputs = files.into_iter().map(open).collect::<Result<_, LoadError>>()?;
    Ok((input, inputs))
}
