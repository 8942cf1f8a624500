//! Lists as options take them: items separated by commas, an item with a comma or quote in double quotes (RFC 4180).

/// The items of a list, over all places where the option was given.
pub(super) fn split(texts: &[String]) -> Vec<String> {
    texts.iter().flat_map(|text| split_one(text)).collect()
}

fn split_one(text: &str) -> Vec<String> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut items = Vec::new();
    // Reading UTF-8 text from memory with any number of fields cannot fail; were it to, the item is taken whole.
    for record in reader.records() {
        match record {
            Ok(record) => items.extend(record.iter().map(str::to_owned)),
            Err(_) => return vec![text.to_owned()],
        }
    }
    items
}

/// One item, written so that [`split`] finds it whole.
pub(super) fn quote(item: &str) -> String {
    if item.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", item.replace('"', "\"\""))
    } else {
        item.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_split_at_commas_outside_quotes() {
        let check = |texts: &[&str], expected: &[&str]| {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            assert_eq!(split(&texts), expected, "{texts:?}");
        };
        check(&[], &[]);
        check(&[""], &[]);
        check(&["a"], &["a"]);
        check(&["a,b", "c"], &["a", "b", "c"]);
        check(&["\"a,b\",c"], &["a,b", "c"]);
        check(&["\"a\"\"b\""], &["a\"b"]);
        check(&["a,,b"], &["a", "", "b"]);
        check(&["\\N,N/A"], &["\\N", "N/A"]);
    }

    #[test]
    fn a_quoted_item_comes_back_whole() {
        for item in ["a", "a,b", "\"", "a\"b,c", "a\nb", " a "] {
            assert_eq!(split(&[quote(item)]), [item]);
        }
    }
}
