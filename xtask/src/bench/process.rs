//! Ratios of whole processes: two shell commands, run in turn, medians compared.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Name;
use super::corpora::{Corpora, release};
use super::report::{Bar, Measured};
use crate::Result;

/// Ours against a base, each a line for `sh -c`.
pub(crate) struct Ratio {
    pub(crate) family: Name,
    title: String,
    ours: String,
    base: String,
    /// Runs before each, untimed.
    prepare: String,
    /// At most this multiple of the time of the base; infinite for what is only told.
    bar: f64,
}

pub(crate) fn ratios(corpora: &Corpora) -> Result<Vec<Ratio>> {
    let quote = |path: &std::path::Path| {
        let text = path.to_str().ok_or("a path that is not UTF-8")?;
        Ok::<_, String>(format!("'{}'", text.replace('\'', r"'\''")))
    };
    let melisma = quote(&release("melisma"))?;
    let reader = quote(&release("csv-reader"))?;
    let (csv, python, singer) = (
        quote(&corpora.csv)?,
        quote(&corpora.python)?,
        quote(&corpora.singer)?,
    );
    let (config, project) = (quote(&corpora.tap_config)?, quote(&corpora.project)?);
    let (copy, output) = (
        quote(&corpora.folder.join("copy.singer"))?,
        quote(&corpora.folder.join("output"))?,
    );
    let rows = corpora.rows;
    let ratio = |family, title: String, ours: String, base: String, prepare: &str, bar| Ratio {
        family,
        title,
        ours,
        base,
        prepare: prepare.to_owned(),
        bar,
    };
    let through_cat = format!("cat {python} | cat > /dev/null");
    let pipe = format!("cat {python} | {melisma} pipe > /dev/null 2> /dev/null");
    let validate = format!("cat {python} | {melisma} pipe --validate > /dev/null 2> /dev/null");
    let run = format!("{melisma} run --full-refresh --cwd {project} tap-csv target-jsonl 2> /dev/null");
    let tap = format!("{melisma} tap-csv --config {config} > /dev/null 2> /dev/null");
    Ok(vec![
        ratio(
            Name::Pipe,
            format!("melisma pipe / cat, {rows} records"),
            pipe,
            through_cat.clone(),
            "",
            1.25,
        ),
        ratio(
            Name::Pipe,
            format!("melisma pipe --validate / cat, {rows} records"),
            validate,
            through_cat,
            "",
            2.5,
        ),
        ratio(
            Name::Run,
            format!("melisma run tap-csv target-jsonl / cat of the same Singer bytes, {rows} rows"),
            run,
            format!("cat {singer} | cat > {copy}"),
            &format!("rm -rf {output} {copy}; sync"),
            2.0,
        ),
        ratio(
            Name::TapCsv,
            format!("tap-csv to /dev/null / csv crate reading, {rows} rows"),
            tap,
            format!("{reader} {csv} 2> /dev/null"),
            "",
            3.0,
        ),
    ])
}

impl Ratio {
    pub(crate) fn new(
        family: Name,
        title: String,
        ours: String,
        base: String,
        prepare: String,
        bar: f64,
    ) -> Self {
        Self {
            family,
            title,
            ours,
            base,
            prepare,
            bar,
        }
    }

    pub(crate) fn measure(&self, repeat: usize) -> Result<Measured> {
        let (mut ours, mut base) = (Vec::new(), Vec::new());
        // One untimed turn warms the cache; the order within a turn changes, so that neither side always comes first.
        for turn in 0..=repeat {
            let sides = if turn % 2 == 0 {
                [true, false]
            } else {
                [false, true]
            };
            for mine in sides {
                shell(&self.prepare)?;
                let took = shell(if mine { &self.ours } else { &self.base })?;
                if turn > 0 {
                    (if mine { &mut ours } else { &mut base }).push(took);
                }
            }
        }
        let (ours, base) = (median(&mut ours), median(&mut base));
        let ratio = ours.as_secs_f64() / base.as_secs_f64();
        let detail = format!(
            "{:.0} ms / {:.0} ms, medians of {repeat}",
            millis(ours),
            millis(base)
        );
        eprintln!("{}: {ratio:.2}x, {detail}", self.title);
        Ok(Measured::new(
            &self.title,
            ratio,
            "x",
            if self.bar.is_finite() {
                Bar::AtMost(self.bar)
            } else {
                Bar::None
            },
            detail,
        )
        .sides("ms", millis(ours), millis(base)))
    }
}

/// Runs a line in a shell and says how long it took.
fn shell(line: &str) -> Result<Duration> {
    let mut command = Command::new("sh");
    command.args(["-c", line]).stdin(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|e| format!("cannot start sh: {e}"))?;
    let took = start.elapsed();
    if status.success() {
        Ok(took)
    } else {
        Err(format!("{status}: {line}"))
    }
}

pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
