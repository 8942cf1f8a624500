//! The primary key as `--key` says it, in CQL's own notation: `(device, day), ts DESC`. Pure.

use crate::schema::field::{FieldProblem, FieldRef};

/// A primary key, its columns named as fields of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySpec {
    partition: Vec<FieldRef>,
    clustering: Vec<(FieldRef, Order)>,
}

/// How the rows of a partition are sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From the smallest.
    Ascending,
    /// From the largest.
    Descending,
}

/// A primary key by the places of its columns, from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) partition: Vec<usize>,
    pub(super) clustering: Vec<(usize, Order)>,
}

impl Key {
    /// All of its columns in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = usize> {
        self.partition.iter().copied().chain(self.clustering.iter().map(|(column, _)| *column))
    }
}

impl KeySpec {
    /// Understands what stands in CQL between the brackets of `PRIMARY KEY (…)`; a column of it may be followed by `ASC` or `DESC`.
    ///
    /// # Errors
    /// It is none; the message goes on from the text.
    pub fn parse(text: &str) -> Result<KeySpec, String> {
        let text = text.trim();
        let (partition, rest) = match text.strip_prefix('(') {
            Some(rest) => {
                let end = outside_quotes(rest, ')').next().ok_or("has a bracket that is not closed")?;
                let (inside, behind) = rest.split_at(end);
                (inside, behind.strip_prefix(')').unwrap_or(behind).trim_start())
            }
            None => {
                let end = outside_quotes(text, ',').next().unwrap_or(text.len());
                text.split_at(end)
            }
        };
        let partition = items(partition).map(FieldRef::parse).collect::<Result<_, _>>()?;
        let clustering = match rest.strip_prefix(',') {
            Some(rest) => items(rest).map(clustering_column).collect::<Result<_, _>>()?,
            None if rest.is_empty() => Vec::new(),
            None => return Err(format!("has {rest:?} behind the partition key: put a comma between them")),
        };
        Ok(KeySpec { partition, clustering })
    }

    /// Whether it names the field at this place.
    pub(super) fn names(&self, names: &[String], index: usize) -> bool {
        let fields = self.partition.iter().chain(self.clustering.iter().map(|(field, _)| field));
        fields.into_iter().any(|field| field.find(names) == Ok(index))
    }

    /// Its columns among these names.
    pub(super) fn find(&self, names: &[String]) -> Result<Key, FieldProblem> {
        let partition = self.partition.iter().map(|field| field.find(names)).collect::<Result<_, _>>()?;
        let clustering = self.clustering.iter().map(|(field, order)| Ok((field.find(names)?, *order)));
        Ok(Key { partition, clustering: clustering.collect::<Result<_, FieldProblem>>()? })
    }
}

fn clustering_column(text: &str) -> Result<(FieldRef, Order), String> {
    let text = text.trim();
    let ends_with = |word: &str| {
        let at = text.len().checked_sub(word.len())?;
        let (name, end) = (text.get(..at)?, text.get(at..)?);
        (end.eq_ignore_ascii_case(word) && name.ends_with(char::is_whitespace)).then_some(name)
    };
    let (name, order) = match (ends_with("asc"), ends_with("desc")) {
        (Some(name), _) => (name, Order::Ascending),
        (None, Some(name)) => (name, Order::Descending),
        (None, None) => (text, Order::Ascending),
    };
    Ok((FieldRef::parse(name)?, order))
}

/// What stands between commas.
fn items(text: &str) -> impl Iterator<Item = &str> {
    let ends = outside_quotes(text, ',').chain([text.len()]);
    ends.scan(0, move |start, end| {
        let item = text.get(*start..end);
        *start = end + 1;
        item
    })
}

/// Where a character stands outside of double quotes.
fn outside_quotes(text: &str, wanted: char) -> impl Iterator<Item = usize> {
    let mut quoted = false;
    text.char_indices().filter_map(move |(at, character)| {
        quoted ^= character == '"';
        (character == wanted && !quoted).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        ["device", "day", "ts", "Odd, name"].map(str::to_owned).to_vec()
    }

    #[track_caller]
    fn check(text: &str, partition: &[usize], clustering: &[(usize, Order)]) {
        let key = KeySpec::parse(text).unwrap().find(&names()).unwrap();
        assert_eq!((key.partition.as_slice(), key.clustering.as_slice()), (partition, clustering), "{text}");
    }

    #[test]
    fn a_key_is_read_as_cql_has_it() {
        use Order::{Ascending, Descending};
        check("device", &[0], &[]);
        check("device, day", &[0], &[(1, Ascending)]);
        check("(device)", &[0], &[]);
        check(" ( device , day ) , ts desc ", &[0, 1], &[(2, Descending)]);
        check("device, day ASC, ts DESC", &[0], &[(1, Ascending), (2, Descending)]);
        check(r##"("Odd, name", #1), DAY"##, &[3, 0], &[(1, Ascending)]);
    }

    #[test]
    fn what_is_no_key_is_refused_with_the_reason() {
        let check = |text: &str, part: &str| {
            let problem = KeySpec::parse(text).unwrap_err();
            assert!(problem.contains(part), "{text}: {problem}");
        };
        check("", "names no field");
        check("a,", "names no field");
        check("(a, b", "bracket");
        check("(a) b", "comma");
        check("()", "names no field");
        check("((a))", "no plain name");
        let unknown = KeySpec::parse("devise").unwrap().find(&names()).unwrap_err();
        assert!(unknown.to_string().contains("device"), "{unknown}");
    }
}
