//! `melisma bench`: real programs on small inputs. No test asserts on a time.

use std::fs;

use melisma_bench::generate::{Format, Recipe, Shape};
use serde_json::Value;

use crate::support::{Folder, assert_code, signal, stderr};

/// Options that make no difference between a quiet and a busy machine.
const CALM: [&str; 6] = ["--runs", "2", "--max-spread", "1000000", "--max-load", "1000"];

/// Runs `bench` with a JSON report; exit code, stdout, stderr, and the report.
fn bench(folder: &Folder, args: &[&str]) -> (i32, String, String, Value) {
    let mut all = vec!["bench"];
    all.extend(args);
    all.extend(CALM);
    all.extend(["--json", "report.json"]);
    let output = folder.melisma(&all).output().unwrap();
    let report = fs::read_to_string(folder.join("report.json"))
        .map(|text| serde_json::from_str(&text).unwrap())
        .unwrap_or_default();
    (
        output.status.code().unwrap(),
        String::from_utf8(output.stdout.clone()).unwrap(),
        stderr(&output),
        report,
    )
}

/// The candidate of this name, in the first case of a report.
fn candidate<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["cases"][0]["candidates"].as_array().unwrap();
    all.iter()
        .find(|one| one["name"] == name)
        .unwrap_or_else(|| panic!("no {name} in {report:#}"))
}

fn generate(folder: &Folder, args: &[&str]) -> Vec<u8> {
    let output = folder
        .melisma(&[&["bench", "gen"], args].concat())
        .output()
        .unwrap();
    assert_code(&output, 0);
    output.stdout
}

#[test]
fn a_seed_makes_the_same_bytes_on_stdout_and_in_a_file() {
    let folder = Folder::new();
    let printed = generate(&folder, &["narrow", "--rows", "50", "--seed", "3"]);
    generate(
        &folder,
        &["narrow", "--rows", "50", "--seed", "3", "--out", "n.singer"],
    );
    assert_eq!(printed, fs::read(folder.join("n.singer")).unwrap());
    assert!(printed.starts_with(b"{\"type\":\"SCHEMA\",\"stream\":\"narrow\""));
    let parquet = folder.join("parquet");
    generate(
        &folder,
        &[
            "nested", "--rows", "50", "--format", "parquet", "--out", "parquet",
        ],
    );
    assert_eq!(fs::read_dir(parquet).unwrap().count(), 1);
}

#[test]
fn a_shape_without_a_use_for_an_option_refuses_it() {
    let folder = Folder::new();
    for args in [
        &["lineitem", "--seed", "2"][..],
        &["narrow", "--columns", "3"],
        &["wide", "--format", "parquet"],
    ] {
        let output = folder
            .melisma(&[&["bench", "gen"], args].concat())
            .output()
            .unwrap();
        assert_code(&output, 64);
    }
}

/// target-jsonl takes every shape, and has as many rows as there are records.
#[test]
fn every_shape_is_loaded() {
    let folder = Folder::new();
    for (name, shape, _) in Shape::ALL {
        let recipe = Recipe {
            rows: Some(40),
            ..Recipe::of(shape)
        };
        let file = fs::File::create(folder.join("in")).unwrap();
        let generated = recipe.write(Format::Singer, file).unwrap();
        folder.write("target.json", &format!(r#"{{"destination_path": "out-{name}"}}"#));
        let mut target = folder.melisma(&["target-jsonl", "--config", "target.json"]);
        let output = target
            .stdin(fs::File::open(folder.join("in")).unwrap())
            .output()
            .unwrap();
        assert_code(&output, 0);
        let rows: usize = fs::read_dir(folder.join(&format!("out-{name}")))
            .unwrap()
            .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap().lines().count())
            .sum();
        assert_eq!(rows as u64, generated.records, "{name}");
    }
}

#[test]
fn a_pipe_is_measured_beside_cat() {
    let folder = Folder::new();
    let (code, table, error, report) = bench(
        &folder,
        &[
            "pipe",
            "--shape",
            "unicode",
            "--rows",
            "200,400",
            "--vs",
            "tac=tac",
            "--html",
            "page.html",
        ],
    );
    assert_eq!(code, 0, "{error}");
    for part in [
        "400 records of unicode",
        "melisma pipe",
        "cat (floor)",
        "wc -l (floor)",
        "ratio",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
    assert_eq!(report["version"], 1);
    assert_eq!(report["cases"].as_array().unwrap().len(), 2);
    let ours = candidate(&report, "melisma pipe");
    assert_eq!(
        (&ours["outcome"], &ours["check"]["passed"]),
        (&"measured".into(), &true.into())
    );
    assert_eq!(ours["runs"].as_array().unwrap().len(), 2);
    assert!(ours["runs"][0]["peak_bytes"].as_u64().unwrap() > 0, "{ours:#}");
    // Order makes no difference to the checksum.
    assert_eq!(candidate(&report, "tac")["check"]["passed"], true);
    let page = folder.read("page.html");
    assert!(page.contains("class=\"plot\"") && page.contains("</html>"));
}

#[test]
fn columns_are_plotted_as_rows_are() {
    let folder = Folder::new();
    let (code, table, error, report) = bench(
        &folder,
        &[
            "pipe",
            "--shape",
            "wide",
            "--rows",
            "20,40",
            "--columns",
            "2,30",
            "--html",
            "page.html",
        ],
    );
    assert_eq!(code, 0, "{error}");
    assert!(table.contains("40 records of wide, 30 columns"), "{table}");
    let cases = report["cases"].as_array().unwrap();
    let inputs: Vec<_> = cases
        .iter()
        .map(|case| (&case["rows"], &case["columns"]))
        .collect();
    assert_eq!(
        format!("{inputs:?}").matches("Number(30)").count(),
        2,
        "{inputs:?}"
    );
    assert_eq!(inputs.len(), 4);
    let page = folder.read("page.html");
    for heading in ["With the number of records", "With the number of columns"] {
        assert!(page.contains(heading), "{heading}");
    }
    let (code, _, error, _) = bench(&folder, &["pipe", "--columns", "3"]);
    assert_eq!(code, 64, "{error}");
}

/// A tap that writes the numbers from 1 to `$1`, but for `$2`.
const TAP: &str = r#"#!/bin/sh
echo '{"type": "SCHEMA", "stream": "s", "schema": {"properties": {"i": {"type": "integer"}}}, "key_properties": []}'
i=1
while [ $i -le $1 ]; do
  [ "$i" = "$2" ] || echo '{"type": "RECORD", "stream": "s", "record": {"i": '$i'}}'
  i=$((i+1))
done
"#;

fn with_tap() -> Folder {
    let folder = Folder::new();
    folder.write("tap.sh", TAP);
    folder.executable("tap.sh");
    folder
}

#[test]
fn a_tap_that_loses_a_row_is_not_believed() {
    let folder = with_tap();
    let (code, _, error, report) = bench(&folder, &["tap", "./tap.sh 20 7", "--records", "20"]);
    assert_eq!(code, 65);
    assert!(
        error.contains("expected 20 records, found 19 in its output: its times are not believed"),
        "{error}"
    );
    assert_eq!(report, Value::Null, "no report");
    // The same number of records, and another one among them.
    let tap = folder.melisma(&[]).get_current_dir().unwrap().join("tap.sh");
    let expected = std::process::Command::new(tap)
        .args(["20", "7"])
        .output()
        .unwrap();
    fs::write(folder.join("expected"), &expected.stdout).unwrap();
    let (code, _, error, _) = bench(&folder, &["tap", "./tap.sh 20 8", "--expect", "expected"]);
    assert_eq!(code, 65);
    assert!(
        error.contains("the 19 records of its output have other values than expected"),
        "{error}"
    );
    let (code, _, error, report) = bench(&folder, &["tap", "./tap.sh 20 7", "--expect", "expected"]);
    assert_eq!(code, 0, "{error}");
    assert_eq!(
        candidate(&report, "tap.sh")["check"]["how"],
        "count and checksum of its output"
    );
}

#[test]
fn rivals_that_are_missing_fail_or_lose_rows_are_named_and_out() {
    let folder = with_tap();
    let (code, table, error, report) = bench(
        &folder,
        &[
            "tap",
            "./tap.sh 20",
            "--vs",
            "absent=there-is-no-such-tap",
            "--vs",
            "broken=sh -c 'echo it is broken >&2; exit 4'",
            "--vs",
            "lossy=./tap.sh 20 5",
            "--vs",
            "same=./tap.sh 20",
        ],
    );
    assert_eq!(code, 0, "{error}");
    for (name, outcome, why) in [
        ("absent", "missing", "there is no program there-is-no-such-tap"),
        ("broken", "failed", "it is broken"),
        ("lossy", "wrong", "expected 20 records, found 19"),
    ] {
        let one = candidate(&report, name);
        assert_eq!(one["outcome"], outcome, "{one:#}");
        assert!(one["why"].as_str().unwrap().contains(why), "{one:#}");
        assert_eq!(one["figures"], Value::Null);
        assert!(table.contains(why), "{table}");
    }
    assert_eq!(candidate(&report, "same")["outcome"], "measured");
    let ratios = report["cases"][0]["ratios"].as_array().unwrap();
    assert_eq!(
        ratios.iter().map(|ratio| &ratio["name"]).collect::<Vec<_>>(),
        ["same", "cat", "wc -l"]
    );
}

#[test]
fn a_command_that_fails_says_why_with_the_end_of_its_stderr() {
    let folder = Folder::new();
    let (code, _, error, _) = bench(&folder, &["tap", "sh -c 'echo no such table >&2; exit 3'"]);
    assert_eq!(code, 1);
    assert!(
        error.contains("sh: no such table") && error.contains("sh ended with exit code 3"),
        "{error}"
    );
    let (code, _, error, _) = bench(&folder, &["tap", "there-is-no-such-tap"]);
    assert_eq!(code, 69);
    assert!(
        error.contains("there is no program there-is-no-such-tap"),
        "{error}"
    );
    for args in [
        &["tap", "tap 'x"][..],
        &["tap", "true", "--vs", "nameless"],
        &["tap", "true", "--vs", "true=true"],
    ] {
        let (code, ..) = bench(&folder, args);
        assert_eq!(code, 64, "{args:?}");
    }
}

#[test]
fn a_target_is_checked_by_its_state_or_by_its_rows() {
    let folder = Folder::new();
    generate(&folder, &["unicode", "--rows", "300", "--out", "in"]);
    folder.write("target.json", r#"{"destination_path": "out"}"#);
    let target = "target-jsonl --config target.json";
    let base = ["target", target, "--input", "in", "--prepare", "rm -rf out"];
    let (code, _, error, report) = bench(&folder, &base);
    assert_eq!(code, 0, "{error}");
    let how = |report: &Value| {
        candidate(report, "target-jsonl")["check"]["how"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(
        how(&report).contains("last STATE is that of the input"),
        "{report:#}"
    );
    assert!(candidate(&report, "target-jsonl")["runs"][0]["start_up_seconds"].is_number());
    for (check, expected) in [
        ("sh -c 'cat out/*.jsonl'", "count and checksum of --check"),
        ("sh -c 'cat out/*.jsonl | wc -l'", "count of --check"),
    ] {
        let (code, _, error, report) = bench(&folder, &[&base[..], &["--check", check]].concat());
        assert_eq!(code, 0, "{error}");
        assert_eq!(how(&report), expected);
    }
    let (code, _, error, _) = bench(
        &folder,
        &[&base[..], &["--check", "sh -c 'head -n 299 out/*.jsonl'"]].concat(),
    );
    assert_eq!(code, 65);
    assert!(
        error.contains("expected 300 records, found 299 in --check"),
        "{error}"
    );
    let (code, _, error, _) = bench(&folder, &["target", "head -n 1", "--input", "in"]);
    assert_eq!(code, 65, "{error}");
}

#[test]
fn a_pair_is_checked_by_the_report_of_the_run_and_by_its_rows() {
    let folder = Folder::new();
    folder.write(
        "tap.json",
        r#"{"infer_types": true, "files": [{"entity": "unicode", "path": "in.csv", "keys": ["id"]}]}"#,
    );
    folder.write("target.json", r#"{"destination_path": "out"}"#);
    generate(
        &folder,
        &["unicode", "--rows", "300", "--format", "csv", "--out", "in.csv"],
    );
    let base = [
        "pair",
        "tap-csv --config tap.json",
        "target-jsonl --config target.json",
        "--prepare",
        "rm -rf out",
        "--via",
        "melisma,pipe",
    ];
    let (code, table, error, report) = bench(&folder, &base);
    assert_eq!(code, 0, "{error}");
    let names = [
        "tap-csv > target-jsonl by melisma run",
        "tap-csv > target-jsonl by a pipe",
    ];
    assert_eq!(
        candidate(&report, names[0])["check"]["how"],
        "count of the target's input, by melisma run"
    );
    assert_eq!(candidate(&report, names[1])["check"]["passed"], Value::Null);
    assert!(
        table.contains("not checked: nothing can be seen of its rows without --check"),
        "{table}"
    );
    assert_eq!(report["cases"][0]["records"], 300);
    let (code, _, error, report) = bench(
        &folder,
        &[&base[..], &["--check", "sh -c 'cat out/*.jsonl'"]].concat(),
    );
    assert_eq!(code, 0, "{error}");
    for name in names {
        assert_eq!(
            candidate(&report, name)["check"]["how"],
            "count and checksum of --check"
        );
    }
}

#[test]
fn placeholders_stand_for_the_generated_input() {
    let folder = Folder::new();
    let (code, _, error, report) = bench(
        &folder,
        &[
            "tap",
            "cat {input}",
            "--shape",
            "nested",
            "--rows",
            "30,60",
            "--format",
            "singer",
            "--vs",
            "env=sh -c 'cat $MELISMA_BENCH_INPUT'",
        ],
    );
    // The name cat is that of the floor.
    assert_eq!(code, 64, "{error}");
    assert_eq!(report, Value::Null);
    let (code, _, error, report) = bench(
        &folder,
        &[
            "tap",
            "cat {input}",
            "--name",
            "copy",
            "--shape",
            "nested",
            "--rows",
            "30,60",
            "--format",
            "singer",
            "--vs",
            "env=sh -c 'cat $MELISMA_BENCH_INPUT'",
        ],
    );
    assert_eq!(code, 0, "{error}");
    assert_eq!(report["cases"][1]["records"], 60);
    assert_eq!(candidate(&report, "env")["outcome"], "measured");
}

#[test]
fn a_noisy_machine_is_said_so_with_a_report_and_an_exit_code() {
    let folder = with_tap();
    let args = [
        "bench",
        "tap",
        "./tap.sh 20",
        "--max-spread",
        "-1",
        "--runs",
        "2",
        "--json",
        "report.json",
    ];
    let output = folder.melisma(&args).output().unwrap();
    assert_code(&output, 64);
    let args = [
        "bench",
        "tap",
        "./tap.sh 20",
        "--max-spread=0",
        "--max-load=1000",
        "--runs",
        "3",
        "--json",
        "report.json",
    ];
    let output = folder.melisma(&args).output().unwrap();
    assert_code(&output, 75);
    assert!(
        stderr(&output).contains("the machine was too noisy to tell: tap.sh: the middle half"),
        "{}",
        stderr(&output)
    );
    let report: Value = serde_json::from_str(&folder.read("report.json")).unwrap();
    assert_eq!(report["cases"][0]["doubts"].as_array().unwrap().len(), 1);
}

#[test]
fn a_signal_ends_the_commands_and_leaves_no_file() {
    let folder = Folder::new();
    let args = [
        "bench",
        "tap",
        "sh -c 'echo $$ > pid; exec sleep 600'",
        "--shape",
        "narrow",
        "--rows",
        "10",
    ];
    let mut child = folder.melisma(&args).spawn().unwrap();
    folder.wait_for("pid");
    signal(&child, "TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    let pid = folder.read("pid");
    assert!(!std::path::Path::new("/proc").join(pid.trim()).exists(), "{pid}");
    assert_eq!(fs::read_dir(folder.join("tmp")).unwrap().count(), 0);
}

#[test]
fn two_reports_are_compared() {
    let folder = with_tap();
    let (code, _, error, mut report) = bench(&folder, &["tap", "./tap.sh 20"]);
    assert_eq!(code, 0, "{error}");
    let mut write = |name: &str, seconds: f64| {
        let figures = &mut report["cases"][0]["candidates"][0]["figures"]["wall_seconds"];
        for key in ["median", "lower_quartile", "upper_quartile", "least", "greatest"] {
            figures[key] = seconds.into();
        }
        folder.write(name, &report.to_string());
    };
    write("a.json", 1.0);
    write("b.json", 2.0);
    let compared = |before: &str, after: &str| {
        let output = folder
            .melisma(&["bench", "compare", before, after])
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let show = [
        "bench",
        "show",
        "a.json",
        "--format",
        "markdown",
        "--html",
        "page.html",
    ];
    let output = folder.melisma(&show).output().unwrap();
    assert_code(&output, 0);
    assert!(String::from_utf8_lossy(&output.stdout).contains("| tap.sh | 1.00 s |"));
    assert!(folder.read("page.html").contains("</html>"));
    let (code, text) = compared("a.json", "a.json");
    assert!(code == Some(0) && text.contains("within noise"), "{text}");
    let (code, text) = compared("a.json", "b.json");
    assert!(code == Some(1) && text.contains("slower"), "{text}");
    let (code, text) = compared("b.json", "a.json");
    assert!(code == Some(0) && text.contains("faster"), "{text}");
    folder.write("old.json", r#"{"version": 99}"#);
    assert_eq!(compared("a.json", "old.json").0, Some(65));
    assert_eq!(compared("a.json", "missing.json").0, Some(74));
}

/// The commands of docs/benchmarks.md, in their order, but those that `cargo xtask scaling` runs.
fn page_commands() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/benchmarks.md");
    let page = fs::read_to_string(path).unwrap().replace(" \\\n  ", " ");
    let (before, rest) = page.split_once("## How cost grows").unwrap();
    let (_, after) = rest.split_once("\n## ").unwrap();
    let blocks = [before, after]
        .into_iter()
        .flat_map(|part| part.split("```").skip(1).step_by(2));
    let lines = blocks
        .flat_map(str::lines)
        .filter(|line| line.starts_with("melisma bench"));
    lines.map(str::to_owned).collect()
}

/// A command of the page with fewer rows and runs, of shapes that are made at once.
fn smaller(line: &str) -> String {
    let mut line = line.to_owned();
    for (long, short) in [
        ("10000,100000,1000000", "30,60"),
        ("1000000", "30"),
        ("100000", "30"),
        ("50000", "30"),
        ("--rows 10000 ", "--rows 30 "),
        ("1,10,100,1000", "1,3"),
        ("1,100,10000", "1,3"),
        ("orders --scale 0.1", "nested --rows 30"),
        ("lineitem --rows", "unicode --rows"),
        ("customer --rows", "nested --rows"),
        ("melisma target-postgres", "melisma target-jsonl"),
    ] {
        line = line.replace(long, short);
    }
    if line == "melisma bench pipe" {
        line.push_str(" --shape unicode --rows 30");
    }
    for kind in ["tap", "target", "pair", "pipe"] {
        let name = format!("melisma bench {kind}");
        line = line.replace(&name, &format!("{name} {}", CALM.join(" ")));
    }
    line
}

/// Every command of the page runs, but those that need a database. What it compares with need not be there.
#[test]
fn the_commands_of_the_page_run() {
    let folder = with_tap();
    for (name, script) in [
        (
            "my-tap",
            "[ -f \"$1\" ] && exec cat \"$1\"; exec cat messages.singer",
        ),
        ("other-pipe", "exec cat"),
    ] {
        folder.write(name, &format!("#!/bin/sh\n{script}\n"));
        folder.executable(name);
    }
    for file in [
        "lineitem.singer",
        "messages.singer",
        "expected.singer",
        "four.singer",
    ] {
        generate(&folder, &["unicode", "--rows", "30", "--out", file]);
    }
    generate(
        &folder,
        &["unicode", "--rows", "30", "--format", "csv", "--out", "in.csv"],
    );
    let files = r#"{"files": [{"entity": "unicode", "path": "in.csv", "keys": ["id"]}]}"#;
    for tap in ["tap.json", "tap-csv.json"] {
        folder.write(tap, files);
    }
    for target in ["target.json", "jsonl.json", "one.json", "two.json", "four.json"] {
        folder.write(target, r#"{"destination_path": "output"}"#);
    }
    folder.write("project/in.csv", "id\n1\n");
    folder.write(
        "project/meltano.yml",
        &format!(
            "{{version: 1, plugins: {{extractors: [{{name: tap-csv, config: {files}}}], \
             loaders: [{{name: target-parquet, config: {{destination_path: out}}}}]}}}}"
        ),
    );
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_melisma"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let mut ran = 0;
    for line in page_commands()
        .iter()
        .filter(|line| !line.contains("tap-postgres"))
    {
        let is_project = line.contains("pair tap-csv target-parquet");
        if line.contains("compare") || line.contains("show") {
            for name in ["old.json", "new.json"] {
                fs::copy(folder.join("project/new.json"), folder.join(name)).unwrap();
            }
        }
        let own = folder.melisma(&[]);
        let mut shell = std::process::Command::new("sh");
        for (name, value) in own.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let output = shell
            .args(["-c", &smaller(line)])
            .env("PATH", &path)
            .current_dir(folder.join(if is_project { "project" } else { "" }))
            .output()
            .unwrap();
        assert!(output.status.success(), "{line}: {}", stderr(&output));
        ran += 1;
    }
    assert!(ran > 12, "{ran} commands");
}
