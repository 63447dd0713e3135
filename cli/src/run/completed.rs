//! The last lines of a block and of a run in the log for machines, as Meltano writes them.

use melisma_sdk::Result;
use serde_json::{Map, Value, json};

use super::meter::{BlockMeter, RunMeter};
use crate::args::RunArgs;
use crate::console::Console;
use crate::level::Level;
use crate::report::{BlockReport, RunOutcome};

/// `Block run completed`
pub(super) fn block(meter: &BlockMeter, console: &Console) {
    let report = meter.report();
    let success = report.outcome == RunOutcome::Success;
    let block_type = if report.kind == "pair" {
        "ExtractLoadBlocks"
    } else {
        "InvokerCommand"
    };
    let mut fields = fields(json!({
        "set_number": meter.place(), "block_type": block_type, "success": success,
        "err": err(&report), "duration_seconds": report.duration_seconds,
    }));
    if !success {
        fields.insert("exit_codes".to_owned(), exit_codes(&report));
    }
    let level = if success { Level::Info } else { Level::Error };
    console.event(level, "Block run completed", fields);
}

/// `Run completed`, and before it `Run timed out` if it has.
pub(super) fn run(ended: &Result<u8>, args: &RunArgs, meter: &RunMeter, console: &Console) {
    let elapsed = meter.elapsed().as_secs_f64();
    let seconds = (elapsed * 1e3).round() / 1e3;
    let success = matches!(ended, Ok(0));
    if let Some(timeout) = args
        .timeout
        .filter(|timeout| !success && meter.elapsed().as_secs() >= *timeout)
    {
        let fields = fields(json!({"timeout_seconds": timeout, "duration_seconds": seconds}));
        console.event(Level::Error, "Run timed out", fields);
    }
    let status = if success { "success" } else { "failure" };
    let fields = fields(json!({"duration_seconds": seconds, "status": status}));
    console.event(Level::Info, "Run completed", fields);
}

/// The error in Meltano's words, which has no exit codes for a pair and that of a command.
fn err(report: &BlockReport) -> Option<String> {
    let error = report.error.as_ref()?;
    if let Some(code) = report.processes.iter().find_map(|process| process.exit_code)
        && code != 0
    {
        let name = report.name.replacen(':', " ", 1);
        return Some(format!("`{name}` failed with exit code: {code}"));
    }
    Some(error.split(" (").next().unwrap_or(error).to_owned())
}

/// The exit codes other than zero of a pair, by the kind of plugin; of mappers a list. A signal is a negative number, as in
/// Python.
fn exit_codes(report: &BlockReport) -> Value {
    let Some(attempt) = report.attempts.last() else {
        return json!({});
    };
    let code = |process: &crate::report::ProcessReport| {
        let code = process.exit_code.or_else(|| process.signal.map(|signal| -signal));
        code.filter(|code| *code != 0)
    };
    let mut codes = Map::new();
    let mut mappers = Vec::new();
    for process in &attempt.processes {
        let Some(code) = code(process) else { continue };
        match process.role.as_str() {
            "tap" => drop(codes.insert("extractors".to_owned(), code.into())),
            "target" => drop(codes.insert("loaders".to_owned(), code.into())),
            _ => mappers.push(json!({(process.name.clone()): code})),
        }
    }
    if codes.is_empty() && !mappers.is_empty() {
        return Value::Array(mappers);
    }
    Value::Object(codes)
}

fn fields(fields: Value) -> Map<String, Value> {
    match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
