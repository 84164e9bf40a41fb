#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pomarium_fuzz::pkcs12(bytes));
