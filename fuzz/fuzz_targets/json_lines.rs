//! See `ringload::fuzzing::json_lines`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::json_lines(bytes));
