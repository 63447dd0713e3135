//! `logging.yaml`: what of Python's log configuration works, and what is refused by name.

use std::process::Output;

use serde_json::Value;

use crate::support::{Folder, assert_code, stderr};

fn project() -> Folder {
    let folder = Folder::new();
    folder.write(
        "meltano.yml",
        "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-x, namespace: tap_x, executable: ./tap-x, config: {steps: ['stderr:hello', 'records:1']}, settings: [{name: steps, kind: array}]}
  loaders:
  - {name: target-x, namespace: target_x, executable: ./target-x}
",
    );
    folder.write_plugins();
    folder
}

fn run(folder: &Folder, more: &[&str]) -> Output {
    let args = [more, &["run", "tap-x", "target-x"]].concat();
    folder.melisma(&args).output().unwrap()
}

/// A configuration with one formatter and one handler.
fn config(formatter: &str, handler: &str, root: &str) -> String {
    format!(
        "version: 1\nformatters: {{f: {{{formatter}}}}}\nhandlers: {{h: {{{handler}}}}}\nroot: {{{root}, handlers: [h]}}\n"
    )
}

const STDERR: &str = "class: logging.StreamHandler, formatter: f, stream: 'ext://sys.stderr'";

#[test]
fn formatters_of_meltano_decide_how_lines_look() {
    let folder = project();
    for (formatter, line) in [
        (
            "(): meltano.core.logging.console_log_formatter, colors: false",
            "[info     ] tap-x        hello",
        ),
        (
            "(): meltano.core.logging.formatters.console_log_formatter, colors: true",
            "[\u{1b}[32minfo     \u{1b}[0m] tap-x",
        ),
        (
            "(): meltano.core.logging.key_value_formatter",
            "level='info' event='hello' name='tap-x' ",
        ),
        (
            "(): meltano.core.logging.logfmt_formatter",
            "level=info event=hello name=tap-x ",
        ),
        ("(): meltano.core.logging.plain_formatter", "\nhello\n"),
        ("(): meltano.core.logging.json_formatter", "\"event\":\"hello\""),
        (
            "(): meltano.core.logging.json_formatter, preset: google-cloud-logging",
            "\"message\":\"hello\"",
        ),
    ] {
        folder.write("logging.yaml", &config(formatter, STDERR, "level: INFO"));
        let output = run(&folder, &[]);
        assert_code(&output, 0);
        assert!(stderr(&output).contains(line), "{line}: {}", stderr(&output));
    }
}

#[test]
fn handlers_have_levels_and_files_of_their_own() {
    let folder = project();
    folder.write(
        "logs.yaml",
        "version: 1
disable_existing_loggers: false
formatters:
  people: {(): meltano.core.logging.console_log_formatter, colors: false}
  machines: {(): meltano.core.logging.json_formatter}
handlers:
  console: {class: logging.StreamHandler, level: ERROR, formatter: people}
  file: {class: logging.FileHandler, level: 10, formatter: machines, filename: all.log}
root: {level: DEBUG, handlers: [console, file]}
",
    );
    for turn in 1..=2 {
        let output = run(&folder, &["--log-config", "logs.yml"]);
        assert_code(&output, 0);
        assert_eq!(stderr(&output), "", "only errors");
        let log = folder.read("all.log");
        let lines: Vec<Value> = log
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
        assert_eq!(
            (count("hello"), count("Run completed")),
            (turn, turn),
            "it is appended to: {log}"
        );
    }
    folder.write(
        "logging.yml",
        &folder
            .read("logs.yaml")
            .replace("filename: all.log", "filename: all.log, mode: w"),
    );
    assert_code(&run(&folder, &[]), 0);
    let log = folder.read("all.log");
    assert_eq!(
        log.matches("\"Run completed\"").count(),
        1,
        "logging.yml counts, too, and the file is replaced: {log}"
    );
}

#[test]
fn what_is_not_understood_in_a_named_file_is_refused_by_name() {
    let folder = project();
    let plain = "(): meltano.core.logging.plain_formatter";
    for (text, said) in [
        (
            config(
                plain,
                "class: logging.handlers.SysLogHandler, formatter: f",
                "level: INFO",
            ),
            "handlers.h.class: logging.handlers.SysLogHandler is not supported",
        ),
        (
            config(
                plain,
                "class: logging.StreamHandler, stream: 'ext://sys.stdout'",
                "level: INFO",
            ),
            "handlers.h.stream",
        ),
        (
            config(plain, "class: logging.FileHandler", "level: INFO"),
            "handlers.h: a FileHandler needs a filename",
        ),
        (
            config(
                plain,
                "class: logging.FileHandler, filename: no/such/x",
                "level: INFO",
            ),
            "cannot open no/such/x",
        ),
        (
            config(plain, "class: logging.StreamHandler, filters: [x]", "level: INFO"),
            "handlers.h.filters is not supported",
        ),
        (
            config("format: '%(message)s'", STDERR, "level: INFO"),
            "formatters.f: expected one of Meltano's formatters",
        ),
        (
            config(
                "(): pythonjsonlogger.jsonlogger.JsonFormatter",
                STDERR,
                "level: INFO",
            ),
            "pythonjsonlogger",
        ),
        (
            config(
                "(): meltano.core.logging.json_formatter, preset: x",
                STDERR,
                "level: INFO",
            ),
            "formatters.f.preset",
        ),
        (
            config(plain, STDERR, "level: LOUD"),
            "root.level: \"LOUD\" is no level",
        ),
        (
            config(plain, STDERR, "level: INFO") + "filters: {}\n",
            "filters is not supported",
        ),
        (
            "version: 1\nroot: {level: INFO, handlers: [x]}\n".to_owned(),
            "there is no handler x",
        ),
    ] {
        folder.write("mine.yaml", &text);
        let output = run(&folder, &["--log-config", "mine.yaml"]);
        assert_code(&output, 78);
        assert!(
            stderr(&output).contains("mine.yaml") && stderr(&output).contains(said),
            "{said}: {}",
            stderr(&output)
        );
        assert!(!folder.join("tap.args").exists(), "the tap was started");
    }
    let output = run(&folder, &["--log-config", "none.yaml"]);
    assert_code(&output, 78);
    folder.write("mine.yaml", "version: [");
    assert_code(&run(&folder, &["--log-config", "mine.yaml"]), 78);
}

#[test]
fn what_is_not_understood_in_a_file_that_is_only_there_is_a_warning() {
    let folder = project();
    let text = "version: 1
formatters: {f: {(): meltano.core.logging.console_log_formatter, colors: false, show_locals: true}}
handlers:
  h: {class: logging.StreamHandler, formatter: f}
  g: {class: logging.handlers.SysLogHandler}
root: {level: INFO, handlers: [h, g]}
loggers: {urllib3: {level: ERROR}}
";
    folder.write("logging.yaml", text);
    let output = run(&folder, &["--log-format", "json"]);
    assert_code(&output, 0);
    for said in [
        "[warning  ] melisma      logging.yaml: handlers.g.class: logging.handlers.SysLogHandler is not supported",
        "formatters.f.show_locals is ignored",
        "loggers.urllib3 is ignored",
        "--log-format is ignored: logging.yaml decides",
        "tap-x        hello",
    ] {
        assert!(stderr(&output).contains(said), "{said}: {}", stderr(&output));
    }
    let set = folder
        .melisma(&["run", "tap-x", "target-x"])
        .env("MELTANO_CLI_LOG_CONFIG", "other.yaml")
        .output()
        .unwrap();
    assert_code(&set, 78);
}
