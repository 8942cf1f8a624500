//! Variable-length integers (CQL binary protocol v5, section 3): signed ones in durations, unsigned ones as the lengths of a vector's
//! elements. As many leading ones as bytes follow the first.

/// Appends an `unsigned vint`.
pub(super) fn append(value: u64, out: &mut Vec<u8>) {
    let (bytes, skipped) = bytes(value);
    out.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
}

/// Appends a signed `vint`: zigzag, then as an unsigned one.
pub(super) fn append_signed(value: i64, out: &mut Vec<u8>) {
    append(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

/// Leaves room for the length of what will be appended; where the room is.
pub(super) fn begin_len(out: &mut Vec<u8>) -> usize {
    out.push(0);
    out.len() - 1
}

/// Puts the length of what stands behind the room into it, which is made larger where that takes more than one byte.
pub(super) fn set_len(out: &mut Vec<u8>, room: usize) {
    let (bytes, skipped) = bytes(out.len().saturating_sub(room + 1) as u64);
    out.splice(room..room + 1, bytes.into_iter().skip(skipped));
}

/// The bytes of a value, and how many of them at the beginning are none.
fn bytes(value: u64) -> ([u8; 9], usize) {
    let bits = 64 - value.leading_zeros().min(63);
    // A first byte with n leading ones and n more bytes hold 7 x (n + 1) bits, or 64 where n is 8.
    let extra = ((bits - 1) / 7).min(8) as usize;
    let mut bytes = [0; 9];
    for (byte, part) in bytes.iter_mut().skip(1).zip(value.to_be_bytes()) {
        *byte = part;
    }
    if let Some(first) = bytes.get_mut(8 - extra) {
        *first |= !(0xffu16 >> extra) as u8;
    }
    (bytes, 8 - extra)
}

/// An `unsigned vint` and what follows it.
pub(super) fn read(text: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = text.split_first()?;
    let extra = first.leading_ones();
    let (more, rest) = rest.split_at_checked(extra as usize)?;
    let start = u64::from(u16::from(first) & (0xff >> (extra + 1)));
    Some((more.iter().fold(start, |value, &byte| value << 8 | u64::from(byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vint_has_as_few_bytes_as_it_needs_and_is_read_as_what_it_was() {
        let check = |value: u64, expected: &[u8]| {
            let mut out = Vec::new();
            append(value, &mut out);
            assert_eq!(out, expected, "{value}");
            out.push(7);
            assert_eq!(read(&out), Some((value, &[7][..])), "{value}");
        };
        check(0, &[0]);
        check(127, &[0x7f]);
        check(128, &[0x80, 0x80]);
        check(300, &[0x81, 0x2c]);
        check((1 << 14) - 1, &[0xbf, 0xff]);
        check(1 << 14, &[0xc0, 0x40, 0]);
        check((1 << 56) - 1, &[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        check(1 << 56, &[0xff, 1, 0, 0, 0, 0, 0, 0, 0]);
        check(u64::MAX, &[0xff; 9]);
        for cut in [&[][..], &[0x80], &[0xff, 1]] {
            assert_eq!(read(cut), None);
        }
    }

    #[test]
    fn a_length_goes_before_what_it_counts() {
        let mut out = b"a".to_vec();
        let room = begin_len(&mut out);
        out.push(b'b');
        set_len(&mut out, room);
        assert_eq!(out, b"a\x01b");
        let room = begin_len(&mut out);
        out.extend([b'x'; 200]);
        set_len(&mut out, room);
        assert_eq!(&out[..6], b"a\x01b\x80\xc8x");
        assert_eq!(out.len(), 205);
    }
}
