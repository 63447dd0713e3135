//! The executable of tap-rest.

melisma_sdk::tap_main!(tap_rest::TapRest);
