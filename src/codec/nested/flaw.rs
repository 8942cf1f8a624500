//! What is wrong inside a cell and where: the way in is collected while the error goes out, so that a good cell pays nothing for it.

use std::borrow::Cow;
use std::fmt;

use crate::reject::RejectCode;

/// How many characters of a cell's text a message shows.
const SHOWN_CHARS: usize = 60;

/// What is wrong with a part of a value that is made of others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub(super) code: RejectCode,
    message: Cow<'static, str>,
    /// The text that is wrong, cut.
    text: Option<String>,
    /// The way in, innermost first.
    way: Vec<Step>,
}

/// One step into a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// The element after so many others.
    Element(usize),
    /// A key, as it is written.
    Key(String),
    /// The value of a key.
    ValueOf(String),
    /// A field.
    Field(String),
}

/// Something that is not the notation of its type.
#[cold]
pub(super) fn flawed(message: impl Into<Cow<'static, str>>) -> Box<Flaw> {
    Flaw::new(RejectCode::InvalidCollection, message)
}

impl Flaw {
    #[cold]
    pub(super) fn new(code: RejectCode, message: impl Into<Cow<'static, str>>) -> Box<Flaw> {
        Box::new(Flaw { code, message: message.into(), text: None, way: Vec::new() })
    }

    /// The same with the text that is wrong; the first one stays.
    #[cold]
    pub(super) fn of(mut self: Box<Self>, raw: &[u8]) -> Box<Flaw> {
        self.text.get_or_insert_with(|| shown(raw));
        self
    }

    /// The same, found one step further in.
    #[cold]
    pub(super) fn at(mut self: Box<Self>, step: Step) -> Box<Flaw> {
        self.way.push(step);
        self
    }

    /// The stable code.
    pub fn code(&self) -> RejectCode {
        self.code
    }
}

impl Step {
    pub(super) fn key(raw: &[u8]) -> Step {
        Step::Key(shown(raw))
    }

    pub(super) fn value_of(raw: &[u8]) -> Step {
        Step::ValueOf(shown(raw))
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.way.iter().rev().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            match step {
                Step::Element(before) => write!(f, "{comma}element {}", before.saturating_add(1))?,
                Step::Key(key) if key.is_empty() => write!(f, "{comma}a key")?,
                Step::Key(key) => write!(f, "{comma}key {key}")?,
                Step::ValueOf(key) => write!(f, "{comma}value of {key}")?,
                Step::Field(name) => write!(f, "{comma}field {name}")?,
            }
        }
        match (&self.text, self.way.is_empty()) {
            (Some(text), false) => write!(f, " ({text}): {}", self.message),
            (Some(text), true) => write!(f, "at {text}: {}", self.message),
            (None, false) => write!(f, ": {}", self.message),
            (None, true) => f.write_str(&self.message),
        }
    }
}

/// A part of a cell as a message can show it.
pub(super) fn shown(raw: &[u8]) -> String {
    // A character has four bytes at most, and one may be cut apart at the end.
    let start = raw.get(..SHOWN_CHARS * 4 + 4).unwrap_or(raw);
    let text = String::from_utf8_lossy(start);
    let mut shown: String = text.chars().take(SHOWN_CHARS).collect();
    if shown.len() < text.len() || start.len() < raw.len() {
        shown.push_str("...");
    }
    shown
}
