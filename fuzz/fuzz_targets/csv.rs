//! See `ringload::fuzzing::csv`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::csv(bytes));
