//! See `ringload::fuzzing::value`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::value(bytes));
