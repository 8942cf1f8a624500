//! The known name nearest to a misspelled one. Pure.

/// The candidate that fewest edits lead to, if that is at most a third of the name (and one at least).
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let edits_max = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (edits(name, candidate), candidate))
        .min_by_key(|(edits, _)| *edits)
        .filter(|(edits, _)| *edits <= edits_max)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance: how many characters must be inserted, removed or replaced.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    // One row of the usual table: the distances of the prefix of `left` so far to each prefix of `right`.
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (taken, from) in left.chars().enumerate() {
        let mut diagonal = taken;
        let mut last = taken + 1;
        if let Some(first) = row.first_mut() {
            *first = last;
        }
        for (cell, to) in row.iter_mut().skip(1).zip(&right) {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = *cell;
            last = replaced.min(diagonal + 1).min(last + 1);
            *cell = last;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fewest_edits_win_and_far_names_are_not_offered() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, ["hosts", "max-errors", "tls", "tls-ca"]), expected, "{name}");
        };
        check("host", Some("hosts"));
        check("max_errors", Some("max-errors"));
        check("maxerrors", Some("max-errors"));
        check("tsl-ca", Some("tls-ca"));
        check("banana", None);
        check("", None);
    }

    #[test]
    fn edits_are_counted_as_levenshtein_does() {
        let check = |left: &str, right: &str, expected: usize| {
            assert_eq!(edits(left, right), expected, "{left} {right}");
            assert_eq!(edits(right, left), expected, "{right} {left}");
        };
        check("", "", 0);
        check("", "abc", 3);
        check("kitten", "sitting", 3);
        check("flaw", "lawn", 2);
        check("ä", "a", 1);
    }
}
