//! The dialect of a file, guessed from a sample of it: delimiter, quote and escape by what makes records of one length with fields that
//! look like something, the header by how it differs from what is below it. Talks to the reader that loads the records. Pure.
//! Never picks a character that the sample does not show, and never one of two guesses that are as good as each other.

mod kinds;
mod reading;

use kinds::Kind;
use reading::{Reading, is_common};

use super::csv::dialect::{Delimiter, Dialect, Escapes};
use super::csv::separator::SeparatorLine;

/// Bytes of a file that are looked at.
pub const SAMPLE_BYTES: usize = 128 * 1024;

/// What may stand between fields, if the sample shows it.
const DELIMITERS: [u8; 9] = [b',', b';', b'\t', b'|', b'^', 0x01, 0x1f, b':', b' '];
/// What may stand around fields.
const QUOTES: [u8; 2] = [b'"', b'\''];
/// The only escape that is looked for.
const ESCAPE: u8 = b'\\';
/// A guess must be so much better than the next one.
const MARGIN: f64 = 1.2;
/// So many times as many records speak against the next reading of the quotes.
const QUOTE_MARGIN: f64 = 4.0;

/// What the user has said, which is not guessed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Said {
    /// The delimiter.
    pub delimiter: bool,
    /// The quote character.
    pub quote: bool,
    /// The escape character, or where it works.
    pub escape: bool,
    /// Whether there is a header.
    pub header: bool,
}

/// What a sample shows of its dialect; `None`: it shows nothing of that, so that what is set is as good as anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Guess {
    /// Between fields.
    pub delimiter: Option<Delimiter>,
    /// Around fields, or that quotes are data.
    pub quote: Option<Option<u8>>,
    /// What escapes and where, or that backslashes are data.
    pub escape: Option<(Option<u8>, Escapes)>,
    /// Whether the first record names the columns.
    pub header: Option<bool>,
}

/// What a file is, if it is not CSV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherContent {
    /// A JSON object in each line.
    JsonLines,
    /// JSON documents of several lines, or an array.
    Json,
}

/// Why there is no guess.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Indecision {
    /// Two dialects fit.
    #[error("may be read with {} or with {}: say which", options(first), options(second))]
    TwoWays {
        /// One.
        first: Box<Guess>,
        /// The other.
        second: Box<Guess>,
    },
    /// None fits.
    #[error("no delimiter makes records of one length of it: say what it is with --delimiter and --quote")]
    NoDelimiter,
    /// It is no CSV.
    #[error("is no CSV but JSON: read it with --format {}", match content {
        OtherContent::JsonLines => "ndjson",
        OtherContent::Json => "json",
    })]
    Other {
        /// What it is.
        content: OtherContent,
    },
}

impl Guess {
    /// A dialect, changed as the sample shows.
    pub fn applied(&self, set: &Dialect) -> Dialect {
        let (escape, escapes) = self.escape.unwrap_or((set.escape, set.escapes));
        Dialect {
            delimiter: self.delimiter.unwrap_or(set.delimiter),
            quote: self.quote.unwrap_or(set.quote),
            escape,
            escapes,
            header: self.header.unwrap_or(set.header),
            ..*set
        }
    }

    /// What both samples show together; `None` where they contradict each other.
    pub fn and(&self, other: &Guess) -> Option<Guess> {
        fn both<T: PartialEq + Copy>(one: Option<T>, other: Option<T>) -> Option<Option<T>> {
            match (one, other) {
                (Some(one), Some(other)) => (one == other).then_some(Some(one)),
                (one, other) => Some(one.or(other)),
            }
        }
        Some(Guess {
            delimiter: both(self.delimiter, other.delimiter)?,
            quote: both(self.quote, other.quote)?,
            escape: both(self.escape, other.escape)?,
            header: both(self.header, other.header)?,
        })
    }
}

/// The options that say what was guessed, quoted for a shell.
pub fn options(guess: &Guess) -> String {
    let mut options = Vec::new();
    if let Some(delimiter) = guess.delimiter {
        options.push(format!("--delimiter {}", shown(delimiter.as_bytes())));
    }
    if let Some(quote) = guess.quote {
        options.push(format!("--quote {}", character(quote)));
    }
    if let Some((escape, escapes)) = guess.escape {
        options.push(format!("--escape {}", character(escape)));
        match escapes {
            Escapes::Quotes => {}
            Escapes::Any => options.push("--escapes any".to_owned()),
            Escapes::Cqlsh => options.push("--escapes cqlsh".to_owned()),
            Escapes::Tsv => options.push("--escapes tsv".to_owned()),
        }
    }
    if guess.header == Some(false) {
        options.push("--no-header".to_owned());
    }
    if options.is_empty() { "no option".to_owned() } else { options.join(" ") }
}

fn character(byte: Option<u8>) -> String {
    byte.map_or_else(|| "none".to_owned(), |byte| shown(&[byte]))
}

/// Characters as an option takes them, in a shell's quotes.
fn shown(bytes: &[u8]) -> String {
    match bytes {
        b"\t" => "tab".to_owned(),
        b"'" => "\"'\"".to_owned(),
        _ => {
            let text: String = String::from_utf8_lossy(bytes)
                .chars()
                .map(
                    |c| if c.is_ascii_control() { format!("\\x{:02x}", u32::from(c)) } else { c.to_string() },
                )
                .collect();
            format!("'{}'", text.replace('\'', "'\\''"))
        }
    }
}

/// Guesses the dialect of a sample, which begins where its file does; `complete`: the file ends with it. What is `said` and what is no
/// dialect's matter (comments, spaces, encoding) is as in `set`. `columns`: the names that a header may have, where they are known.
///
/// # Errors
/// Several dialects fit, or none does.
pub fn detect(
    sample: &[u8],
    complete: bool,
    set: &Dialect,
    said: Said,
    columns: Option<&[String]>,
) -> Result<Guess, Indecision> {
    let sample = sample.strip_prefix(b"\xef\xbb\xbf").unwrap_or(sample);
    let Some(line) = SeparatorLine::of(sample) else {
        return detect_records(sample, complete, set, said, columns);
    };
    let records = sample.get(line.len..).unwrap_or_default();
    if said.delimiter {
        return detect_records(records, complete, set, said, columns);
    }
    let set = Dialect { delimiter: line.delimiter, ..*set };
    let guess = detect_records(records, complete, &set, Said { delimiter: true, ..said }, columns)?;
    Ok(Guess { delimiter: Some(line.delimiter), ..guess })
}

/// The same, where nothing stands before the records.
fn detect_records(
    sample: &[u8],
    complete: bool,
    set: &Dialect,
    said: Said,
    columns: Option<&[String]>,
) -> Result<Guess, Indecision> {
    if let Some(content) = other_content(sample) {
        return Err(Indecision::Other { content });
    }
    let mut fits: Vec<Fit> = Vec::new();
    let mut seen = false;
    for delimiter in delimiters(sample, set, said) {
        let dialect = Dialect { delimiter, ..*set };
        let fit = fit(sample, complete, &dialect, said);
        seen |= !is_common(&dialect) || fit.as_ref().is_some_and(|fit| fit.reading.is_even());
        fits.extend(fit.filter(|fit| said.delimiter || fit.reading.is_table()));
    }
    fits.sort_by(|one, other| other.reading.score().total_cmp(&one.reading.score()));
    let mut fits = fits.into_iter();
    let Some(best) = fits.next() else {
        // Where no delimiter is to be seen there is one column, in whatever dialect; or there is no record.
        let alone = Reading::of(sample, complete, *set).filter(|_| !seen);
        return match (seen, alone) {
            (false, Some(reading)) => {
                let header = header(&reading, said, columns);
                Ok(Guess { header, ..Guess::default() })
            }
            _ if Reading::of(
                sample,
                complete,
                Dialect { quote: None, escape: None, escapes: Escapes::Quotes, ..*set },
            )
            .is_none() =>
            {
                Ok(Guess::default())
            }
            _ => Err(Indecision::NoDelimiter),
        };
    };
    let second = match fits.next() {
        Some(second) if best.reading.score() < MARGIN * second.reading.score() => {
            Some(second.guess(set, said))
        }
        _ => best.rival,
    };
    let guess = best.guess(set, said);
    match second {
        Some(second) => Err(Indecision::TwoWays { first: Box::new(guess), second: Box::new(second) }),
        None => Ok(Guess { header: header(&best.reading, said, columns), ..guess }),
    }
}

/// The delimiters that a sample shows.
fn delimiters(sample: &[u8], set: &Dialect, said: Said) -> Vec<Delimiter> {
    if said.delimiter {
        return vec![set.delimiter];
    }
    let is_free = |byte: &u8| set.comment != Some(*byte) && !(said.quote && set.quote == Some(*byte));
    let shown = DELIMITERS.into_iter().filter(|byte| sample.contains(byte)).filter(is_free);
    let mut delimiters: Vec<Delimiter> = shown.map(Delimiter::byte).collect();
    // One that nobody would look for, but that is set.
    let bytes = set.delimiter.as_bytes();
    if !delimiters.contains(&set.delimiter)
        && sample.windows(bytes.len().max(1)).any(|window| window == bytes)
    {
        delimiters.push(set.delimiter);
    }
    delimiters
}

/// The best reading with one delimiter.
struct Fit {
    reading: Reading,
    /// Another way to quote or escape that is as good.
    rival: Option<Guess>,
    /// Whether the sample shows how fields are quoted, and what a backslash is.
    shows_quote: bool,
    shows_escape: bool,
}

impl Fit {
    fn guess(&self, set: &Dialect, said: Said) -> Guess {
        let Dialect { delimiter, quote, escape, escapes, .. } = self.reading.dialect;
        let is_table = self.reading.fields > 1;
        Guess {
            delimiter: (is_table && !said.delimiter).then_some(delimiter),
            quote: ((self.shows_quote || quote != set.quote) && !said.quote).then_some(quote),
            escape: ((self.shows_escape || (escape, escapes) != (set.escape, set.escapes)) && !said.escape)
                .then_some((escape, escapes)),
            header: None,
        }
    }
}

/// Finds out how fields are quoted and escaped where the delimiter is known.
fn fit(sample: &[u8], complete: bool, dialect: &Dialect, said: Said) -> Option<Fit> {
    let mut readings: Vec<Reading> = Vec::new();
    for dialect in variants(sample, dialect, said) {
        let Some(reading) = Reading::of(sample, complete, dialect) else { continue };
        let escapes = dialect.escape.is_some() && !said.escape;
        // A program that escapes, escapes its escapes too: one that stands before anything else is data.
        if escapes && (reading.escaped == 0 || reading.idle_escapes > 0) {
            continue;
        }
        // The first that reads the same is the simplest, or the one that is set.
        if !readings.iter().any(|other| other.reads_as(&reading)) {
            readings.push(reading);
        }
    }
    let shows_quote = readings.iter().any(|reading| reading.quoted > 0);
    let shows_escape = readings.iter().any(|reading| reading.dialect.escape.is_some());
    let most = (0..readings.len()).min_by(|one, other| {
        let faults = |index: &usize| readings.get(*index).map_or(f64::MAX, Reading::faults);
        faults(one).total_cmp(&faults(other))
    })?;
    let reading = readings.swap_remove(most);
    let as_good =
        |other: &&Reading| other.faults() < QUOTE_MARGIN * reading.faults() || other.faults() == 0.0;
    let mut rival = readings.iter().find(as_good).map(|other| &other.dialect);
    let unsure = Dialect { quote: None, ..reading.dialect };
    if rival.is_none() && !said.quote && is_doubtful(&reading, dialect) {
        rival = Some(&unsure);
    }
    let cqlsh = Dialect { escapes: Escapes::Cqlsh, ..reading.dialect };
    if rival.is_none()
        && !said.escape
        && reading.dialect.escapes == Escapes::Any
        && reading.has_escapes_left()
    {
        rival = Some(&cqlsh);
    }
    let rival = rival.map(|rival| Guess {
        delimiter: (!said.delimiter).then_some(rival.delimiter),
        quote: Some(rival.quote),
        escape: Some((rival.escape, rival.escapes)),
        header: None,
    });
    Some(Fit { reading, rival, shows_quote, shows_escape })
}

/// Whether quotes that nobody has set stand around a few fields only, and around none that needs them: they may be data.
fn is_doubtful(reading: &Reading, set: &Dialect) -> bool {
    reading.quoted > 0
        && reading.dialect.quote != set.quote
        && reading.needed == 0
        && !reading.quotes_a_column()
}

/// The ways to quote and escape that the sample shows; the one that is set, and the simplest, first.
fn variants(sample: &[u8], dialect: &Dialect, said: Said) -> Vec<Dialect> {
    let delimiter = dialect.delimiter.single();
    let mut quotes = vec![dialect.quote];
    if !said.quote {
        let shown = QUOTES.into_iter().filter(|quote| sample.contains(quote)).map(Some);
        quotes.extend(shown.chain([None]).filter(|quote| *quote != dialect.quote));
    }
    let mut escapes = vec![(dialect.escape, dialect.escapes)];
    if !said.escape {
        escapes = vec![(None, Escapes::Quotes)];
        if sample.contains(&ESCAPE) {
            escapes.extend([(Some(ESCAPE), Escapes::Quotes), (Some(ESCAPE), Escapes::Any)]);
        }
    }
    let with = |(quote, (escape, escapes)): (Option<u8>, (Option<u8>, Escapes))| {
        let made = Dialect { quote, escape, escapes, ..*dialect };
        let is_free = quote.is_none() || quote != delimiter;
        (is_free && made.validate().is_ok()).then_some(made)
    };
    let pairs = quotes.iter().flat_map(|quote| escapes.iter().map(move |escape| (*quote, *escape)));
    pairs.filter_map(with).collect()
}

/// Whether the first record names the columns: by their names, where these are known, or else because it has none of the types that are
/// below it. `None` where nothing tells.
fn header(reading: &Reading, said: Said, columns: Option<&[String]>) -> Option<bool> {
    if said.header {
        return None;
    }
    let mut records = reading.records();
    let first = records.next()?;
    let plain = |text: &[u8]| String::from_utf8_lossy(text).trim().to_lowercase();
    if let Some(columns) = columns {
        let columns: Vec<String> = columns.iter().map(|column| plain(column.as_bytes())).collect();
        if first.iter().any(|field| columns.contains(&plain(field))) {
            return Some(true);
        }
    }
    let mut types: Vec<Option<Kind>> = vec![None; first.len()];
    let mut mixed = vec![false; first.len()];
    let mut rows = 0;
    for record in records.filter(|record| record.len() == first.len()) {
        rows += 1;
        for ((known, mixed), field) in types.iter_mut().zip(&mut mixed).zip(record) {
            let kind = Kind::of(field);
            match known {
                _ if kind == Kind::Empty => {}
                None => *known = Some(kind),
                Some(known) => *mixed |= *known != kind,
            }
        }
    }
    let (mut names, mut data) = (0, 0);
    for ((known, mixed), field) in types.iter().zip(mixed).zip(&first) {
        let Some(kind) = known.filter(|kind| kind.is_typed() && !mixed) else { continue };
        match Kind::of(field) {
            Kind::Empty => {}
            found if found == kind => data += 1,
            Kind::Word | Kind::Words => names += 1,
            _ => {}
        }
    }
    match (rows, names, data) {
        (1.., 1.., 0) => Some(true),
        (1.., 0, 1..) => Some(false),
        _ => None,
    }
}

/// JSON, by its first characters: an object, or an array of them.
fn other_content(sample: &[u8]) -> Option<OtherContent> {
    let text = sample.trim_ascii_start();
    let behind = text.get(1..).unwrap_or_default().trim_ascii_start();
    match text.first()? {
        b'{' if matches!(behind.first(), Some(b'"' | b'}')) => {
            let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
            Some(if line.ends_with(b"}") { OtherContent::JsonLines } else { OtherContent::Json })
        }
        b'[' if behind.first() == Some(&b'{') => Some(OtherContent::Json),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
