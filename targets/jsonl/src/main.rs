//! `target-jsonl`: writes Singer streams as JSON lines files.

fn main() -> std::process::ExitCode {
    melisma_sdk::target::run_target::<target_jsonl::TargetJsonl>()
}
