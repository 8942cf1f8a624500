//! See `ringload::fuzzing::detection`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::detection(bytes));
