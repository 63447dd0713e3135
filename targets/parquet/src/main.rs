//! `target-parquet`: writes Singer streams as Parquet files.

fn main() -> std::process::ExitCode {
    melisma_sdk::target::run_target::<target_parquet::TargetParquet>()
}
