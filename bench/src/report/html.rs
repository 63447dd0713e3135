//! The report as one page that needs nothing else: no script, no font, no request.
//!
//! Bars and plots are boxes and lines that the style sizes, so that the page fits a phone and a wide screen, and colours
//! are those of the reader's light or dark scheme.

use std::fmt::Write as _;

use super::form::{Case, Figures, Measured, Outcome, Report, Role, RunForm};
use super::markup::{escaped, named};
use super::plot;
use super::table::outcome;
use super::units::{Amount, grouped, mebibytes, percent, seconds, three};

const STYLE: &str = include_str!("style.css");

/// What a browser may load for the page: nothing, since the style is in it.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The whole page.
pub fn page(report: &Report) -> String {
    let title = format!("{} measured", escaped(&report.title));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{title}</h1>\n"
    );
    let _ = writeln!(
        out,
        "<p class=\"quiet\">{}<br>melisma {}, {}</p>",
        escaped(&report.machine.describe()),
        escaped(&report.melisma),
        escaped(&report.measured_at)
    );
    plot::scaling(&mut out, &report.cases);
    for case in &report.cases {
        section(&mut out, case);
    }
    method(&mut out, report);
    out.push_str("</main>\n</body>\n</html>\n");
    out
}

fn section(out: &mut String, case: &Case) {
    let bytes = case.bytes.map_or_else(String::new, |bytes| {
        format!(", {} MB", grouped(bytes.div_ceil(1_000_000)))
    });
    let title = case.title();
    let title = if title.is_empty() {
        "Results".to_owned()
    } else {
        title
    };
    let _ = writeln!(out, "<h2>{}{bytes}</h2>", escaped(&title));
    if !case.doubts.is_empty() {
        out.push_str("<div class=\"doubt\">The machine was too noisy to tell:<ul>\n");
        for doubt in &case.doubts {
            let _ = writeln!(out, "<li>{}</li>", escaped(doubt));
        }
        out.push_str("</ul></div>\n");
    }
    out.push_str("<div class=\"grid\">\n");
    charts(out, case);
    out.push_str("</div>\n");
    figures(out, case);
    out.push_str("<dl>\n");
    for one in &case.candidates {
        let _ = writeln!(
            out,
            "<dt>{}</dt>\n<dd><code>{}</code></dd>\n<dd class=\"quiet\">{}</dd>",
            escaped(&one.name),
            escaped(&one.command),
            escaped(&standing(one))
        );
    }
    out.push_str("</dl>\n");
    for note in &case.notes {
        let _ = writeln!(out, "<p class=\"quiet\">{}</p>", escaped(note));
    }
}

/// Whether its rows arrived, or why it has no figures.
fn standing(one: &Measured) -> String {
    match (one.outcome, one.check.passed) {
        (Outcome::Measured, Some(_)) => format!("rows arrived: {}", one.check.how),
        (Outcome::Measured, None) => format!("not checked: {}", one.check.how),
        (other, _) => format!("{}: {}", outcome(other), one.why.as_deref().unwrap_or_default()),
    }
}

type Value<'a> = dyn Fn(&RunForm) -> Option<f64> + 'a;

/// One value of a run, in a chart of its own.
struct Chart<'a> {
    title: &'static str,
    better: &'static str,
    of: Box<Value<'a>>,
    unit: fn(f64) -> String,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn charts(out: &mut String, case: &Case) {
    let records = case
        .records
        .map(|records| records as f64)
        .filter(|records| *records > 0.0);
    let all = [
        Chart {
            title: "Records a second",
            better: "more is better",
            of: Box::new(move |run| Some(records? / run.wall_seconds)),
            unit: |rate| Amount(rate).to_string(),
        },
        Chart {
            title: "Time",
            better: "less is better",
            of: Box::new(move |run| records.is_none().then_some(run.wall_seconds)),
            unit: seconds,
        },
        Chart {
            title: "CPU seconds for a million records",
            better: "less is better; all processes together",
            of: Box::new(move |run| Some(run.cpu_seconds() / records? * 1e6)),
            unit: |value| format!("{} s", three(value)),
        },
        Chart {
            title: "Peak memory",
            better: "less is better; all processes together",
            of: Box::new(|run| Some(run.peak_bytes? as f64)),
            unit: mebibytes,
        },
        Chart {
            title: "Time to the first record",
            better: "less is better",
            of: Box::new(|run| run.first_record_seconds),
            unit: seconds,
        },
        Chart {
            title: "Start to end without input",
            better: "less is better",
            of: Box::new(|run| run.start_up_seconds),
            unit: seconds,
        },
    ];
    for chart in all {
        draw(out, case, &chart);
    }
}

fn draw(out: &mut String, case: &Case, chart: &Chart<'_>) {
    let bars: Vec<(&Measured, String, Vec<f64>)> = named(case)
        .map(|(one, class)| {
            (
                one,
                class,
                one.runs.iter().filter_map(&chart.of).collect::<Vec<_>>(),
            )
        })
        .filter(|(_, _, values)| !values.is_empty())
        .collect();
    let most = bars
        .iter()
        .flat_map(|(.., values)| values)
        .copied()
        .fold(0.0, f64::max);
    if most <= 0.0 {
        return;
    }
    let _ = writeln!(
        out,
        "<figure class=\"panel\"><h3>{}</h3><p class=\"quiet\">{}</p>",
        chart.title, chart.better
    );
    for (one, class, values) in bars {
        let median = crate::stats::Summary::of(values.iter().copied())
            .unwrap_or_default()
            .median;
        let _ = writeln!(
            out,
            "<div class=\"bar {class}\"><div class=\"names\"><span>{}</span><span>{}</span></div>\
             <div class=\"track\"><div class=\"fill\" style=\"width:{:.2}%\"></div>",
            escaped(&one.name),
            (chart.unit)(median),
            median / most * 100.0
        );
        for value in values {
            let _ = writeln!(
                out,
                "<div class=\"mark\" style=\"left:{:.2}%\"></div>",
                value / most * 100.0
            );
        }
        out.push_str("</div></div>\n");
    }
    out.push_str("</figure>\n");
}

fn figures(out: &mut String, case: &Case) {
    out.push_str(
        "<div class=\"scroll\"><table>\n<thead><tr><th></th><th>time</th><th>spread</th><th>ratio</th>\
         <th>records/s</th><th>MB/s</th><th>CPU s/M</th><th>memory</th><th>first byte</th></tr></thead>\n<tbody>\n",
    );
    for one in &case.candidates {
        let Some(figures) = &one.figures else { continue };
        let _ = writeln!(
            out,
            "<tr><td>{}</td>{}</tr>",
            escaped(&one.name),
            cells(case, one, figures)
        );
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn cells(case: &Case, one: &Measured, figures: &Figures) -> String {
    let ratio = case
        .ratios
        .iter()
        .find(|ratio| ratio.name == one.name)
        .and_then(|ratio| ratio.time)
        .map(|time| format!("{}x", three(time.median)));
    let all = [
        Some(seconds(figures.wall_seconds.median)),
        Some(percent(figures.spread)),
        ratio.or_else(|| (one.role == Role::Subject).then(|| "1".to_owned())),
        figures.records_per_second.map(|rate| Amount(rate).to_string()),
        figures.megabytes_per_second.map(three),
        figures.cpu_seconds_per_million.map(three),
        figures.peak_bytes.map(|peak| mebibytes(peak.median)),
        figures.first_byte_seconds.map(|first| seconds(first.median)),
    ];
    let mut out = String::new();
    for cell in all {
        let _ = write!(out, "<td>{}</td>", cell.as_deref().unwrap_or("-"));
    }
    out
}

fn method(out: &mut String, report: &Report) {
    let settings = &report.settings;
    let _ = writeln!(
        out,
        "<h2>How this was measured</h2>\n<p>After one run that is not timed, {} runs of each, in turns. Bars end at the \
         median; a mark is one run. The ratio is how many times as long as the first candidate another one took: the \
         median of the ratios of each turn. The spread is the distance between the quartiles of the times, as a part of \
         their median. CPU is that of all processes, memory the peak of the sum of their resident memory. A time counts \
         only when its rows arrived, as far as they could be seen. The machine counts as noisy when the spread is above \
         {:.0}%, or other processes use more than {:.2} cores.</p>",
        settings.runs,
        settings.max_spread * 100.0,
        settings.max_load
    );
    for (what, command) in [
        ("Before each run", &settings.prepare),
        ("Rows counted by", &settings.check),
    ] {
        if let Some(command) = command {
            let _ = writeln!(out, "<p>{what}: <code>{}</code></p>", escaped(command));
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
