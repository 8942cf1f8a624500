//! See `ringload::fuzzing::messages`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::messages(bytes));
