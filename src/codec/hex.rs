//! Hexadecimal digits, of either case, to bytes: for blobs and UUIDs.

/// Not a hexadecimal digit.
const INVALID: u8 = 0xff;

/// What each byte is worth as a hexadecimal digit.
const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let mut digit = 0u8;
    while digit < 16 {
        let (lower, upper) =
            if digit < 10 { (b'0' + digit, b'0' + digit) } else { (b'a' + digit - 10, b'A' + digit - 10) };
        values[lower as usize] = digit;
        values[upper as usize] = digit;
        digit += 1;
    }
    values
};

/// The byte that two digits make, or `None`.
#[inline]
pub(super) fn pair(high: u8, low: u8) -> Option<u8> {
    let mut invalid = 0;
    let byte = pair_or(high, low, &mut invalid);
    if is_invalid(invalid) { None } else { Some(byte) }
}

/// The byte that two digits make. What is wrong with them is added to `invalid`, so that a text of known length is read
/// without a branch for each digit and judged at its end, by [`is_invalid`].
#[inline]
pub(super) fn pair_or(high: u8, low: u8, invalid: &mut u8) -> u8 {
    let (high, low) = (VALUES[usize::from(high)], VALUES[usize::from(low)]);
    *invalid |= high | low;
    high << 4 | low
}

/// Whether one of the digits so far was none: a digit is worth at most 0x0f.
#[inline]
pub(super) fn is_invalid(invalid: u8) -> bool {
    invalid & 0xf0 != 0
}
