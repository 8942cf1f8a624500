//! Numbers that stand in a form with nothing between them, as in `%Y%m%d`. strptime takes as many digits for each as there are, so that
//! `2024111` would be the first of November without a word; here each has all of its digits. Pure.

use jiff::fmt::strtime::BrokenDownTime;

/// Numbers with nothing between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packed {
    /// What is in front of them in the form.
    before: String,
    /// The digits that each has, and whether spaces may stand for zeros.
    numbers: Vec<(usize, bool)>,
}

impl Packed {
    /// Whether in a text that is in the form all of them have all their digits.
    pub(super) fn is_whole(&self, text: &[u8]) -> bool {
        let consumed = match self.before.as_str() {
            "" => Some(0),
            before => BrokenDownTime::parse_prefix(before, text).ok().map(|(_, len)| len),
        };
        let rest = consumed.and_then(|consumed| text.get(consumed..)).unwrap_or_default().trim_ascii_start();
        let mut rest = rest.strip_prefix(b"-").or_else(|| rest.strip_prefix(b"+")).unwrap_or(rest);
        self.numbers.iter().all(|&(width, is_padded)| {
            let Some((number, behind)) = rest.split_at_checked(width) else { return false };
            rest = behind;
            let number = if is_padded { number.trim_ascii_start() } else { number };
            !number.is_empty() && number.iter().all(u8::is_ascii_digit)
        })
    }
}

/// All such numbers of a form whose directives are known to be right.
pub(super) fn of(text: &str) -> Vec<Packed> {
    let text = text.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M");
    let text = text.replace("%D", "%m/%d/%y");
    let (mut found, mut numbers, mut before) = (Vec::new(), Vec::new(), 0);
    // One is packed only if another number follows.
    let mut end = |numbers: &mut Vec<(usize, bool)>, before: usize, is_followed: bool| {
        if numbers.len() > usize::from(!is_followed) {
            let before = text.get(..before).unwrap_or_default().to_owned();
            found.push(Packed { before, numbers: std::mem::take(numbers) });
        }
        numbers.clear();
    };
    let mut pos = 0;
    while let Some(rest) = text.get(pos..).filter(|rest| !rest.is_empty()) {
        let (len, kind) = directive(rest);
        match kind {
            Kind::Number(width, is_padded) => {
                if numbers.is_empty() {
                    before = pos;
                }
                numbers.push((width, is_padded));
            }
            Kind::Fraction => end(&mut numbers, before, true),
            Kind::Other => end(&mut numbers, before, false),
        }
        pos += len;
    }
    end(&mut numbers, before, false);
    found
}

/// What stands in a form.
enum Kind {
    /// A number of so many digits; whether spaces may stand for zeros.
    Number(usize, bool),
    /// Digits without an end.
    Fraction,
    Other,
}

/// The next directive or character, and its length.
fn directive(rest: &str) -> (usize, Kind) {
    let other = |len: usize| (len, Kind::Other);
    let Some(body) = rest.strip_prefix('%') else {
        return other(rest.chars().next().map_or(1, char::len_utf8));
    };
    let flags = body.find(|c: char| !matches!(c, '_' | '-' | '0'..='9' | '^' | '#' | ':' | '.')).unwrap_or(0);
    let (flags, named) = body.split_at_checked(flags).unwrap_or_default();
    let Some(name) = named.chars().next() else { return other(rest.len()) };
    let len = 1 + flags.len() + name.len_utf8();
    let width = match name {
        'Y' | 'G' => 4,
        'j' => 3,
        'u' | 'w' => 1,
        'f' | 'N' if !flags.contains('.') => return (len, Kind::Fraction),
        'y' | 'g' | 'm' | 'd' | 'e' | 'U' | 'W' | 'V' | 'H' | 'k' | 'I' | 'l' | 'M' | 'S' => 2,
        _ => return other(len),
    };
    (len, Kind::Number(width, matches!(name, 'e' | 'k' | 'l') || flags.contains('_')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(form: &str, text: &str, expected: bool) {
        assert!(BrokenDownTime::parse(form, text).is_ok(), "{text} is not in {form} at all");
        let whole = of(form).iter().all(|packed| packed.is_whole(text.as_bytes()));
        assert_eq!(whole, expected, "{text} in {form}: {:?}", of(form));
    }

    #[test]
    fn numbers_with_nothing_between_them_have_all_their_digits() {
        check("%Y%m%d", "20240111", true);
        check("%Y%m%d", "2024111", false);
        check("%Y%m%d", "2024 111", false);
        check("%Y%m%d%H%M%S", "20240101012345", true);
        check("%Y%m%d%H%M%S", "2024010112345", false);
        check("%Y%m%dT%H%M", "20240101T0123", true);
        check("%Y%m%dT%H%M", "20240101T123", false);
        check("%Y%m%dT%H%M", "2024111T0123", false);
        check("%Y-%m-%d %H%M", "2024-1-2 0123", true);
        check("%Y-%m-%d %H%M", "2024-1-2 123", false);
        check("%d%b%y", "2Jan26", true);
        check("%F%T", "2024-01-0110:20:30", true);
        check("%F%T", "2024-01-111:20:30", false);
        check("%Y%m%e", "202401 2", true);
        check("%S%f", "05123", true);
        check("%H%M%S%f", "1234 5678", false);
        check("%Y-%m-%d %H:%M:%S", "2024-1-2 3:4:5", true);
        check("%H:%M:%S%.f", "1:2:3.5", true);
        check("%%%m%d", "%0102", true);
    }
}
