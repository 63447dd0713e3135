//! Plots of several numbers of rows, columns or streams: time, CPU and memory, on logarithmic axes.

use std::fmt::Write as _;

use super::form::{Case, Figures};
use super::markup::{escaped, named};
use super::units::{Amount, mebibytes, seconds, three};

/// Memory is plotted in MiB, so that powers of ten are round numbers of them.
const MEBIBYTE: f64 = 1_048_576.0;

/// A line of a plot.
struct Line {
    name: String,
    class: String,
    points: Vec<(f64, f64)>,
}

/// Its title, what to look for, the figure, and how it is written.
type Plot = (
    &'static str,
    &'static str,
    fn(&Figures) -> Option<f64>,
    fn(f64) -> String,
);

/// What inputs differ by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dimension {
    Records,
    Columns,
    Streams,
}

impl Dimension {
    const ALL: [Self; 3] = [Self::Records, Self::Columns, Self::Streams];

    fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Columns => "columns",
            Self::Streams => "streams",
        }
    }

    fn of(self, case: &Case) -> Option<u64> {
        let number = match self {
            Self::Records => case.records.or(case.rows),
            Self::Columns => case.columns.map(u64::from),
            Self::Streams => case.streams.map(u64::from),
        };
        number.filter(|number| *number > 0)
    }

    /// What the plot of CPU for a record shows.
    fn hint(self) -> &'static str {
        match self {
            Self::Records => "level where each record costs the same",
            Self::Columns => "both axes are logarithmic",
            Self::Streams => "level where a stream costs nothing of its own",
        }
    }
}

/// The plots of everything that the cases have several numbers of.
pub(super) fn scaling(out: &mut String, cases: &[Case]) {
    for dimension in Dimension::ALL {
        let others = |case: &Case| {
            Dimension::ALL
                .into_iter()
                .filter(|other| *other != dimension)
                .map(|other| other.of(case))
                .collect::<Vec<_>>()
        };
        // The other numbers are those of the last case: a line has one kind of point.
        let Some(last) = cases.last().map(others) else {
            return;
        };
        let of_line: Vec<&Case> = cases.iter().filter(|case| others(case) == last).collect();
        if of_line.len() > 1 {
            along(out, &of_line, dimension);
        }
    }
}

fn along(out: &mut String, cases: &[&Case], dimension: Dimension) {
    let _ = writeln!(
        out,
        "<h2>With the number of {}</h2>\n<div class=\"grid\">",
        dimension.name()
    );
    let plots: [Plot; 3] = [
        ("Time", "", |figures| Some(figures.wall_seconds.median), seconds),
        (
            "CPU seconds for a million records",
            dimension.hint(),
            |figures| figures.cpu_seconds_per_million,
            |value| format!("{} s", three(value)),
        ),
        (
            "Peak memory",
            "level where memory is bounded",
            |figures| figures.peak_bytes.map(|peak| peak.median / MEBIBYTE),
            |value| mebibytes(value * MEBIBYTE),
        ),
    ];
    for (title, hint, of, unit) in plots {
        let lines = lines(cases, dimension, of);
        if lines.iter().any(|line| line.points.len() > 1) {
            let hint = if hint.is_empty() {
                "both axes are logarithmic"
            } else {
                hint
            };
            let _ = writeln!(
                out,
                "<figure class=\"panel\"><h3>{title}</h3><p class=\"quiet\">{hint}</p>"
            );
            plot(out, &lines, dimension, unit);
            out.push_str("</figure>\n");
        }
    }
    out.push_str("</div>\n");
}

/// One for each candidate that was measured, by its name.
#[expect(clippy::cast_precision_loss, reason = "a place in a plot")]
fn lines(cases: &[&Case], dimension: Dimension, of: fn(&Figures) -> Option<f64>) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for case in cases {
        let Some(number) = dimension.of(case) else {
            continue;
        };
        for (one, class) in named(case) {
            let Some(value) = one.figures.as_ref().and_then(of).filter(|value| *value > 0.0) else {
                continue;
            };
            let point = (number as f64, value);
            match lines.iter_mut().find(|line| line.name == one.name) {
                Some(line) => line.points.push(point),
                None => lines.push(Line {
                    name: one.name.clone(),
                    class,
                    points: vec![point],
                }),
            }
        }
    }
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    lines
}

/// Where a value is on a logarithmic axis, from 0 to 1.
#[derive(Clone, Copy)]
struct Axis {
    least: f64,
    most: f64,
}

impl Axis {
    /// From the power of ten below all values to the one above them, or of two where they are close together.
    fn of(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let most = values.fold(f64::NEG_INFINITY, f64::max).log10().ceil();
        Self {
            least,
            most: most.max(least + 1.0),
        }
    }

    /// Exactly from the least to the greatest value.
    fn tight(values: impl Iterator<Item = f64> + Clone) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min).log10();
        let most = values.fold(f64::NEG_INFINITY, f64::max).log10();
        if most > least {
            Self { least, most }
        } else {
            Self {
                least: least - 0.5,
                most: most + 0.5,
            }
        }
    }

    fn at(self, value: f64) -> f64 {
        (value.log10() - self.least) / (self.most - self.least)
    }

    /// The powers of ten on it.
    fn powers(self) -> impl Iterator<Item = f64> {
        (self.least.ceil() as i32..=self.most.floor() as i32).map(|power| 10_f64.powi(power))
    }
}

fn plot(out: &mut String, lines: &[Line], dimension: Dimension, unit: fn(f64) -> String) {
    let points = || lines.iter().flat_map(|line| line.points.iter().copied());
    let x = Axis::tight(points().map(|(x, _)| x));
    let y = Axis::of(points().map(|(_, y)| y));
    out.push_str("<div class=\"plot\">\n<svg viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" aria-hidden=\"true\">\n");
    for power in y.powers() {
        let at = 1000.0 - y.at(power) * 1000.0;
        let _ = writeln!(out, "<line x1=\"0\" x2=\"1000\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>");
    }
    for line in lines {
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(px, py)| format!("{:.1},{:.1}", x.at(*px) * 1000.0, 1000.0 - y.at(*py) * 1000.0))
            .collect();
        let _ = writeln!(
            out,
            "<polyline class=\"{}\" points=\"{}\"/>",
            line.class,
            points.join(" ")
        );
    }
    out.push_str("</svg>\n");
    for power in y.powers() {
        let (at, label) = (y.at(power) * 100.0, tick(unit(power)));
        let _ = writeln!(out, "<span class=\"y\" style=\"bottom:{at:.2}%\">{label}</span>");
    }
    let mut sizes: Vec<f64> = points().map(|(x, _)| x).collect();
    sizes.sort_by(f64::total_cmp);
    sizes.dedup();
    for size in labelled(&sizes, x) {
        let (at, label) = (x.at(size) * 100.0, tick(Amount(size).to_string()));
        let _ = writeln!(out, "<span class=\"x\" style=\"left:{at:.2}%\">{label}</span>");
    }
    let _ = writeln!(out, "<span class=\"axis\">{}</span>", dimension.name());
    for line in lines {
        for (px, py) in &line.points {
            let (left, bottom) = (x.at(*px) * 100.0, y.at(*py) * 100.0);
            let what = dimension.name();
            let title = format!("{}: {} {what}: {}", line.name, Amount(*px), unit(*py));
            let _ = writeln!(
                out,
                "<i class=\"dot {}\" style=\"left:{left:.2}%;bottom:{bottom:.2}%\" title=\"{}\"></i>",
                line.class,
                escaped(&title)
            );
        }
    }
    out.push_str("</div>\n<div class=\"legend\">");
    for line in lines {
        let _ = write!(
            out,
            "<span class=\"{}\">{}</span>",
            line.class,
            escaped(&line.name)
        );
    }
    out.push_str("</div>\n");
}

/// The sizes whose labels have room beside each other: the least and the greatest, and of the others those that are not
/// close to one that has a label.
fn labelled(sizes: &[f64], axis: Axis) -> Vec<f64> {
    // A label is about 40 pixels wide, and a plot on a phone 240.
    const ROOM: f64 = 0.18;
    let mut shown: Vec<f64> = Vec::new();
    for (at, &size) in sizes.iter().enumerate() {
        let is_far = |other: f64| (axis.at(size) - axis.at(other)).abs() >= ROOM;
        let is_end = at == 0 || at + 1 == sizes.len();
        if is_end
            || (shown.last().is_none_or(|last| is_far(*last))
                && sizes.last().is_none_or(|last| is_far(*last)))
        {
            shown.push(size);
        }
    }
    shown
}

/// A label without zeros that say nothing: `10 ms` for `10.0 ms`.
fn tick(label: String) -> String {
    match label.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            format!("{} {unit}", number.trim_end_matches('0').trim_end_matches('.'))
        }
        None if label.contains('.') => label.trim_end_matches('0').trim_end_matches('.').to_owned(),
        _ => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_have_no_zeros_that_say_nothing() {
        for (label, expected) in [
            ("10.0 ms", "10 ms"),
            ("1.50 MiB", "1.5 MiB"),
            ("100 s", "100 s"),
            ("1.00", "1"),
        ] {
            assert_eq!(tick(label.to_owned()), expected);
        }
    }

    #[test]
    fn a_line_has_the_cases_that_differ_in_one_number_only() {
        let case = |rows, columns| {
            let report = super::super::html::tests::report();
            let first = report.cases.into_iter().next().unwrap_or_default();
            Case {
                rows: Some(rows),
                records: Some(rows),
                columns,
                ..first
            }
        };
        let plots = |cases: &[Case]| {
            let mut out = String::new();
            scaling(&mut out, cases);
            out
        };
        let wide = plots(&[case(1000, Some(10)), case(1000, Some(100)), case(50, Some(100))]);
        assert!(wide.contains("With the number of records"), "{wide}");
        assert!(!wide.contains("With the number of columns"), "{wide}");
        let wide = plots(&[case(50, Some(100)), case(1000, Some(10)), case(1000, Some(100))]);
        for heading in [
            "With the number of records",
            "With the number of columns",
            "100 columns: 2.00 s",
        ] {
            assert!(wide.contains(heading), "{heading}\n{wide}");
        }
        assert_eq!(plots(&[case(1000, None)]), "");
    }

    #[test]
    fn labels_of_close_numbers_do_not_cover_each_other() {
        let sizes = [1000.0, 1100.0, 2000.0, 9000.0, 10_000.0];
        let axis = Axis::tight(sizes.into_iter());
        let expected = [1000.0, 2000.0, 10_000.0];
        let shown = labelled(&sizes, axis);
        assert_eq!(shown.len(), expected.len(), "{shown:?}");
        assert!(
            shown
                .iter()
                .zip(expected)
                .all(|(one, other)| (one - other).abs() < 0.5),
            "{shown:?}"
        );
    }

    #[test]
    fn an_axis_spans_whole_powers_of_ten() {
        let axis = Axis::of([0.2, 30.0].into_iter());
        let powers: Vec<f64> = axis.powers().collect();
        assert_eq!(powers.len(), 4, "{powers:?}");
        assert!((axis.at(1.0) - 1.0 / 3.0).abs() < 1e-9);
        let one = Axis::tight([5.0].into_iter());
        assert!((one.at(5.0) - 0.5).abs() < 1e-9);
    }
}
