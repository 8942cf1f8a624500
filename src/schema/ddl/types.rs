//! A column's type as it was parsed, and as the cluster's schema tables write it: what is nested is frozen, a tuple always is,
//! a vector never, user types lose their keyspace. Pure.

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ParsedType {
    /// One word: a native type, `counter` or `empty`.
    Native(&'static str),
    /// `list`, `set` or `map` of these.
    Collection(&'static str, Vec<ParsedType>),
    /// A tuple of these.
    Tuple(Vec<ParsedType>),
    /// A vector of so many.
    Vector(Box<ParsedType>, u32),
    /// A user type, its name as CQL writes it.
    User(String),
    /// A class of the server, in single quotes.
    Custom(String),
    /// Frozen on purpose.
    Frozen(Box<ParsedType>),
}

impl ParsedType {
    /// The type's text, as `system_schema.columns` has it.
    pub(super) fn text(&self) -> String {
        self.render(false)
    }

    fn render(&self, frozen: bool) -> String {
        let freeze = |text: String| if frozen { format!("frozen<{text}>") } else { text };
        match self {
            ParsedType::Native(name) => (*name).to_owned(),
            ParsedType::Collection(kind, parts) => freeze(format!("{kind}<{}>", nested(parts))),
            ParsedType::Tuple(parts) => format!("frozen<tuple<{}>>", nested(parts)),
            ParsedType::Vector(part, len) => format!("vector<{}, {len}>", part.render(true)),
            ParsedType::User(name) => freeze(name.clone()),
            ParsedType::Custom(text) => text.clone(),
            ParsedType::Frozen(inner) => inner.render(true),
        }
    }
}

fn nested(parts: &[ParsedType]) -> String {
    parts.iter().map(|part| part.render(true)).collect::<Vec<_>>().join(", ")
}
