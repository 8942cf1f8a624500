//! Which key of an object is which field. Made from the table and the mapping, not from what a file happens to begin with, so that
//! it is the same in every run and for every worker. Pure.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// The keys of a file's objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// The fields in order.
    pub fields: Vec<KeyName>,
    /// Names of columns that no field can fill.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<String>,
    /// Whether keys that are no field are passed over.
    #[serde(default)]
    pub skip_unknown: bool,
}

/// The name by which a key is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyName {
    /// The name.
    pub name: String,
    /// Whether case and spaces matter.
    #[serde(default)]
    pub exact: bool,
}

/// What the beginning of a file shows of its objects' keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SampledKeys {
    /// All keys that were seen, in the order in which they were seen first.
    pub keys: Vec<String>,
    /// In how many objects.
    pub objects: usize,
}

/// What a key is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyMatch {
    /// This field.
    Field(usize),
    /// Nothing, and that is fine.
    Skipped,
    /// Nothing.
    Unknown,
    /// A column that cannot be filled.
    Refused,
    /// One of several fields.
    Ambiguous,
}

impl Keys {
    /// What a key is: the field of this very name; else of this name without the spaces around it; else, if just one field's name
    /// differs from it in case only, that one.
    pub fn find(&self, key: &str) -> KeyMatch {
        let trimmed = key.trim();
        for name in [key, trimmed] {
            let is_it = |field: &KeyName| field.name == name && (name == key || !field.exact);
            if let Some(index) = self.fields.iter().position(is_it) {
                return KeyMatch::Field(index);
            }
            if self.refused.iter().any(|refused| refused == name) {
                return KeyMatch::Refused;
            }
        }
        let lower = trimmed.to_lowercase();
        let alike =
            |(_, field): &(usize, &KeyName)| !field.exact && field.name.trim().to_lowercase() == lower;
        let mut found = self.fields.iter().enumerate().filter(alike).map(|(index, _)| index);
        let refused = self.refused.iter().any(|refused| refused.to_lowercase() == lower);
        match (found.next(), found.next(), refused) {
            (None, _, true) => KeyMatch::Refused,
            (None, _, false) if self.skip_unknown => KeyMatch::Skipped,
            (None, _, false) => KeyMatch::Unknown,
            (Some(index), None, false) => KeyMatch::Field(index),
            (Some(_), ..) => KeyMatch::Ambiguous,
        }
    }
}

/// How many keys are remembered beside those that are fields: files may have any number.
const REMEMBERED_MAX: usize = 4_096;
/// And how long they may be, in bytes.
const REMEMBERED_BYTES_MAX: usize = 256;
/// How far ahead a key is looked for in the usual order before it is looked up.
const AHEAD: usize = 3;

/// Finds keys fast: most objects of a file have the same ones, in the same order. Keys are known as they stand, escapes and all.
pub(super) struct KeyFinder {
    keys: Keys,
    /// The keys that were seen, in the order in which they were seen first, and what they are.
    usual: Vec<(Box<[u8]>, KeyMatch)>,
    /// Where in `usual` each is.
    places: HashMap<Box<[u8]>, usize>,
    /// Where in `usual` the next key is expected.
    next: usize,
}

impl KeyFinder {
    pub(super) fn new(keys: Keys) -> Self {
        KeyFinder { keys, usual: Vec::new(), places: HashMap::new(), next: 0 }
    }

    /// How many fields there are.
    pub(super) fn field_count(&self) -> usize {
        self.keys.fields.len()
    }

    /// An object begins.
    #[inline]
    pub(super) fn begin(&mut self) {
        self.next = 0;
    }

    /// What the next key is, which stands so in its object; `unescaped` is what it says.
    #[inline]
    pub(super) fn find<'k>(
        &mut self,
        raw: &'k [u8],
        unescaped: impl FnOnce() -> std::borrow::Cow<'k, str>,
    ) -> KeyMatch {
        let expected = self.usual.get(self.next..).unwrap_or_default();
        for (ahead, (key, found)) in expected.iter().take(AHEAD).enumerate() {
            if **key == *raw {
                self.next += ahead + 1;
                return *found;
            }
        }
        self.look_up(raw, unescaped)
    }

    #[cold]
    fn look_up<'k>(
        &mut self,
        raw: &'k [u8],
        unescaped: impl FnOnce() -> std::borrow::Cow<'k, str>,
    ) -> KeyMatch {
        if let Some((place, (_, found))) =
            self.places.get(raw).and_then(|&place| Some((place, self.usual.get(place)?)))
        {
            self.next = place + 1;
            return *found;
        }
        let found = self.keys.find(&unescaped());
        if raw.len() <= REMEMBERED_BYTES_MAX && self.usual.len() < REMEMBERED_MAX + self.keys.fields.len() {
            self.next = self.usual.len() + 1;
            self.places.insert(raw.into(), self.usual.len());
            self.usual.push((raw.into(), found));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;

    fn keys(fields: &[&str], refused: &[&str], skip_unknown: bool) -> Keys {
        let field = |name: &&str| match name.strip_prefix('=') {
            Some(name) => KeyName { name: name.to_owned(), exact: true },
            None => KeyName { name: (*name).to_owned(), exact: false },
        };
        let refused = refused.iter().map(|name| (*name).to_owned()).collect();
        Keys { fields: fields.iter().map(field).collect(), refused, skip_unknown }
    }

    #[test]
    fn a_key_is_found_as_a_headers_name_is() {
        let keys = keys(&["id", "Ab", "aB", "Größe", "=Exact"], &["odd"], false);
        for (key, expected) in [
            ("id", KeyMatch::Field(0)),
            (" ID ", KeyMatch::Field(0)),
            ("Ab", KeyMatch::Field(1)),
            (" aB", KeyMatch::Field(2)),
            ("AB", KeyMatch::Ambiguous),
            ("GRÖSSE", KeyMatch::Unknown),
            ("größe", KeyMatch::Field(3)),
            ("Exact", KeyMatch::Field(4)),
            ("exact", KeyMatch::Unknown),
            (" Exact", KeyMatch::Unknown),
            ("odd", KeyMatch::Refused),
            ("ODD", KeyMatch::Refused),
            ("", KeyMatch::Unknown),
        ] {
            assert_eq!(keys.find(key), expected, "{key:?}");
        }
        assert_eq!(Keys { skip_unknown: true, ..keys.clone() }.find("zzz"), KeyMatch::Skipped);
        assert_eq!(Keys { skip_unknown: true, ..keys }.find("odd"), KeyMatch::Refused);
    }

    #[test]
    fn keys_in_any_order_and_any_number_are_found_as_they_are_one_by_one() {
        let keys = keys(&["a", "b", "c", "d", "e", "f"], &[], false);
        let mut finder = KeyFinder::new(keys.clone());
        let mut seed = 7_u64;
        for _ in 0..20_000 {
            finder.begin();
            for _ in 0..4 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let key = match seed >> 60 {
                    0..8 => ["a", "b", "c", "D", "e", "F", " a", "x"][(seed >> 57) as usize % 8].to_owned(),
                    _ => format!("k{}", seed >> 40),
                };
                let found = finder.find(key.as_bytes(), || Cow::Borrowed(key.as_str()));
                assert_eq!(found, keys.find(&key), "{key}");
            }
        }
        assert!(finder.usual.len() <= REMEMBERED_MAX + 6);
        let mut finder = KeyFinder::new(keys);
        let long = "x".repeat(REMEMBERED_BYTES_MAX + 1);
        assert_eq!(finder.find(long.as_bytes(), || Cow::Borrowed(long.as_str())), KeyMatch::Unknown);
        assert!(finder.usual.is_empty(), "keys without an end do not fill the memory");
    }
}
