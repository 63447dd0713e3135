#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| melisma_properties::copy::check(data));
