//! One run, as text and as JSON.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use crate::report::RunOutcome;
use crate::run::log_path;
use crate::state::{RunRow, iso};

/// How a run ended, in one word. The row of Meltano's table decides, since others may have written it.
pub(super) fn outcome(row: &RunRow) -> &'static str {
    let interrupted = row
        .report
        .as_ref()
        .is_some_and(|report| report.outcome == RunOutcome::Interrupted);
    match row.state.as_str() {
        "SUCCESS" => "success",
        "FAIL" if interrupted => "interrupted",
        "FAIL" => "failed",
        _ if row.is_dead => "dead",
        _ => "running",
    }
}

/// What went wrong: the report knows more than the row has.
pub(super) fn error(row: &RunRow) -> Option<&str> {
    let reported = row.report.as_ref().and_then(|report| report.error.as_deref());
    reported
        .or(row.error.as_deref())
        .filter(|_| row.state != "SUCCESS")
}

/// The seconds that the run took, or has taken so far; `None` for a dead one, whose end is unknown.
pub(super) fn seconds(row: &RunRow, now: Timestamp) -> Option<f64> {
    let end = match row.ended {
        Some(ended) => ended,
        None if row.is_dead => return None,
        None => now,
    };
    Some(end.duration_since(row.started?).as_secs_f64().max(0.0))
}

/// Records a second that came to the target, of the whole run.
pub(super) fn rate(row: &RunRow) -> Option<f64> {
    let report = row.report.as_ref()?;
    let records = report.target_input.records?;
    #[expect(clippy::cast_precision_loss, reason = "a rate")]
    let records = records as f64;
    (report.duration_seconds > 0.0).then(|| records / report.duration_seconds)
}

pub(super) fn json(row: &RunRow) -> Value {
    json!({
        "run_id": row.run_id,
        "state_id": row.state_id,
        "outcome": outcome(row),
        "error": error(row),
        "trigger": row.trigger,
        "started_at": row.started.map(iso),
        "ended_at": row.ended.map(iso),
        "duration_seconds": seconds(row, Timestamp::now()).map(|seconds| (seconds * 1e3).round() / 1e3),
        "records_per_second": rate(row).map(f64::round),
        "log": log_path(&row.state_id, &row.run_id).map(|path| path.display().to_string()),
        "report": row.report,
    })
}

/// `12.3 s`, `4 min 5 s`, `2 h 3 min`
pub(super) fn duration(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is not negative, and saturates"
    )]
    let whole = seconds as u64;
    match whole {
        0..=59 => format!("{seconds:.1} s"),
        60..=3599 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// `2026-01-31 12:00:00`, in UTC.
pub(super) fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}
