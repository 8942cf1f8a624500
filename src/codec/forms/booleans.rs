//! Words for true and false that are not the usual ones. Pure; knows no type but boolean.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::super::CodecError;
use crate::reject::RejectCode;

const UNKNOWN_WORD: CodecError = CodecError::new(
    RejectCode::InvalidBoolean,
    "not a boolean: none of the words that --booleans names; add it there as TRUE:FALSE",
);

/// Pairs of words, in small letters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Booleans(Vec<(String, String)>);

impl Booleans {
    /// What a cell says.
    pub(super) fn read(&self, text: &[u8]) -> Result<bool, CodecError> {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Err(CodecError::empty(RejectCode::InvalidBoolean));
        }
        let lowered;
        let text = match std::str::from_utf8(text) {
            Ok(text) if text.is_ascii() => text,
            Ok(text) => {
                lowered = text.to_lowercase();
                &lowered
            }
            Err(_) => return Err(UNKNOWN_WORD),
        };
        let is = |word: &str| text.eq_ignore_ascii_case(word);
        let found = self.0.iter().find_map(|(yes, no)| match (is(yes), is(no)) {
            (false, false) => None,
            (is_true, _) => Some(is_true),
        });
        found.ok_or(UNKNOWN_WORD)
    }
}

impl FromStr for Booleans {
    type Err = String;

    /// `TRUE:FALSE,...`.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split(',') {
            let problem = || format!("{pair:?} is no pair of words: write TRUE:FALSE, for example ja:nein");
            let (yes, no) = pair.split_once(':').ok_or_else(problem)?;
            let (yes, no) = (yes.trim().to_lowercase(), no.trim().to_lowercase());
            if yes.is_empty() || no.is_empty() || no.contains(':') {
                return Err(problem());
            }
            pairs.push((yes, no));
        }
        let is_true = |word: &str| word == "true" || pairs.iter().any(|(yes, _)| yes == word);
        let both = pairs.iter().map(|(_, no)| no).find(|no| is_true(no));
        let both = both.or_else(|| pairs.iter().map(|(yes, _)| yes).find(|yes| *yes == "false"));
        match both {
            Some(word) => Err(format!("{word:?} would mean both true and false: leave one of them out")),
            None => Ok(Booleans(pairs)),
        }
    }
}

impl TryFrom<String> for Booleans {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Booleans> for String {
    fn from(booleans: Booleans) -> String {
        booleans.to_string()
    }
}

impl fmt::Display for Booleans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (yes, no)) in self.0.iter().enumerate() {
            write!(f, "{}{yes}:{no}", if at > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_in_any_case_and_no_others_are() {
        let booleans: Booleans = "ja:nein, Да:НЕТ".parse().unwrap();
        let check = |text: &str, expected: Option<bool>| {
            assert_eq!(booleans.read(text.as_bytes()).ok(), expected, "{text}");
        };
        check("ja", Some(true));
        check(" NEIN ", Some(false));
        check("ДА", Some(true));
        check("нет", Some(false));
        check("true", None);
        check("j", None);
        check("", None);
        assert!(booleans.read(b"\xff").is_err());
        assert_eq!(booleans.to_string().parse(), Ok(booleans));
    }

    #[test]
    fn what_is_no_pair_or_means_both_is_refused() {
        for text in ["", "ja", "ja:", ":nein", "a:b:c", "ja:nein,", "a:b,b:c", "x:x", "x:true", "FALSE:x"] {
            assert!(text.parse::<Booleans>().is_err(), "{text}");
        }
        assert!("1:0".parse::<Booleans>().is_ok());
    }
}
