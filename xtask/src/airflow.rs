//! `cargo xtask airflow`: DAGs that start melisma, in a real Airflow.
//!
//! Airflow and what it needs are 200 MB and half a minute of starting, so this is not among the tests. What the DAG generator of
//! Meltano calls is: tests/e2e/it/nights.rs. The generator itself is in no package; `--generator` names a copy of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Result, setup, sh};

/// A project with a schedule of a job, one of a tap and a target, and one without an interval.
const PROJECT: &str = "default_environment: dev
environments: [{name: dev}]
plugins:
  extractors:
  - {name: tap-csv, variant: melisma, config: {files: [{entity: orders, path: orders.csv, keys: [id]}]}}
  loaders:
  - {name: target-jsonl, variant: melisma, config: {destination_path: output}}
  - {name: target-csv, variant: melisma, config: {destination_path: output}}
jobs:
- {name: load, tasks: [tap-csv target-jsonl, [tap-csv, target-csv]]}
schedules:
- {name: nightly, interval: '@daily', job: load}
- {name: hourly, interval: '0 * * * *', extractor: tap-csv, loader: target-jsonl, transform: skip}
- {name: never, interval: '@once', job: load}
";

/// What the generator makes of it: for each DAG its tasks, and the tasks before them.
const GENERATED: &str = "meltano_hourly: extract_load()
meltano_nightly_load: meltano_nightly_load_task0() meltano_nightly_load_task1(meltano_nightly_load_task0)
";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A DAG file of Meltano's airflow utility, such as orchestrate/dags/meltano.py of a project
    #[arg(long, value_name = "FILE")]
    generator: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result {
    let python = setup::airflow()?;
    sh::run(sh::cargo().args(["build", "--quiet", "--package=melisma"]))?;
    let home = sh::target().join("airflow");
    if home.exists() {
        fs::remove_dir_all(&home).map_err(|e| format!("cannot remove {}: {e}", home.display()))?;
    }
    let project = home.join("project");
    write(&project.join("meltano.yml"), PROJECT)?;
    write(&project.join("orders.csv"), "id,item\n1,tea\n2,cake\n")?;
    let bin = project.join(".meltano/run/bin");
    write(&bin.with_file_name(".keep"), "")?;
    std::os::unix::fs::symlink(sh::target().join("debug/melisma"), &bin)
        .map_err(|e| format!("cannot link {}: {e}", bin.display()))?;

    let page = fs::read_to_string(sh::root().join("docs/scheduling.md")).map_err(|e| e.to_string())?;
    let example = page
        .split("```python\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    write(
        &home.join("dags/shop.py"),
        example.ok_or("docs/scheduling.md has no DAG")?,
    )?;
    let mut expected = "shop: load()\n".to_owned();
    if let Some(generator) = &args.generator {
        let text =
            fs::read_to_string(generator).map_err(|e| format!("cannot read {}: {e}", generator.display()))?;
        write(&home.join("dags/meltano.py"), &text)?;
        expected = format!("{GENERATED}{expected}");
    }
    let airflow = |command: &mut Command| {
        let sqlite = format!("sqlite:///{}", home.join("airflow.db").display());
        command
            .current_dir(&project)
            .env("AIRFLOW_HOME", &home)
            .env("AIRFLOW__CORE__LOAD_EXAMPLES", "False");
        command
            .env("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", sqlite)
            .env("MELTANO_PROJECT_ROOT", &project);
        command.env("AIRFLOW__CORE__DAGS_FOLDER", home.join("dags"));
    };
    let mut list = Command::new(&python);
    airflow(
        list.arg(sh::root().join("tests/e2e/python/airflow_dags.py"))
            .arg(home.join("dags")),
    );
    let found = sh::output(&mut list)?;
    print!("{found}");
    if found != expected {
        return Err(format!("expected these DAGs:\n{expected}"));
    }
    if args.generator.is_some() {
        for words in [&["db", "migrate"][..], &["dags", "test", "meltano_nightly_load"]] {
            let mut command = Command::new(python.with_file_name("airflow"));
            airflow(command.args(words));
            sh::run(&mut command)?;
        }
        let written = fs::read_dir(project.join("output"))
            .map_err(|_| "the DAG has loaded nothing")?
            .count();
        println!("the DAG has run: {written} of 2 tables");
        return if written == 2 {
            Ok(())
        } else {
            Err("a table is missing".into())
        };
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(path, text))
        .map_err(|e| format!("cannot write {}: {e}", path.display()))
}
