//! The dialect of the inputs where the user leaves it to their content, and what a check has to say of one that he did not leave to it.
//! Samples every input; never takes one guess for two inputs that contradict each other.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::format::Format;
use crate::format::charset::Charset;
use crate::format::csv::dialect::{Dialect, Escapes};
use crate::format::detect::{Guess, Indecision, SAMPLE_BYTES, detect, options};
use crate::plan::compression::CompressionChoice;
use crate::plan::discover::InputFile;
use crate::plan::header::{HeaderError, read_sample};
use crate::report::event::RunEvent;
use crate::settings::{DialectChoice, InputSettings};

/// Bytes of all inputs together that are looked at, and the least of each.
const SAMPLES_BYTES: usize = 64 * SAMPLE_BYTES;
const SAMPLE_BYTES_MIN: usize = 8 * 1024;
/// Notes about so many inputs are told one by one.
const NOTES_MAX: usize = 5;
/// Inputs of a load that are looked at before it begins, and bytes of each: not more than is read for its header anyway.
const LOOKED_AT_MAX: usize = 64;
const LOOK_BYTES: usize = 64 * 1024;

/// Why the inputs' dialect is not guessed.
#[derive(Debug, thiserror::Error)]
pub enum DialectGuessError {
    /// An input cannot be read.
    #[error(transparent)]
    Sample(#[from] HeaderError),
    /// An input may be read in several ways, or in none.
    #[error("{}: {indecision}, and leave out --dialect auto", path.display())]
    Undecided {
        /// The input.
        path: PathBuf,
        /// Why.
        indecision: Indecision,
    },
    /// Two inputs are not alike.
    #[error(
        "{} looks like {}, and {} like {}: load them one by one, or say how to read both instead of --dialect auto",
        first.display(), options(first_guess), second.display(), options(second_guess)
    )]
    Contradiction {
        /// An input.
        first: PathBuf,
        /// What it shows.
        first_guess: Box<Guess>,
        /// Another input.
        second: PathBuf,
        /// What it shows.
        second_guess: Box<Guess>,
    },
    /// What is guessed does not go with what is said.
    #[error("what the content looks like ({}) does not go with the other options: {problem}", options(guess))]
    Unusable {
        /// What it looks like.
        guess: Box<Guess>,
        /// Why that does not go.
        problem: String,
    },
    /// Nothing tells a header from data.
    #[error(
        "{}: whether its first record is a header does not show: leave out --dialect auto, and add --no-header if it is data",
        path.display()
    )]
    Header {
        /// The input.
        path: PathBuf,
    },
}

/// What is known beside the inputs' content.
#[derive(Debug, Clone, Copy, Default)]
pub struct DialectHints<'a> {
    /// The table's columns, which a header may name.
    pub columns: Option<&'a [String]>,
    /// How it is told what does not look as it is set.
    pub tell: Tell,
}

/// How it is told that inputs do not look like what is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Tell {
    /// In a note on each.
    #[default]
    Notes,
    /// In a single warning, before rows are written. Only what is at hand is looked at: a load is not to ask servers for more.
    Warning,
}

/// How the inputs are read: as the settings say, or as their content shows.
///
/// # Errors
/// The content is to show it, and does not; or an input cannot be read.
pub(super) fn settle_dialect<'a>(
    input: &'a InputSettings,
    files: &[InputFile],
    hints: DialectHints<'_>,
    report: &mut dyn FnMut(RunEvent),
) -> Result<Cow<'a, InputSettings>, DialectGuessError> {
    let Some(set) = input.format.dialect() else { return Ok(Cow::Borrowed(input)) };
    let look = Look { input, set, columns: input.columns.as_deref().or(hints.columns) };
    match input.dialect_choice {
        DialectChoice::Options => {
            match hints.tell {
                Tell::Notes => look.note_differences(files, report),
                Tell::Warning => look.warn_of_differences(files, report),
            }
            Ok(Cow::Borrowed(input))
        }
        DialectChoice::Auto => {
            let guess = look.guess_all(files)?;
            let dialect = guess.applied(set);
            check_usable(&dialect, input).map_err(|problem| {
                let guess = Box::new(guess);
                DialectGuessError::Unusable { guess, problem }
            })?;
            report(RunEvent::Note(look.told(&guess, files)));
            Ok(Cow::Owned(InputSettings { format: Format::Csv(dialect), ..input.clone() }))
        }
    }
}

/// How much of each input is looked at.
fn sample_bytes(inputs: &[InputFile]) -> usize {
    (SAMPLES_BYTES / inputs.len().max(1)).clamp(SAMPLE_BYTES_MIN, SAMPLE_BYTES)
}

/// Checks what is checked of options too, before anything is known of the content.
fn check_usable(dialect: &Dialect, input: &InputSettings) -> Result<(), String> {
    dialect.validate().map_err(|error| error.to_string())?;
    let escape = dialect.escape.filter(|_| dialect.escapes != Escapes::Quotes).map(char::from);
    match escape.and_then(|escape| input.nulls.iter().find(|null| null.contains(escape))) {
        Some(null) => Err(format!("--null {null} holds the escape character, which is no part of the text")),
        None => Ok(()),
    }
}

/// How the inputs are looked at.
struct Look<'a> {
    input: &'a InputSettings,
    set: &'a Dialect,
    columns: Option<&'a [String]>,
}

impl Look<'_> {
    /// What all inputs show together.
    fn guess_all(&self, inputs: &[InputFile]) -> Result<Guess, DialectGuessError> {
        let input = self.input;
        let mut all = Guess::default();
        let mut seen: Vec<(&Path, Guess)> = Vec::new();
        // With names there must be a header, and the table tells whether it is one.
        let has_names = input.columns.is_none() && input.map.as_ref().is_none_or(|map| map.by_name);
        let mut untold = None;
        for file in inputs {
            let (sample, complete) = read_sample(file, sample_bytes(inputs))?;
            let undecided = |indecision| DialectGuessError::Undecided { path: file.path.clone(), indecision };
            let mut guess = self.guess(&sample, complete).map_err(undecided)?;
            if has_names {
                guess.header = None;
            } else if guess.header.is_none() && !input.said.header && !sample.trim_ascii().is_empty() {
                untold = untold.or(Some(file));
            }
            let Some(both) = all.and(&guess) else {
                let other = seen.iter().find(|(_, other)| other.and(&guess).is_none());
                let (first, first_guess) =
                    other.map_or((file.path.as_path(), all), |(path, guess)| (path, *guess));
                return Err(DialectGuessError::Contradiction {
                    first: first.to_owned(),
                    first_guess: Box::new(first_guess),
                    second: file.path.clone(),
                    second_guess: Box::new(guess),
                });
            };
            if both != all {
                seen.push((&file.path, guess));
            }
            all = both;
        }
        match untold {
            Some(file) if all.header.is_none() => Err(DialectGuessError::Header { path: file.path.clone() }),
            _ => Ok(all),
        }
    }

    fn guess(&self, sample: &[u8], complete: bool) -> Result<Guess, Indecision> {
        detect(sample, complete, self.set, self.input.said, self.columns)
    }

    /// What was guessed, as the options that say it.
    fn told(&self, guess: &Guess, inputs: &[InputFile]) -> String {
        let mut said = if *guess == Guess::default() { Vec::new() } else { vec![options(guess)] };
        let same = |of: fn(&InputFile) -> Option<String>| {
            let first = inputs.first().and_then(of)?;
            inputs.iter().all(|file| of(file).as_ref() == Some(&first)).then_some(first)
        };
        if self.input.compression == CompressionChoice::Auto {
            let compression = same(|file| file.compression.map(|compression| compression.name().to_owned()));
            said.extend(compression.map(|name| format!("--input-compression {name}")));
        }
        if self.set.charset.is_utf8() {
            let encoding = same(|file| file.decoding.map(|charset| charset.name().to_lowercase()));
            said.extend(encoding.map(|name| format!("--encoding {name}")));
        }
        let header = match guess.header {
            Some(true) => ", with a header",
            _ => "",
        };
        match &said[..] {
            [] => format!("--dialect auto: the content shows nothing that is not as set{header}"),
            said => format!("--dialect auto: the content is read with {}{header}", said.join(" ")),
        }
    }

    /// In what an input does not look like what is set. `header`: also where it seems to have none.
    fn difference(&self, file: &InputFile, bytes: usize, header: bool) -> Option<String> {
        // What cannot be read is told by who reads it.
        let (sample, complete) = read_sample(file, bytes).ok()?;
        let path = file.path.display();
        if let Some(doubt) = encoding_doubt(file, self.set.charset, &sample, complete) {
            return Some(format!("{path}: {doubt}"));
        }
        match self.guess(&sample, complete) {
            Ok(guess) => {
                let guess = differing(&guess, self.set);
                let guess = Guess { header: guess.header.filter(|_| header), ..guess };
                (guess != Guess::default()).then(|| {
                    format!("{path}: the content looks like {}, which is not what is set", options(&guess))
                })
            }
            Err(other @ Indecision::Other { .. }) => Some(format!("{path}: {other}")),
            Err(Indecision::TwoWays { .. } | Indecision::NoDelimiter) => None,
        }
    }

    /// Warns, once, of inputs that do not look like what is set.
    fn warn_of_differences(&self, inputs: &[InputFile], report: &mut dyn FnMut(RunEvent)) {
        let looked_at = inputs.iter().filter(|file| file.remote.is_none()).take(LOOKED_AT_MAX);
        let bytes = sample_bytes(inputs).min(LOOK_BYTES);
        // Whether there is a header, the columns' names tell.
        let mut differences = looked_at.filter_map(|file| self.difference(file, bytes, false));
        let Some(first) = differences.next() else { return };
        let others = match differences.count() {
            0 => String::new(),
            count => format!(" (nor do {count} other files)"),
        };
        report(RunEvent::Warning(format!(
            "{first}{others}: if it is so, stop and load with these options; ringload check tells what would be rejected"
        )));
    }

    /// Tells of inputs that do not look like what is set.
    fn note_differences(&self, inputs: &[InputFile], report: &mut dyn FnMut(RunEvent)) {
        let mut others = 0;
        let mut told = 0;
        for file in inputs {
            let Some(note) = self.difference(file, sample_bytes(inputs), true) else { continue };
            match told < NOTES_MAX {
                true => report(RunEvent::Note(note)),
                false => others += 1,
            }
            told += 1;
        }
        if others > 0 {
            report(RunEvent::Note(format!("{others} more files do not look like what is set")));
        }
    }
}

/// What a guess says that is not set so. That there is a header is told by who reads it.
fn differing(guess: &Guess, set: &Dialect) -> Guess {
    Guess {
        delimiter: guess.delimiter.filter(|delimiter| *delimiter != set.delimiter),
        quote: guess.quote.filter(|quote| *quote != set.quote),
        escape: guess.escape.filter(|escape| *escape != (set.escape, set.escapes)),
        header: guess.header.filter(|header| set.header && !header),
    }
}

/// Why an input is probably not in the encoding that is set, if so.
fn encoding_doubt(file: &InputFile, set: Charset, sample: &[u8], complete: bool) -> Option<String> {
    if file.decoding.is_some() || sample.is_ascii() {
        return None;
    }
    let valid = match std::str::from_utf8(sample) {
        Ok(_) => true,
        // A character that the sample cuts in two.
        Err(error) => error.error_len().is_none() && !complete,
    };
    match (valid, set.is_utf8()) {
        (false, true) => Some(
            "the content is not UTF-8: say its encoding, often --encoding windows-1252, or such records are rejected".to_owned(),
        ),
        (true, false) => Some(format!("the content looks like UTF-8, and --encoding {} is set", set.name())),
        _ => None,
    }
}
