//! The program `target-adbc`.

melisma_sdk::target_main!(target_adbc::TargetAdbc);
