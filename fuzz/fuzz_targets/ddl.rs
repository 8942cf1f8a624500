//! See `ringload::fuzzing::ddl`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::ddl(bytes));
