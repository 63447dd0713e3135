//! The executable of target-parquet.

melisma_sdk::target_main!(target_parquet::TargetParquet);
