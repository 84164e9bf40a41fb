#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| pomarium_fuzz::plist(bytes));
