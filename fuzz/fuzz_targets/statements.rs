//! See `ringload::fuzzing::statements`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::statements(bytes));
