//! Figures as people read them: thousands, bytes, rates, durations, shares. Pure.

use std::time::Duration;

/// Seconds of a duration, to the millisecond.
pub(super) fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

/// `1234567` as `1,234,567`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A rate to the whole number, with thousands.
pub(super) fn rate(per_second: f64) -> String {
    // A float that is no number or negative becomes 0, one that is too large the largest number.
    thousands(per_second.round() as u64)
}

/// Bytes in decimal units, as rates in MB/s are: `999 B`, `1.5 kB`, `64.0 MB`.
pub(super) fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1000.0;
    let mut units = UNITS.into_iter();
    let mut unit = units.next().unwrap_or("kB");
    // 999.95 would be shown as 1000.0.
    while value >= 999.95 {
        let Some(next) = units.next() else { break };
        value /= 1000.0;
        unit = next;
    }
    format!("{value:.1} {unit}")
}

/// Bytes each second in megabytes: `12.3 MB/s`.
pub(super) fn megabytes_per_second(bytes_per_second: f64) -> String {
    format!("{:.1} MB/s", bytes_per_second / 1e6)
}

/// Whole seconds, coarser as they grow: `45s`, `2m 05s`, `1h 05m`, `3d 04h`.
pub(super) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m {:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h {:02}m", minutes % 60),
        _ => format!("{days}d {:02}h", hours % 24),
    }
}

/// A run's time: to a tenth of a second below a minute, then as [`duration`].
pub(super) fn run_time(time: Duration) -> String {
    if time < Duration::from_secs(60) {
        // Cut, not rounded: 59.96 s must not become 60.0s.
        format!("{}.{}s", time.as_secs(), time.subsec_millis() / 100)
    } else {
        duration(time)
    }
}

/// The share of `total` that is done, in percent to one decimal, rounded down: 100 only when all is done. An empty
/// total is all done.
pub(super) fn percent(done: u64, total: u64) -> f64 {
    if done >= total {
        return 100.0;
    }
    let per_mille = u128::from(done) * 1000 / u128::from(total);
    per_mille as f64 / 10.0
}

/// Milliseconds of a latency: three decimals below one, one above.
pub(super) fn milliseconds(value: f64) -> String {
    if value < 1.0 { format!("{value:.3} ms") } else { format!("{value:.1} ms") }
}

/// `1 row`, `2 rows`: the noun takes an `s` where there is more or less than one.
pub(super) fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// The name of a signal.
pub(super) fn signal(number: i32) -> String {
    match number {
        2 => "SIGINT".to_owned(),
        15 => "SIGTERM".to_owned(),
        number => format!("signal {number}"),
    }
}

/// Text without control characters that could move a terminal's cursor or hide something; line ends and tabs stay.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { char::REPLACEMENT_CHARACTER } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let check = |number: u64, expected: &str| assert_eq!(thousands(number), expected);
        check(0, "0");
        check(999, "999");
        check(1000, "1,000");
        check(12_345, "12,345");
        check(1_234_567, "1,234,567");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn rates_are_whole_and_never_negative() {
        let check = |value: f64, expected: &str| assert_eq!(rate(value), expected);
        check(0.4, "0");
        check(62_893.5, "62,894");
        check(-1.0, "0");
        check(f64::NAN, "0");
    }

    #[test]
    fn bytes_take_the_unit_that_keeps_them_short() {
        let check = |number: u64, expected: &str| assert_eq!(bytes(number), expected);
        check(0, "0 B");
        check(999, "999 B");
        check(1000, "1.0 kB");
        check(1500, "1.5 kB");
        check(999_949, "999.9 kB");
        check(999_950, "1.0 MB");
        check(64_000_000, "64.0 MB");
        check(1_234_000_000, "1.2 GB");
        check(u64::MAX, "18.4 EB");
        assert_eq!(megabytes_per_second(12_345_678.0), "12.3 MB/s");
    }

    #[test]
    fn durations_get_coarser_as_they_grow() {
        let check = |seconds: u64, expected: &str| {
            assert_eq!(duration(Duration::from_secs(seconds)), expected);
        };
        check(0, "0s");
        check(59, "59s");
        check(60, "1m 00s");
        check(125, "2m 05s");
        check(3599, "59m 59s");
        check(3900, "1h 05m");
        check(86_399, "23h 59m");
        check(3 * 86_400 + 4 * 3600, "3d 04h");
        assert_eq!(run_time(Duration::from_millis(15_930)), "15.9s");
        assert_eq!(run_time(Duration::from_millis(59_990)), "59.9s");
        assert_eq!(run_time(Duration::from_millis(60_000)), "1m 00s");
    }

    #[test]
    fn a_share_is_100_only_when_all_is_done() {
        let check = |done: u64, total: u64, expected: f64| {
            assert!((percent(done, total) - expected).abs() < 1e-9, "{done} of {total}");
        };
        check(0, 10, 0.0);
        check(999_999, 1_000_000, 99.9);
        check(1_000_000, 1_000_000, 100.0);
        check(0, 0, 100.0);
        check(u64::MAX - 1, u64::MAX, 99.9);
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nc\td\r"), "a\u{fffd}[2Jb\nc\td\u{fffd}");
    }

    #[test]
    fn nouns_agree_with_their_number() {
        assert_eq!(counted(0, "row"), "0 rows");
        assert_eq!(counted(1, "row"), "1 row");
        assert_eq!(counted(5000, "row"), "5,000 rows");
    }
}
