//! The executable of target-jsonl.

melisma_sdk::target_main!(target_jsonl::TargetJsonl);
