//! The program `tap-adbc`.

melisma_sdk::tap_main!(tap_adbc::TapAdbc);
