//! What a field's text looks like: what has a plain form of its own, a word, some words, or none of these. Pure.

/// What a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing.
    Empty,
    /// A number, with either decimal sign.
    Number,
    /// A date, a time of day, or both.
    Moment,
    /// `true`, `no` and the like.
    Boolean,
    /// A UUID, an address on the network or the web.
    Address,
    /// Letters, digits and what stands between them in names.
    Word,
    /// Several of them, with spaces.
    Words,
    /// Anything else: it has characters that separate fields elsewhere.
    Unclear,
}

impl Kind {
    /// Whether it has a form that names have not.
    pub(super) fn is_typed(self) -> bool {
        matches!(self, Kind::Number | Kind::Moment | Kind::Boolean | Kind::Address)
    }

    /// What a text looks like.
    pub(super) fn of(text: &[u8]) -> Kind {
        let text = text.trim_ascii();
        if text.is_empty() {
            return Kind::Empty;
        }
        if is_number(text) {
            return Kind::Number;
        }
        if is_moment(text) {
            return Kind::Moment;
        }
        if ["true", "false", "yes", "no"].iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes())) {
            return Kind::Boolean;
        }
        if is_uuid(text) || is_address(text) {
            return Kind::Address;
        }
        // Letters of other alphabets are bytes above ASCII in every encoding that gets here.
        let in_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80 || b"_-.".contains(byte);
        if text.iter().all(in_word) {
            return Kind::Word;
        }
        let in_words = |byte: &u8| in_word(byte) || b" '\"()/&#+*%!?@$=<>[]{}~`".contains(byte);
        if text.iter().all(in_words) && !is_enclosed(text) { Kind::Words } else { Kind::Unclear }
    }
}

/// Whether a text stands in quotes of either kind.
pub(super) fn is_enclosed(text: &[u8]) -> bool {
    matches!(text, [first @ (b'"' | b'\''), .., last] if first == last)
}

fn is_number(text: &[u8]) -> bool {
    let text = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
    let text = text.strip_prefix(b"$").or(text.strip_suffix(b"%")).unwrap_or(text);
    let (digits, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (text.get(..at), text.get(at + 1..)),
        None => (Some(text), None),
    };
    let digits = digits.unwrap_or_default();
    let is_exponent = |text: &[u8]| {
        let text = text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
        !text.is_empty() && text.len() <= 4 && text.iter().all(u8::is_ascii_digit)
    };
    let signs = digits.iter().filter(|byte| matches!(byte, b'.' | b',')).count();
    digits.iter().any(u8::is_ascii_digit)
        && digits.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','))
        && (signs <= 1 || is_grouped(digits))
        && exponent.is_none_or(is_exponent)
}

/// `1,234,567.89` or `1.234.567,89`.
fn is_grouped(digits: &[u8]) -> bool {
    let Some(&separator) = digits.iter().find(|byte| !byte.is_ascii_digit()) else { return false };
    let other = if separator == b',' { b'.' } else { b',' };
    let mut parts = digits.splitn(2, |byte| *byte == other);
    let whole = parts.next().unwrap_or_default();
    let groups: Vec<&[u8]> = whole.split(|byte| *byte == separator).collect();
    let first = groups.first().map_or(0, |group| group.len());
    (1..=3).contains(&first)
        && groups.iter().skip(1).all(|group| group.len() == 3)
        && parts.next().is_none_or(|fraction| fraction.iter().all(u8::is_ascii_digit))
}

fn is_moment(text: &[u8]) -> bool {
    if is_date(text) || is_time(text) {
        return true;
    }
    let Some(at) = text.iter().position(|byte| matches!(byte, b'T' | b' ')) else { return false };
    text.get(..at).is_some_and(is_date) && text.get(at + 1..).is_some_and(is_time)
}

/// Three numbers between two signs of one kind, the year first or last.
fn is_date(text: &[u8]) -> bool {
    let Some(&sign) = text.iter().find(|byte| matches!(byte, b'-' | b'/' | b'.')) else { return false };
    let parts: Vec<&[u8]> = text.split(|byte| *byte == sign).collect();
    let is_numeric = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    parts.iter().all(is_numeric) && matches!(lengths[..], [4, 1..=2, 1..=2] | [1..=2, 1..=2, 2 | 4])
}

/// `hh:mm`, with seconds, parts of them and a zone or without.
fn is_time(text: &[u8]) -> bool {
    let zone = text.iter().position(|byte| matches!(byte, b'Z' | b'z' | b'+' | b'-'));
    let (time, zone) = text.split_at(zone.unwrap_or(text.len()));
    let parts: Vec<&[u8]> = time.trim_ascii_end().split(|byte| *byte == b':').collect();
    let two = |part: &[u8]| part.len() == 2 && part.iter().all(u8::is_ascii_digit);
    let seconds = |part: &[u8]| {
        let mut parts = part.splitn(2, |byte| *byte == b'.');
        parts.next().is_some_and(two)
            && parts.next().is_none_or(|rest| !rest.is_empty() && rest.iter().all(u8::is_ascii_digit))
    };
    let is_clock = match parts[..] {
        [hours, minutes] => two(hours) && two(minutes),
        [hours, minutes, last] => two(hours) && two(minutes) && seconds(last),
        _ => false,
    };
    let in_zone = |byte: &u8| byte.is_ascii_digit() || *byte == b':';
    is_clock
        && match zone {
            [] | [b'Z' | b'z'] => true,
            [_, rest @ ..] => (2..=5).contains(&rest.len()) && rest.iter().all(in_zone),
        }
}

fn is_uuid(text: &[u8]) -> bool {
    let parts: Vec<usize> = text.split(|byte| *byte == b'-').map(<[u8]>::len).collect();
    parts == [8, 4, 4, 4, 12] && text.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-')
}

fn is_address(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    if text.parse::<std::net::IpAddr>().is_ok() {
        return true;
    }
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b",;|^\"'".contains(&byte);
    let is_url = text.split_once("://").is_some_and(|(scheme, rest)| {
        !scheme.is_empty()
            && scheme.bytes().all(|byte| byte.is_ascii_lowercase())
            && rest.bytes().all(is_plain)
    });
    let is_mail = text.split_once('@').is_some_and(|(name, host)| {
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
        !name.is_empty() && host.contains('.') && name.bytes().chain(host.bytes()).all(in_name)
    });
    is_url || is_mail
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expected: Kind, texts: &[&str]) {
        for text in texts {
            assert_eq!(Kind::of(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn texts_look_like_what_they_are() {
        check(Kind::Empty, &["", "  "]);
        check(
            Kind::Number,
            &["1", "-2", "+3.5", "1,5", ".5", "1e9", "1.5E-10", "1,234,567.89", "1.234,5", "$5", "3%"],
        );
        check(
            Kind::Moment,
            &["2026-01-31", "31.1.26", "1/31/2026", "10:00", "10:00:59.123", "2026-01-31T10:00:00Z"],
        );
        check(Kind::Moment, &["2026-01-31 10:00:00+02:00", "10:00Z", "2026-01-31 10:00:00 +0200"]);
        check(Kind::Boolean, &["true", "No"]);
        check(
            Kind::Address,
            &["f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "10.0.0.1", "::1", "a.b@c.de", "http://x.de/?a=1"],
        );
        check(Kind::Word, &["abc", "größe", "a_b-c", "1.2.3", "e", "5x", "1e"]);
        check(Kind::Words, &["two words", "it's", "5\" pipe", "10 00"]);
        check(
            Kind::Unclear,
            &["a,b", "1;2", "a:b", "x|y", "\"a\"", "'a'", "a\tb", "1,2,3", "a\nb", "5:10:00 1", "{\"a\": 1}"],
        );
    }
}
