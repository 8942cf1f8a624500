//! The statements of a CQL file, of which CREATE TABLE and CREATE TYPE are understood to their end (CQL specification). Other
//! statements that name tables or types are noted; all else is passed over up to its `;`.

mod cql_type;

use super::cursor::Cursor;
use super::tokens::{Fault, Token, TokenKind};
use cql_type::Doubtful;

/// What the statements that are passed over begin with. A line that begins with another word is no CQL: `cqlsh` puts its warnings
/// before what it describes, and has commands of its own.
const OTHER_STATEMENTS: [&str; 16] = [
    "add", "apply", "begin", "comment", "delete", "desc", "describe", "drop", "grant", "insert", "list",
    "revoke", "select", "security", "truncate", "update",
];

/// A table's name, with the keyspace where it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name {
    pub(super) keyspace: Option<String>,
    pub(super) table: String,
}

impl Name {
    /// Whether both may name one table: a name without a keyspace may be of any.
    pub(super) fn may_be(&self, other: &Name) -> bool {
        let same_keyspace = match (&self.keyspace, &other.keyspace) {
            (Some(own), Some(others)) => own == others,
            _ => true,
        };
        same_keyspace && self.table == other.table
    }

    /// Whether it may name something of this keyspace.
    pub(super) fn is_in(&self, keyspace: &str) -> bool {
        self.keyspace.as_deref().is_none_or(|own| own == keyspace)
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.keyspace {
            Some(keyspace) => write!(f, "{keyspace}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

/// A column as it was written.
#[derive(Debug)]
pub(super) struct ParsedColumn {
    pub(super) name: String,
    /// As the cluster's schema tables write it.
    pub(super) type_text: String,
    pub(super) is_static: bool,
    at: usize,
}

/// A CREATE TABLE; every column of its keys is among its columns.
#[derive(Debug)]
pub(super) struct ParsedTable {
    pub(super) name: Name,
    /// Where its name stands.
    pub(super) at: usize,
    pub(super) columns: Vec<ParsedColumn>,
    pub(super) partition_key: Vec<String>,
    pub(super) clustering_key: Vec<String>,
}

/// A CREATE TYPE.
#[derive(Debug)]
pub(super) struct ParsedUserType {
    pub(super) name: Name,
    /// Where its name stands.
    pub(super) at: usize,
    /// Each field's name, and its type as the cluster's schema tables write it.
    pub(super) fields: Vec<(String, String)>,
}

/// What a file says of tables and types.
#[derive(Debug, Default)]
pub(super) struct ParsedFile {
    pub(super) tables: Vec<ParsedTable>,
    pub(super) types: Vec<ParsedUserType>,
    /// User types whose fields are changed later, and where.
    pub(super) type_alters: Vec<(Name, usize)>,
    /// Tables whose columns are changed later, and where.
    pub(super) alters: Vec<(Name, usize)>,
    /// Materialized views, and the tables that they show.
    pub(super) views: Vec<(Name, Name)>,
}

/// A PRIMARY KEY: the columns of its two parts, each with its place.
#[derive(Default)]
struct Key {
    partition: Vec<(String, usize)>,
    clustering: Vec<(String, usize)>,
}

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<ParsedFile, Fault> {
    let mut parser = Parser { cursor: Cursor::new(text)?, keyspace: None, doubtful: Vec::new() };
    let mut file = ParsedFile::default();
    while !parser.cursor.is_end() {
        parser.statement(&mut file)?;
    }
    parser.refuse_slips(&file)?;
    Ok(file)
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    /// That of the last USE.
    keyspace: Option<String>,
    /// User types that may be none.
    doubtful: Vec<Doubtful>,
}

impl Parser<'_> {
    fn statement(&mut self, file: &mut ParsedFile) -> Result<(), Fault> {
        if self.cursor.take_word("create")? {
            if self.take_table()? {
                self.take_condition()?;
                file.tables.push(self.table()?);
                return self.options();
            }
            if self.cursor.take_word("type")? {
                self.take_condition()?;
                file.types.push(self.user_type()?);
                return self.end("';'");
            }
            if self.cursor.take_word("materialized")? {
                file.views.push(self.view()?);
            }
        } else if self.cursor.take_word("alter")? {
            if self.take_table()? {
                self.take_condition()?;
                let at = self.cursor.at();
                let name = self.table_name()?;
                // Options change no column.
                if !self.cursor.is_word("with") {
                    file.alters.push((name, at));
                }
            } else if self.cursor.take_word("type")? {
                self.take_condition()?;
                let at = self.cursor.at();
                file.type_alters.push((self.type_name()?, at));
            }
        } else if self.cursor.take_word("use")? {
            self.keyspace = Some(self.cursor.name("a keyspace's name")?);
            return self.end("';'");
        } else if !OTHER_STATEMENTS.iter().any(|word| self.cursor.is_word(word)) {
            return self.no_statement();
        }
        self.pass_over()
    }

    /// What begins as no statement does.
    fn no_statement(&mut self) -> Result<(), Fault> {
        if self.cursor.is_kind(TokenKind::Word) {
            return self.cursor.skip_line();
        }
        if self.cursor.take_symbol(";")? {
            return Ok(());
        }
        Err(self.cursor.expected("a statement"))
    }

    /// The rest of a statement; but where its `;` is missing, a table must not get lost in it.
    fn pass_over(&mut self) -> Result<(), Fault> {
        while !self.cursor.is_end() && !self.cursor.is_symbol(";") {
            let begins = self.cursor.is_word("create") || self.cursor.is_word("alter");
            let Token { text, at, .. } = self.cursor.advance()?;
            if begins && (self.cursor.is_word("table") || self.cursor.is_word("columnfamily")) {
                return Err(Fault { at, problem: format!("there is {text} where ';' should be") });
            }
        }
        self.end("';'")
    }

    fn take_table(&mut self) -> Result<bool, Fault> {
        Ok(self.cursor.take_word("table")? || self.cursor.take_word("columnfamily")?)
    }

    /// `IF EXISTS` or `IF NOT EXISTS`.
    fn take_condition(&mut self) -> Result<(), Fault> {
        if self.cursor.take_word("if")? {
            self.cursor.take_word("not")?;
            self.cursor.expect_word("exists")?;
        }
        Ok(())
    }

    /// The end of a statement; the last one of a text needs no `;`.
    fn end(&mut self, what: &str) -> Result<(), Fault> {
        if self.cursor.is_end() || self.cursor.take_symbol(";")? {
            return Ok(());
        }
        Err(self.cursor.expected(what))
    }

    /// What follows a table's columns. Of its options no column depends, but a statement must not get lost among them.
    fn options(&mut self) -> Result<(), Fault> {
        if !self.cursor.take_word("with")? {
            return self.end("WITH or ';'");
        }
        let begins = ["create", "alter", "drop", "use"];
        while !self.cursor.is_end() && !self.cursor.is_symbol(";") {
            if begins.iter().any(|word| self.cursor.is_word(word)) {
                return Err(self.cursor.expected("';'"));
            }
            self.cursor.advance()?;
        }
        self.end("';'")
    }

    /// A view's name and that of its table.
    fn view(&mut self) -> Result<(Name, Name), Fault> {
        self.cursor.expect_word("view")?;
        self.take_condition()?;
        let view = self.table_name()?;
        while !self.cursor.is_end() && !self.cursor.is_word("from") {
            self.cursor.advance()?;
        }
        self.cursor.expect_word("from")?;
        Ok((view, self.table_name()?))
    }

    fn table_name(&mut self) -> Result<Name, Fault> {
        self.qualified("a table's name")
    }

    fn type_name(&mut self) -> Result<Name, Fault> {
        self.qualified("a type's name")
    }

    fn qualified(&mut self, what: &str) -> Result<Name, Fault> {
        let first = self.cursor.name(what)?;
        if self.cursor.take_symbol(".")? {
            return Ok(Name { keyspace: Some(first), table: self.cursor.name(what)? });
        }
        Ok(Name { keyspace: self.keyspace.clone(), table: first })
    }

    fn user_type(&mut self) -> Result<ParsedUserType, Fault> {
        let at = self.cursor.at();
        let name = self.type_name()?;
        self.cursor.expect_symbol("(")?;
        let mut fields: Vec<(String, String)> = Vec::new();
        loop {
            let item = self.cursor.at();
            let field = self.cursor.name("a field's name")?;
            if fields.iter().any(|(known, _)| *known == field) {
                return Err(Fault { at: item, problem: format!("a second field {field:?}: leave one") });
            }
            fields.push((field, self.cql_type(0)?.text()));
            if self.cursor.take_symbol(")")? {
                return Ok(ParsedUserType { name, at, fields });
            }
            if !self.cursor.take_symbol(",")? {
                return Err(self.cursor.expected("',' or ')'"));
            }
        }
    }

    fn table(&mut self) -> Result<ParsedTable, Fault> {
        let at = self.cursor.at();
        let name = self.table_name()?;
        if self.cursor.is_word("like") {
            return Err(self.cursor.fault("LIKE is not followed: put the columns there".to_owned()));
        }
        self.cursor.expect_symbol("(")?;
        let mut columns: Vec<ParsedColumn> = Vec::new();
        let mut key = None;
        loop {
            let item = self.cursor.at();
            let found = if self.cursor.take_word("primary")? {
                Some(self.key()?)
            } else {
                let (column, is_key) = self.column()?;
                if columns.iter().any(|known| known.name == column.name) {
                    let problem = format!("a second column {:?}: leave one", column.name);
                    return Err(Fault { at: item, problem });
                }
                let part = is_key.then(|| vec![(column.name.clone(), item)]);
                columns.push(column);
                part.map(|partition| Key { partition, clustering: Vec::new() })
            };
            if found.is_some() && key.is_some() {
                return Err(Fault { at: item, problem: "a second PRIMARY KEY: leave one".to_owned() });
            }
            key = key.or(found);
            let is_more = self.cursor.take_symbol(",")?;
            // A comma may follow the last item.
            if self.cursor.take_symbol(")")? {
                break;
            }
            if !is_more {
                return Err(self.cursor.expected("',' or ')'"));
            }
        }
        let Some(key) = key else {
            return Err(Fault { at, problem: format!("{name} has no PRIMARY KEY: give it one") });
        };
        check_key(&columns, &key)?;
        let names = |part: Vec<(String, usize)>| part.into_iter().map(|(name, _)| name).collect();
        let (partition_key, clustering_key) = (names(key.partition), names(key.clustering));
        Ok(ParsedTable { name, at, columns, partition_key, clustering_key })
    }

    /// What follows PRIMARY in a table's columns: `KEY (a, b)` or `KEY ((a, b), c)`.
    fn key(&mut self) -> Result<Key, Fault> {
        self.cursor.expect_word("key")?;
        self.cursor.expect_symbol("(")?;
        let mut key = Key::default();
        if self.cursor.take_symbol("(")? {
            key.partition = self.key_columns()?;
            if !self.cursor.take_symbol(",")? {
                self.cursor.expect_symbol(")")?;
                return Ok(key);
            }
        } else {
            let at = self.cursor.at();
            key.partition = vec![(self.cursor.name("a column's name")?, at)];
            if self.cursor.take_symbol(")")? {
                return Ok(key);
            }
            self.cursor.expect_symbol(",")?;
        }
        key.clustering = self.key_columns()?;
        Ok(key)
    }

    /// Names up to a closing bracket.
    fn key_columns(&mut self) -> Result<Vec<(String, usize)>, Fault> {
        let mut columns = Vec::new();
        loop {
            let at = self.cursor.at();
            columns.push((self.cursor.name("a column's name")?, at));
            if self.cursor.take_symbol(")")? {
                return Ok(columns);
            }
            self.cursor.expect_symbol(",")?;
        }
    }

    /// A column, and whether it is said to be the key.
    fn column(&mut self) -> Result<(ParsedColumn, bool), Fault> {
        let at = self.cursor.at();
        let name = self.cursor.name("a column's name, PRIMARY KEY or ')'")?;
        let type_text = self.cql_type(0)?.text();
        let is_static = self.cursor.take_word("static")?;
        if ["masked", "check", "not"].iter().any(|word| self.cursor.is_word(word)) {
            self.pass_over_constraint()?;
        }
        let is_key = self.cursor.take_word("primary")?;
        if is_key {
            self.cursor.expect_word("key")?;
        }
        Ok((ParsedColumn { name, type_text, is_static, at }, is_key))
    }

    /// A mask or constraint of a column: it says nothing of its type.
    fn pass_over_constraint(&mut self) -> Result<(), Fault> {
        let mut depth = 0_usize;
        while !self.cursor.is_end() {
            let ends =
                self.cursor.is_symbol(",") || self.cursor.is_symbol(")") || self.cursor.is_word("primary");
            if depth == 0 && ends {
                break;
            }
            if self.cursor.is_symbol("(") {
                depth += 1;
            } else if self.cursor.is_symbol(")") {
                depth -= 1;
            }
            self.cursor.advance()?;
        }
        Ok(())
    }
}

/// Holds the key against the columns.
fn check_key(columns: &[ParsedColumn], key: &Key) -> Result<(), Fault> {
    let mut seen: Vec<&str> = Vec::new();
    for (name, at) in key.partition.iter().chain(&key.clustering) {
        let fault = |problem| Err(Fault { at: *at, problem });
        let Some(column) = columns.iter().find(|column| column.name == *name) else {
            return fault(format!("the key's {name:?} is no column: correct its name"));
        };
        if column.is_static {
            return fault(format!("the key's {name:?} is static: only other columns can be"));
        }
        if seen.contains(&name.as_str()) {
            return fault(format!("{name:?} is in the key twice: leave it once"));
        }
        seen.push(name);
    }
    match columns.iter().find(|column| column.is_static) {
        Some(column) if key.clustering.is_empty() => Err(Fault {
            at: column.at,
            problem: format!("{:?} is static, but the table has no clustering key", column.name),
        }),
        _ => Ok(()),
    }
}
