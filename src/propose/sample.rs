//! Records from the beginning of an input, as a load would read them.

use std::ops::ControlFlow;

use memchr::memchr_iter;

use super::ProposeError;
use crate::format::boundaries::{Boundaries, Effect};
use crate::format::csv::scan::State;
use crate::format::json::keys::Keys;
use crate::format::reader::RecordReader;
use crate::format::record::RecordBatch;
use crate::plan::discover::InputFile;
use crate::plan::header::Header;
use crate::plan::parquet::ParquetError;
use crate::plan::parquet::footer::Columns;
use crate::plan::parquet::rows::Rows;
use crate::plan::source::Source;
use crate::plan::split::RecordError;
use crate::settings::InputSettings;

/// Bytes read at once, at most.
const PIECE_BYTES: usize = 1 << 20;
/// And at least, even if fewer are asked for.
const PIECE_BYTES_MIN: usize = 4 << 10;

/// What was looked at of an input.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) records: u64,
    /// Decompressed, with the header.
    pub(super) bytes: u64,
    /// Whether that is all of it, or all that would be loaded.
    pub(super) complete: bool,
    /// Whether it ends where `--limit` does.
    pub(super) is_limited: bool,
}

/// Reads whole records from the input's beginning, about `bytes_max` of them, and hands them to `look` until that breaks.
pub(super) fn read_sample(
    file: &InputFile,
    header: &Header,
    input: &InputSettings,
    keys: &Keys,
    bytes_max: u64,
    look: &mut dyn FnMut(&RecordBatch) -> ControlFlow<()>,
) -> Result<Seen, ProposeError> {
    if let Some(columns) = &header.columns {
        return read_rows(file, columns, bytes_max, look);
    }
    let source = Source::open(file)?;
    let format = input.format.decoded_from(file.decoding);
    let mut reader = RecordReader::new(&format, keys);
    let mut seen = Seen { records: 0, bytes: header.data_start, ..Seen::default() };
    let piece_bytes = usize::try_from(bytes_max).unwrap_or(PIECE_BYTES).clamp(PIECE_BYTES_MIN, PIECE_BYTES);
    let mut pending: Vec<u8> = Vec::new();
    let mut line = header.data_line;
    loop {
        let held = pending.len();
        pending.resize(held + piece_bytes, 0);
        let offset = seen.bytes + held as u64;
        let read = source.read_up_to(pending.get_mut(held..).unwrap_or_default(), offset)?;
        pending.truncate(held + read);
        let ended = read < piece_bytes;
        let lane = match Boundaries::of(&format, header.layout, seen.records == 0) {
            Boundaries::Anywhere(splitter) => *splitter.scan(&pending).from(State::RecordStart),
            Boundaries::InOrder(mut documents) => {
                let unreadable =
                    |problem: String| ProposeError::Unreadable { path: file.path.clone(), problem };
                let effect = Effect::of_documents(&mut documents, &pending)
                    .map_err(|broken| unreadable(broken.why.to_string()))?;
                if ended && !documents.may_end() {
                    let problem = "its last document, or the array that is the file, is never closed: is the file whole?";
                    return Err(unreadable(problem.to_owned()));
                }
                effect.lane
            }
        };
        // The last record that begins here may go on.
        let whole = match (ended, lane.last) {
            (true, _) => pending.len(),
            (false, Some(last)) => usize::try_from(last).unwrap_or(0),
            (false, None) => 0,
        };
        if ended && lane.end.in_quotes() {
            let before = usize::try_from(lane.quote.unwrap_or(0)).unwrap_or(usize::MAX);
            let line = line + newlines(pending.get(..before).unwrap_or_default());
            return Err(RecordError::OpenQuote { path: file.path.clone(), line }.into());
        }
        let rest = pending.split_off(whole);
        line += newlines(&pending);
        let batch = reader.read(std::mem::replace(&mut pending, rest)).map_err(|error| {
            ProposeError::Unreadable { path: file.path.clone(), problem: error.to_string() }
        })?;
        seen.bytes += whole as u64;
        seen.records += batch.len() as u64;
        let is_enough = look(&batch).is_break();
        seen.complete = ended;
        if ended || is_enough || (seen.bytes >= bytes_max && seen.records > 0) {
            source.check_unchanged()?;
            return Ok(seen);
        }
        if pending.len() as u64 > input.max_record_bytes {
            let (path, limit) = (file.path.clone(), input.max_record_bytes);
            return Err(RecordError::TooLong { path, line, limit }.into());
        }
    }
}

/// The same of a Parquet file.
fn read_rows(
    file: &InputFile,
    columns: &Columns,
    bytes_max: u64,
    look: &mut dyn FnMut(&RecordBatch) -> ControlFlow<()>,
) -> Result<Seen, ProposeError> {
    let unreadable = |error: ParquetError| ProposeError::Unreadable {
        path: file.path.clone(),
        problem: error.to_string(),
    };
    let rows = Rows::open_all(file).map_err(unreadable)?;
    let total = columns.row_groups.rows();
    let mut seen = Seen { complete: total == 0, ..Seen::default() };
    while !seen.complete && (seen.bytes < bytes_max || seen.records == 0) {
        let first = seen.records + 1;
        let count = columns.row_groups.rows_from(seen.records);
        let records =
            rows.read(first, count).and_then(|read| rows.records(first, &read)).map_err(unreadable)?;
        let is_enough = look(&records).is_break();
        seen.bytes += rows.bytes_of(first, count);
        seen.records += count;
        seen.complete = seen.records == total;
        if is_enough {
            break;
        }
    }
    Ok(seen)
}

/// How much of which files was looked at.
pub(super) fn looked_at(inputs: &[(InputFile, Header)], seen: &[Seen]) -> String {
    let records: u64 = seen.iter().map(|seen| seen.records).sum();
    let of = |((file, _), seen): (&(InputFile, Header), &Seen)| {
        let name = file.name().display();
        match seen.complete {
            _ if seen.is_limited => format!("the first {} of {name} (--limit)", seen.records),
            true => format!("all of {name}"),
            false => format!("the first {} of {name}", bytesize::ByteSize(seen.bytes).display().iec()),
        }
    };
    const SHOWN: usize = 5;
    // Behind the limit, nothing was looked at.
    let end = seen.iter().position(|seen| seen.is_limited).map_or(seen.len(), |last| last + 1);
    let seen = seen.get(..end).unwrap_or_default();
    let mut places: Vec<String> = inputs.iter().zip(seen).take(SHOWN).map(of).collect();
    if seen.len() > SHOWN {
        let rest = seen.iter().skip(SHOWN);
        let complete = rest.clone().filter(|seen| seen.complete).count();
        places.push(format!("{} more files, of {complete} of them everything", rest.count()));
    }
    format!("From {records} records: {}.", places.join(", "))
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr_iter(b'\n', bytes).count() as u64
}
