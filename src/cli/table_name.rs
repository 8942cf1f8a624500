//! `KEYSPACE.TABLE` as CQL writes it: unquoted names become lower case, names in double quotes stay as they are.

use crate::settings::TableName;

const SHAPE: &str = "write KEYSPACE.TABLE, for example shop.orders";

/// The table that `text` names, as the server stores the names; or what is wrong with it.
pub(super) fn parse(text: &str) -> Result<TableName, String> {
    let (keyspace, rest) = part(text.trim())?;
    let Some(rest) = rest.strip_prefix('.') else {
        return Err(if rest.is_empty() {
            format!("names no keyspace: {SHAPE}")
        } else {
            format!("'{rest}' after the keyspace is not understood: {SHAPE}")
        });
    };
    let (table, rest) = part(rest)?;
    if !rest.is_empty() {
        return Err(format!("'{rest}' after the table is not understood: {SHAPE}"));
    }
    Ok(TableName { keyspace, table })
}

/// The first name of `text`, and what follows it.
fn part(text: &str) -> Result<(String, &str), String> {
    match text.strip_prefix('"') {
        Some(rest) => quoted(rest),
        None => unquoted(text),
    }
}

fn unquoted(text: &str) -> Result<(String, &str), String> {
    let end = text.find(['.', '"']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() {
        return Err(format!("a name is empty: {SHAPE}"));
    }
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|first| first.is_ascii_alphabetic());
    if !starts_well || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!(
            "'{name}' is no plain name (a letter, then letters, digits and _): put it in double quotes, as in '\"{name}\"'"
        ));
    }
    Ok((name.to_ascii_lowercase(), rest))
}

fn quoted(text: &str) -> Result<(String, &str), String> {
    let mut name = String::new();
    let mut rest = text;
    loop {
        let Some((before, after)) = rest.split_once('"') else {
            return Err("a double quote is never closed: close it after the name".to_owned());
        };
        name.push_str(before);
        match after.strip_prefix('"') {
            Some(more) => {
                name.push('"');
                rest = more;
            }
            None if name.is_empty() => return Err(format!("a name is empty: {SHAPE}")),
            None => return Ok((name, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_cql_reads_them() {
        let check = |text: &str, keyspace: &str, table: &str| {
            let expected = TableName { keyspace: keyspace.to_owned(), table: table.to_owned() };
            assert_eq!(parse(text), Ok(expected), "{text}");
        };
        check("shop.orders", "shop", "orders");
        check("Shop.ORDERS_2", "shop", "orders_2");
        check(" shop.orders ", "shop", "orders");
        check(r#""Shop"."My.Table""#, "Shop", "My.Table");
        check(r#"shop."a""b""#, "shop", "a\"b");
        check(r#""2x".t"#, "2x", "t");
    }

    #[test]
    fn what_is_no_table_is_refused_with_the_reason() {
        let check = |text: &str, expected: &str| {
            assert_eq!(parse(text).unwrap_err(), expected, "{text}");
        };
        check("orders", "names no keyspace: write KEYSPACE.TABLE, for example shop.orders");
        check("", "a name is empty: write KEYSPACE.TABLE, for example shop.orders");
        check("shop.", "a name is empty: write KEYSPACE.TABLE, for example shop.orders");
        check(".orders", "a name is empty: write KEYSPACE.TABLE, for example shop.orders");
        check(r#""".t"#, "a name is empty: write KEYSPACE.TABLE, for example shop.orders");
        check(
            "a.b.c",
            "'.c' after the table is not understood: write KEYSPACE.TABLE, for example shop.orders",
        );
        check(
            r#"shop"x".t"#,
            "'\"x\".t' after the keyspace is not understood: write KEYSPACE.TABLE, for example shop.orders",
        );
        check(
            "shop.my-table",
            "'my-table' is no plain name (a letter, then letters, digits and _): put it in double quotes, as in \
             '\"my-table\"'",
        );
        check(
            "1shop.t",
            "'1shop' is no plain name (a letter, then letters, digits and _): put it in double quotes, as in \
             '\"1shop\"'",
        );
        check(r#"shop."t"#, "a double quote is never closed: close it after the name");
    }
}
