//! Counts, and their comparison with those that are committed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::{Result, sh};

/// A rise by more than this part fails.
const MOST_RISE: f64 = 0.05;

/// What was counted of a part.
pub(super) struct Counted {
    pub(super) name: String,
    /// Instructions for each record.
    pub(super) per_record: f64,
}

/// The committed counts.
#[derive(Default)]
pub(super) struct Baseline {
    rustc: String,
    /// Instructions for each record, by the name of the part.
    parts: Map<String, Value>,
}

/// Counts beside the baseline.
pub(super) struct Comparison {
    /// A line for each part.
    pub(super) table: String,
    /// What must not be so, a sentence for each part.
    pub(super) wrong: Vec<String>,
    /// Whether the same compiler has built the two.
    pub(super) built_by: String,
}

impl Baseline {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        let mut value: Value =
            serde_json::from_str(&text).map_err(|e| format!("{}: expected JSON: {e}", path.display()))?;
        let Value::Object(parts) = value["instructions_a_record"].take() else {
            return Err(format!(
                "{}: expected the member instructions_a_record",
                path.display()
            ));
        };
        let rustc = value["rustc"].as_str().unwrap_or_default().to_owned();
        Ok(Self { rustc, parts })
    }

    /// With these counts in place of the ones it had.
    pub(super) fn with(mut self, counted: Vec<Counted>) -> Self {
        for Counted { name, per_record } in counted {
            let rounded = (per_record * 10.0).round() / 10.0;
            self.parts.insert(name, rounded.into());
        }
        self
    }

    pub(super) fn write(&self, path: &Path) -> Result {
        let value = json!({
            "rustc": version("rustc"), "valgrind": version("valgrind"), "processor": "x86-64 with AVX2",
            "instructions_a_record": self.parts,
        });
        fs::write(path, format!("{value:#}\n")).map_err(|e| format!("cannot write {}: {e}", path.display()))
    }

    pub(super) fn compare(&self, counted: &[Counted]) -> Comparison {
        let (mut table, mut wrong) = (String::new(), Vec::new());
        for Counted { name, per_record } in counted {
            let Some(before) = self.parts.get(name).and_then(Value::as_f64) else {
                wrong.push(format!("{name}: the baseline does not have it"));
                continue;
            };
            let change = per_record / before - 1.0;
            let percent = change * 100.0;
            let _ = writeln!(
                table,
                "{name:<20} {before:>9.1} {per_record:>9.1} {percent:>+7.2}%"
            );
            if change > MOST_RISE {
                wrong.push(format!(
                    "{name}: {per_record:.1} instructions a record instead of {before:.1}, {percent:+.1}%; {}% are accepted",
                    MOST_RISE * 100.0
                ));
            } else if change < -MOST_RISE {
                let _ = writeln!(
                    table,
                    "{name}: fewer than before; --write makes that the baseline"
                );
            }
        }
        let rustc = version("rustc");
        let built_by = if rustc == self.rustc {
            String::new()
        } else {
            format!("The baseline was built by {}, this by {rustc}.", self.rustc)
        };
        Comparison {
            table,
            wrong,
            built_by,
        }
    }
}

/// The part that two counts differ in most, and how much.
pub(super) fn most_apart(one: &[Counted], other: &[Counted]) -> (String, f64) {
    let apart = one.iter().zip(other).map(|(one, other)| {
        let apart = (one.per_record / other.per_record - 1.0).abs();
        (one.name.clone(), apart)
    });
    apart.max_by(|(_, a), (_, b)| a.total_cmp(b)).unwrap_or_default()
}

fn version(program: &str) -> String {
    sh::output(Command::new(program).arg("--version"))
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(parts: &[(&str, f64)]) -> Vec<Counted> {
        parts
            .iter()
            .map(|&(name, per_record)| Counted {
                name: name.to_owned(),
                per_record,
            })
            .collect()
    }

    #[test]
    fn a_rise_beyond_the_limit_is_wrong_and_names_its_part() {
        let baseline =
            Baseline::default().with(counted(&[("decode", 1000.0), ("copy", 200.0), ("emit", 50.0)]));
        let comparison = baseline.compare(&counted(&[("decode", 1051.0), ("copy", 209.0), ("emit", 40.0)]));
        assert_eq!(comparison.wrong.len(), 1, "{:?}", comparison.wrong);
        assert!(
            comparison.wrong[0].starts_with("decode: 1051.0 "),
            "{:?}",
            comparison.wrong
        );
        assert!(
            comparison.table.contains("emit: fewer than before"),
            "{}",
            comparison.table
        );
    }

    #[test]
    fn a_part_without_a_baseline_is_wrong() {
        let comparison = Baseline::default().compare(&counted(&[("new", 1.0)]));
        assert_eq!(comparison.wrong, ["new: the baseline does not have it"]);
    }

    #[test]
    fn the_part_that_differs_most_is_found() {
        let (name, apart) = most_apart(
            &counted(&[("a", 100.0), ("b", 100.0)]),
            &counted(&[("a", 101.0), ("b", 98.0)]),
        );
        assert_eq!(name, "b");
        assert!((apart - 2.0 / 98.0).abs() < 1e-9, "{apart}");
    }
}
