use super::*;

#[test]
fn numbers_keep_to_their_range() {
    let check = |text: &str, expected: Option<usize>| {
        assert_eq!(number(text, 1..=9).ok(), expected, "{text}");
    };
    check("1", Some(1));
    check(" 9 ", Some(9));
    check("0", None);
    check("10", None);
    check("-1", None);
    check("1.5", None);
    check("", None);
    check("99999999999999999999999", None);
    assert_eq!(number("0", 1..=9).unwrap_err(), "must be a whole number from 1 to 9");
}

#[test]
fn a_window_is_rows_or_has_a_unit() {
    let check = |text: &str, expected: Option<Window>| assert_eq!(window(text).ok(), expected, "{text}");
    check("1000", Some(Window::Rows(1_000)));
    check(" 1 ", Some(Window::Rows(1)));
    check("1MiB", Some(Window::Bytes(1 << 20)));
    check("256MiB", Some(Window::Bytes(256 << 20)));
    check("1KiB", None);
    check("0", None);
    check("-1", None);
    check("", None);
}

#[test]
fn sizes_are_bytes_or_have_a_unit() {
    let check = |text: &str, expected: Result<u64, &str>| {
        assert_eq!(size(text, 1..=1 << 30), expected.map_err(str::to_owned), "{text}");
    };
    check("1", Ok(1));
    check("64MiB", Ok(64 << 20));
    check("64 mib", Ok(64 << 20));
    check("16MB", Ok(16_000_000));
    check("1.5k", Ok(1500));
    check("1GiB", Ok(1 << 30));
    check("0", Err("must be from 1 B to 1.0 GiB"));
    check("0.1B", Err("must be from 1 B to 1.0 GiB"));
    check("2GiB", Err("must be from 1 B to 1.0 GiB"));
    check("99999999999999999999EiB", Err("must be from 1 B to 1.0 GiB"));
    check("-1", Err("is no size: write bytes, or KiB, MiB or GiB, for example 64MiB"));
    check("ten", Err("is no size: write bytes, or KiB, MiB or GiB, for example 64MiB"));
    check("", Err("is no size: write bytes, or KiB, MiB or GiB, for example 64MiB"));
}

#[test]
fn durations_have_a_unit() {
    let check = |text: &str, expected: Result<u64, &str>| {
        assert_eq!(duration(text), expected.map(Duration::from_millis).map_err(str::to_owned), "{text}");
    };
    let no_duration = "is no duration: write a number and a unit, for example 500ms, 30s, 10m or 1h";
    check("60s", Ok(60_000));
    check("1m 30s", Ok(90_000));
    check("500ms", Ok(500));
    check("0s", Ok(0));
    check("0", Ok(0));
    check("365days", Ok(365 * 86_400_000));
    check("366days", Err("must be at most 365days"));
    check("60", Err("has no unit: write 60s, 60m or 60h"));
    check("soon", Err(no_duration));
    check("-5s", Err(no_duration));
    check("", Err(no_duration));
    assert_eq!(timeout("0s"), Err("must be longer than 0, for example 30s".to_owned()));
    assert_eq!(timeout("1s"), Ok(Duration::from_secs(1)));
}

#[test]
fn a_dialect_character_is_one_ascii_byte() {
    let check = |text: &str, expected: Result<u8, &str>| {
        assert_eq!(character(text), expected.map_err(str::to_owned), "{text:?}");
    };
    check(",", Ok(b','));
    check("\t", Ok(b'\t'));
    check("\\x1F", Ok(0x1f));
    check("\\x1", Err("must be one character, or tab"));
    check("\\x0a", Err("must not be a line end or NUL"));
    check("\\t", Ok(b'\t'));
    check("TAB", Ok(b'\t'));
    check("\\", Ok(b'\\'));
    check(" ", Ok(b' '));
    check("", Err("is empty: give one character"));
    check("\n", Err("must not be a line end or NUL"));
    check("\r", Err("must not be a line end or NUL"));
    check("\0", Err("must not be a line end or NUL"));
    check("||", Err("must be one character, or tab"));
    check("§", Err("must be an ASCII character"));
    assert_eq!(optional_character("None"), Ok(None));
    assert_eq!(optional_character("'"), Ok(Some(b'\'')));
    assert_eq!(optional_character("''"), Err("must be one character, or tab; or none".to_owned()));
}

#[test]
fn a_delimiter_is_some_characters_of_which_none_ends_a_line() {
    let check = |text: &str, expected: Result<&[u8], &str>| {
        let found = delimiter(text).map(|delimiter| delimiter.as_bytes().to_vec());
        assert_eq!(found, expected.map(<[u8]>::to_vec).map_err(str::to_owned), "{text:?}");
    };
    check(",", Ok(b","));
    check("Tab", Ok(b"\t"));
    check("\\t|\\x01", Ok(b"\t|\x01"));
    check("\\", Ok(b"\\"));
    check("\\|", Ok(b"\\|"));
    check("\\x9", Ok(b"\\x9"));
    check("\\xff", Ok(b"\\xff"));
    check("¦", Ok("¦".as_bytes()));
    check("12345678", Ok(b"12345678"));
    check("", Err("is empty: give at least one character"));
    check("|\n", Err("must not hold a line end or NUL"));
    check("|\\x00", Err("must not hold a line end or NUL"));
    check("ééééé", Err("must be at most 8 bytes in UTF-8 and is 10, or tab"));
}

#[test]
fn an_error_budget_is_a_count_or_a_share() {
    let check = |text: &str, expected: Option<ErrorBudget>| {
        assert_eq!(error_budget(text).ok(), expected, "{text}");
    };
    check("0", Some(ErrorBudget::Count(0)));
    check("100", Some(ErrorBudget::Count(100)));
    check("5%", Some(ErrorBudget::Percent(5.0)));
    check("0.5 %", Some(ErrorBudget::Percent(0.5)));
    check("0%", Some(ErrorBudget::Percent(0.0)));
    check("100%", Some(ErrorBudget::Percent(100.0)));
    check("100.1%", None);
    check("-1", None);
    check("-1%", None);
    check("NaN%", None);
    check("inf%", None);
    check("1.5", None);
    check("%", None);
    check("", None);
}

#[test]
fn a_timestamp_in_another_unit_is_refused_with_what_was_understood() {
    let check = |text: &str, expected: Result<TimestampMode, &str>| {
        assert_eq!(timestamp(text), expected.map_err(str::to_owned), "{text}");
    };
    check("order", Ok(TimestampMode::Order));
    check("NOW", Ok(TimestampMode::Now));
    check("0", Ok(TimestampMode::Fixed(0)));
    check("1", Ok(TimestampMode::Fixed(1)));
    check("@at", Ok(TimestampMode::Field(FieldRef::Name { name: "at".to_owned(), exact: false })));
    check(
        "@7",
        Err(
            "may be a place or a name: write #1 for the first field (others count it as 0), or \"7\" in double quotes for a field of that name",
        ),
    );
    check("1700000000000000", Ok(TimestampMode::Fixed(1_700_000_000_000_000)));
    check(
        "1700000000",
        Err(
            "looks like seconds; as microseconds it is 1970-01-01T00:28:20Z: give microseconds, 1700000000000000",
        ),
    );
    check(
        "1700000000123",
        Err(
            "looks like milliseconds; as microseconds it is 1970-01-20T16:13:20.000123Z: give microseconds, \
             1700000000123000",
        ),
    );
    check(
        "1700000000123456789",
        Err("looks like nanoseconds; as microseconds it is no date: give microseconds, 1700000000123456"),
    );
    check("-1", Err("must not be before 1970"));
    check("yesterday", Err("must be order, now, microseconds since 1970, or @ and the name of a field"));
    check(
        "9223372036854775808",
        Err("must be order, now, microseconds since 1970, or @ and the name of a field"),
    );
}

#[test]
fn a_host_has_a_port_and_ipv6_stands_in_brackets() {
    let check = |text: &str, expected: &str| assert_eq!(host(text), Ok(expected.to_owned()), "{text}");
    check("db1", "db1:9042");
    check(" db1:19042 ", "db1:19042");
    check("127.0.0.1", "127.0.0.1:9042");
    check("[::1]:19042", "[::1]:19042");
    check("[::1]", "[::1]:9042");
    check("::1", "[::1]:9042");
    check("2001:DB8:0:0::1", "[2001:db8::1]:9042");
    check("node_1.example.org", "node_1.example.org:9042");
}

#[test]
fn what_is_no_host_is_refused_with_the_reason() {
    let check = |text: &str, expected: &str| assert_eq!(host(text).unwrap_err(), expected, "{text}");
    check("", "names no host: write HOST or HOST:PORT");
    check(":9042", "names no host: write HOST or HOST:PORT");
    check("db1:", "'' is no port: it must be from 1 to 65535");
    check("db1:0", "'0' is no port: it must be from 1 to 65535");
    check("db1:65536", "'65536' is no port: it must be from 1 to 65535");
    check("db1:cql", "'cql' is no port: it must be from 1 to 65535");
    check("http://db1", "'//db1' is no port: it must be from 1 to 65535");
    check("db 1", "'db 1' is no host name: write HOST or HOST:PORT");
    check("[::1", "'[' is never closed: write an IPv6 address as [::1]:9042");
    check("[::1]9042", "'9042' after ']' is not understood: write [::1]:9042");
    check("[db1]:9042", "'db1' is no IPv6 address: write it as [::1]:9042, one host for each item");
    check("a:1:b:2", "'a:1:b:2' is no IPv6 address: write it as [::1]:9042, one host for each item");
}

#[test]
fn a_listening_address_has_a_port_and_is_local_without_a_host() {
    let check = |text: &str, expected: Result<&str, &str>| {
        let expected = expected.map(str::to_owned).map_err(str::to_owned);
        assert_eq!(listen_address(text), expected, "{text}");
    };
    check("9100", Ok("127.0.0.1:9100"));
    check(" 9100 ", Ok("127.0.0.1:9100"));
    check("0.0.0.0:9100", Ok("0.0.0.0:9100"));
    check("localhost:9100", Ok("localhost:9100"));
    check("[::1]:9100", Ok("[::1]:9100"));
    check("0", Err("'0' is no port: it must be from 1 to 65535"));
    check("65536", Err("'65536' is no port: it must be from 1 to 65535"));
    check("db1:metrics", Err("'metrics' is no port: it must be from 1 to 65535"));
    check(":9100", Err("names no host: write HOST or HOST:PORT"));
    for text in ["db1", "::1", "[::1]"] {
        check(text, Err("names no port: write PORT, HOST:PORT or [::1]:PORT"));
    }
    check("", Err("names no host: write HOST or HOST:PORT"));
}

#[test]
fn an_address_pair_maps_ip_addresses() {
    let check = |text: &str, expected: Result<(&str, &str), &str>| {
        let expected = expected
            .map(|(node, target)| (node.parse().unwrap(), target.parse().unwrap()))
            .map_err(str::to_owned);
        assert_eq!(address_pair(text), expected, "{text}");
    };
    check("10.0.0.1=127.0.0.1:19042", Ok(("10.0.0.1:9042", "127.0.0.1:19042")));
    check("10.0.0.1:1 = ::1", Ok(("10.0.0.1:1", "[::1]:9042")));
    check("[fe80::1]:2=[::1]:3", Ok(("[fe80::1]:2", "[::1]:3")));
    check("10.0.0.1", Err("must be NODE=HOST:PORT, for example 10.0.0.1=127.0.0.1:19042"));
    check("10.0.0.1=db1:9042", Err("'db1' is no IP address: names are not looked up here"));
    check("=127.0.0.1", Err("names no host: write HOST or HOST:PORT"));
}

#[test]
fn a_time_to_live_is_seconds_a_duration_or_a_field() {
    let check = |text: &str, expected: Result<TtlMode, &str>| {
        assert_eq!(ttl(text), expected.map_err(str::to_owned), "{text}");
    };
    check("0", Ok(TtlMode::Seconds(0)));
    check(" 86400 ", Ok(TtlMode::Seconds(86_400)));
    check("30d", Ok(TtlMode::Seconds(30 * 86_400)));
    check("1h 30m", Ok(TtlMode::Seconds(5_400)));
    check("630720000", Ok(TtlMode::Seconds(TTL_SECONDS_MAX)));
    check("7300d", Ok(TtlMode::Seconds(TTL_SECONDS_MAX)));
    let too_long = Err("must be at most 20 years, 630720000 seconds or 7300d");
    check("630720001", too_long.clone());
    check("7301d", too_long.clone());
    check("99999999999999999999999", too_long);
    check("1500ms", Err("must be whole seconds"));
    let wrong = "is no time to live: write seconds, a duration as 12h or 30d, 0 for none, or @ and the name of a field";
    check("-1", Err(wrong));
    check("", Err(wrong));
    check("never", Err(wrong));
    check("@expires", Ok(TtlMode::Field(FieldRef::Name { name: "expires".to_owned(), exact: false })));
    check("@#3", Ok(TtlMode::Field(FieldRef::Place(3))));
    check("@", Err("names no field"));
}
