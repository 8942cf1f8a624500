//! See `ringload::fuzzing::json_documents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| ringload::fuzzing::json_documents(bytes));
