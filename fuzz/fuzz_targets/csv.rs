#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| melisma_properties::csv::check(data));
