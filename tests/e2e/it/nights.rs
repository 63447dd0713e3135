//! What docs/scheduling.md tells cron, systemd, GitHub Actions and Airflow to run, run.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::harness::{melisma, root, run};

const PROJECT: &str = "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - name: tap-csv
    variant: melisma
    config: {incremental: true, files: [{entity: orders, path: orders.csv, keys: [id]}]}
  loaders:
  - {name: target-parquet, variant: melisma, config: {destination_path: output}}
  - {name: target-jsonl, variant: melisma, config: {destination_path: output}}
  - {name: target-csv, variant: melisma, config: {destination_path: output}}
";

fn project(more: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("meltano.yml"), format!("{PROJECT}{more}")).expect("written");
    fs::write(folder.path().join("orders.csv"), "id,item\n1,tea\n2,cake\n").expect("written");
    folder
}

/// Runs a command line of the page, with its paths replaced by those of the test.
fn shell(line: &str, folder: &Path) {
    let line = line
        .replace("/usr/local/bin/melisma", &melisma().display().to_string())
        .replace("./melisma", &melisma().display().to_string())
        .replace("/srv/shop", &folder.display().to_string());
    run(
        Command::new("sh").args(["-e", "-c", &line]).current_dir(folder),
        b"",
    )
    .ok();
}

/// Each command of the page that starts a run, alone in a project: it loads the rows.
#[test]
fn the_commands_that_schedulers_start_load_the_rows() {
    let page = fs::read_to_string(root().join("docs/scheduling.md")).expect("a page");
    let command = |before: &str, after: &str| {
        let rest = page
            .split_once(before)
            .unwrap_or_else(|| panic!("the page has no {before:?}"))
            .1;
        rest.split_once(after).expect("its end").0.trim().to_owned()
    };
    let commands = [
        command("15 2 * * *  ", "\n"),
        command("ExecStart=", "\n"),
        command("- run: ./melisma", "\n").replace("run --state", "./melisma run --state"),
        command("bash_command=\"exec ", "\""),
    ];
    for line in commands {
        let folder = project("");
        shell(&line, folder.path());
        let files = fs::read_dir(folder.path().join("output")).expect("output");
        assert_eq!(files.count(), 1, "{line}");
    }
}

/// What the DAG generator of Meltano's airflow utility calls, through the link that the first command of melisma makes: the list of schedules, from
/// which it makes one DAG a schedule, and then each task of each DAG by bash.
#[test]
fn the_calls_of_the_airflow_generator_list_and_run_the_schedules() {
    let folder = project(
        "jobs:\n- name: load\n  tasks:\n  - tap-csv target-parquet\n  - [tap-csv, target-csv]\nschedules:\n- {name: nightly, \
         interval: '@daily', job: load}\n- {name: hourly, interval: '0 * * * *', extractor: tap-csv, loader: target-jsonl, \
         transform: skip}\n- {name: never, interval: '@once', job: load}\n",
    );
    let root = folder.path();
    let link = root.join(".meltano/run/bin");
    run(
        Command::new(melisma())
            .args(["environment", "list"])
            .current_dir(root),
        b"",
    )
    .ok();
    assert_eq!(
        fs::read_link(&link).expect("a link"),
        fs::canonicalize(melisma()).expect("a path")
    );
    // One that leads nowhere is made anew; one that leads somewhere is another tool's.
    shell("ln -sf /srv/nowhere /srv/shop/.meltano/run/bin", root);
    run(
        Command::new(melisma())
            .args(["environment", "list"])
            .current_dir(root),
        b"",
    )
    .ok();
    assert_eq!(
        fs::read_link(&link).expect("a link"),
        fs::canonicalize(melisma()).expect("a path")
    );
    shell("ln -sf /bin/true /srv/shop/.meltano/run/bin", root);
    run(
        Command::new(melisma())
            .args(["environment", "list"])
            .current_dir(root),
        b"",
    )
    .ok();
    assert_eq!(fs::read_link(&link).expect("a link"), Path::new("/bin/true"));
    shell("ln -sf /usr/local/bin/melisma /srv/shop/.meltano/run/bin", root);
    let list = run(
        Command::new(&link)
            .args(["schedule", "list", "--format=json"])
            .current_dir(root),
        b"",
    );
    let list: serde_json::Value = serde_json::from_slice(&list.ok().stdout).expect("nothing but JSON");
    let mut tasks = Vec::new();
    for schedule in list["schedules"]["job"].as_array().expect("a list") {
        // No interval, no DAG.
        if schedule["cron_interval"].is_null() {
            continue;
        }
        for task in schedule["job"]["tasks"].as_array().expect("a list") {
            let words = match task {
                serde_json::Value::Array(words) => words
                    .iter()
                    .filter_map(|word| word.as_str())
                    .collect::<Vec<_>>()
                    .join(" "),
                task => task.as_str().expect("text").to_owned(),
            };
            tasks.push(format!("run {words}"));
        }
    }
    for schedule in list["schedules"]["elt"].as_array().expect("a list") {
        for key in ["extractor", "loader", "transform", "interval", "cron_interval"] {
            assert!(schedule[key].is_string(), "{schedule}");
        }
        tasks.push(format!(
            "schedule run {}",
            schedule["name"].as_str().expect("a name")
        ));
    }
    assert_eq!(
        tasks,
        [
            "run tap-csv target-parquet",
            "run tap-csv target-csv",
            "schedule run hourly"
        ]
    );
    for task in tasks {
        let call = format!("cd {}; .meltano/run/bin {task}", root.display());
        run(Command::new("bash").args(["-c", &call]).current_dir("/"), b"").ok();
    }
    let mut written: Vec<String> = fs::read_dir(root.join("output"))
        .expect("output")
        .filter_map(|entry| {
            Path::new(&entry.ok()?.file_name())
                .extension()?
                .to_str()
                .map(str::to_owned)
        })
        .collect();
    written.sort();
    assert_eq!(written, ["csv", "jsonl", "parquet"]);
}
