//! Results against their bars, for people (Markdown) and machines (JSON).

use std::fmt::Write as _;
use std::fs;

use serde_json::{Value, json};

use super::machine;
use crate::{Result, sh};

/// What a number must reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtMost(f64),
    AtLeast(f64),
    /// Told for comparison only.
    None,
}

/// A number with its bar.
pub(crate) struct Measured {
    title: String,
    value: f64,
    unit: &'static str,
    bar: Bar,
    detail: String,
    sides: Option<Sides>,
}

/// What a ratio is one of, in a unit such as `ms`.
struct Sides {
    unit: &'static str,
    ours: f64,
    base: f64,
}

impl Measured {
    pub(crate) fn new(title: &str, value: f64, unit: &'static str, bar: Bar, detail: String) -> Self {
        Self {
            title: title.to_owned(),
            value,
            unit,
            bar,
            detail,
            sides: None,
        }
    }

    /// The two numbers behind a ratio.
    pub(crate) fn sides(mut self, unit: &'static str, ours: f64, base: f64) -> Self {
        self.sides = Some(Sides { unit, ours, base });
        self
    }

    fn passes(&self) -> Option<bool> {
        match self.bar {
            Bar::AtMost(most) => Some(self.value <= most),
            Bar::AtLeast(least) => Some(self.value >= least),
            Bar::None => None,
        }
    }

    fn verdict(&self) -> &'static str {
        match self.passes() {
            Some(true) => "PASS",
            Some(false) => "FALLS SHORT",
            None => "",
        }
    }

    fn bar(&self) -> String {
        match self.bar {
            Bar::AtMost(most) => format!("at most {most} {}", self.unit),
            Bar::AtLeast(least) => format!("at least {least} {}", self.unit),
            Bar::None => String::new(),
        }
    }

    fn json(&self) -> Value {
        let bar = match self.bar {
            Bar::AtMost(most) => json!({"at_most": most}),
            Bar::AtLeast(least) => json!({"at_least": least}),
            Bar::None => Value::Null,
        };
        let value = (self.value * 1000.0).round() / 1000.0;
        let mut json = json!({
            "what": self.title, "value": value, "unit": self.unit, "bar": bar, "passes": self.passes(),
            "detail": self.detail,
        });
        if let Some(Sides { unit, ours, base }) = self.sides {
            json["sides"] = json!({"unit": unit, "ours": ours.round(), "base": base.round()});
        }
        json
    }
}

pub(crate) struct Report {
    machine: Value,
    measured: Vec<Measured>,
}

impl Report {
    pub(crate) fn new(measured: Vec<Measured>) -> Result<Self> {
        if measured.is_empty() {
            Err("nothing was measured".into())
        } else {
            Ok(Self {
                machine: machine::describe(),
                measured,
            })
        }
    }

    /// Prints the report and writes it to benches/results.
    pub(crate) fn write(&self, name: Option<&str>) -> Result {
        let folder = sh::root().join("benches/results");
        let name = name.map_or_else(machine::today, str::to_owned);
        let markdown = self.markdown();
        println!("{markdown}");
        fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        let measured: Vec<Value> = self.measured.iter().map(Measured::json).collect();
        let json = json!({"machine": self.machine, "measured": measured});
        for (extension, text) in [("md", markdown), ("json", format!("{json:#}\n"))] {
            let path = folder.join(format!("{name}.{extension}"));
            fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
            println!("written: {}", path.display());
        }
        Ok(())
    }

    pub(crate) fn markdown(&self) -> String {
        let text = |key: &str| {
            self.machine[key]
                .as_str()
                .map_or_else(|| self.machine[key].to_string(), str::to_owned)
        };
        let mut out = format!(
            "# Measured {}\n\n{}, {} cores, {} memory; {}; {}; commit {}. Release builds, warm cache.\n\n",
            text("date"),
            text("cpu"),
            text("cores"),
            text("memory"),
            text("kernel"),
            text("rustc"),
            text("commit"),
        );
        out.push_str("| what | measured | bar | verdict | detail |\n|---|---|---|---|---|\n");
        for m in &self.measured {
            let _ = writeln!(
                out,
                "| {} | {:.2} {} | {} | {} | {} |",
                m.title.replace('|', "\\|"),
                m.value,
                m.unit,
                m.bar(),
                m.verdict(),
                m.detail
            );
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_follow_the_bars() {
        let verdict = |value, bar| Measured::new("x", value, "x", bar, String::new()).verdict();
        assert_eq!(verdict(1.2, Bar::AtMost(1.25)), "PASS");
        assert_eq!(verdict(1.3, Bar::AtMost(1.25)), "FALLS SHORT");
        assert_eq!(verdict(2.5, Bar::AtLeast(2.5)), "PASS");
        assert_eq!(verdict(2.4, Bar::AtLeast(2.5)), "FALLS SHORT");
        assert_eq!(verdict(f64::NAN, Bar::AtMost(1.0)), "FALLS SHORT");
        assert_eq!(verdict(1.0, Bar::None), "");
    }
}
