//! dbt as a block of a run: after a load by our target, by melisma and by Meltano, with the same variables and the same table.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_testing::postgres::{Database, server};
use tempfile::TempDir;

use crate::harness::{Outcome, melisma, python, run};

/// A tap, a target and dbt, whose settings are those that Meltano Hub has for it.
const PROJECT: &str = "default_environment: dev
project_id: 01a219b9-efb7-735c-b7f3-b9b7030df97c
environments: [{name: dev}]
plugins:
  extractors:
  - name: tap-csv
    namespace: tap_csv
    executable: ./tap-csv
    capabilities: [catalog, discover, state]
    config: {files: [{entity: orders, path: orders.csv, keys: [id]}]}
  loaders:
  - name: target-postgres
    namespace: target_postgres
    executable: ./target-postgres
    settings: [{name: default_target_schema, value: $MELTANO_EXTRACT__LOAD_SCHEMA}]
    config: {sqlalchemy_url: $DATABASE_URL}
  utilities:
  - name: dbt-postgres
    namespace: dbt_postgres
    executable: ./dbt
    settings:
    - {name: project_dir, value: $MELTANO_PROJECT_ROOT/transform, env: DBT_PROJECT_DIR}
    - {name: profiles_dir, value: $MELTANO_PROJECT_ROOT/transform/profiles, env: DBT_PROFILES_DIR}
    - {name: host}
    - {name: port, kind: integer}
    - {name: user}
    - {name: password, sensitive: true}
    - {name: dbname}
    - {name: schema, value: analytics}
    - {name: target_schema, value: $MELTANO_LOAD__TARGET_SCHEMA, env: DBT_TARGET_SCHEMA}
    - {name: source_schema, value: tap_csv, env: DBT_SOURCE_SCHEMA}
    config: {host: $DATABASE_HOST, port: $DATABASE_PORT, user: $DATABASE_USER, password: $DATABASE_PASSWORD, dbname: $DATABASE_NAME}
    commands: {run: run, test: test, bad: run --select bad}
jobs:
- {name: nightly, tasks: ['tap-csv target-postgres dbt-postgres:run', 'dbt-postgres:test']}
- {name: broken, tasks: ['tap-csv target-postgres dbt-postgres:bad dbt-postgres:test']}
";

const FILES: &[(&str, &str)] = &[
    ("meltano.yml", PROJECT),
    ("orders.csv", "id,item,amount\n1,tea,2\n2,cake,5\n3,tea,4\n"),
    (
        "transform/dbt_project.yml",
        "name: shop\nversion: '1.0'\nprofile: shop\nmodel-paths: [models]\nmodels: {shop: {bad: {+enabled: \"{{ \
         env_var('WITH_BAD', '') == 'yes' }}\"}}}\n",
    ),
    (
        "transform/profiles/profiles.yml",
        "shop:
  target: \"{{ env_var('MELTANO_ENVIRONMENT') }}\"
  outputs:
    dev:
      type: postgres
      threads: 1
      host: \"{{ env_var('DBT_POSTGRES_HOST') }}\"
      port: \"{{ env_var('DBT_POSTGRES_PORT') | as_number }}\"
      user: \"{{ env_var('DBT_POSTGRES_USER') }}\"
      password: \"{{ env_var('DBT_POSTGRES_PASSWORD') }}\"
      dbname: \"{{ env_var('DBT_POSTGRES_DBNAME') }}\"
      schema: \"{{ env_var('DBT_POSTGRES_SCHEMA') }}\"
",
    ),
    (
        "transform/models/schema.yml",
        "version: 2
sources:
- {name: shop, schema: \"{{ env_var('DBT_SOURCE_SCHEMA') }}\", tables: [{name: orders}]}
models:
- {name: totals, columns: [{name: item, data_tests: [unique, not_null]}]}
",
    ),
    (
        "transform/models/totals.sql",
        "{{ config(materialized='table') }}
select item, sum(amount::numeric) as total from {{ source('shop', 'orders') }} group by item\n",
    ),
    (
        "transform/models/bad.sql",
        "{{ config(materialized='table') }}\nselect 1 / (count(*) - 3) as nothing from {{ source('shop', 'orders') }}\n",
    ),
];

/// The project, with a database of its own.
struct Project {
    folder: TempDir,
    database: Database<'static>,
}

impl Project {
    fn new() -> Self {
        let folder = TempDir::new().expect("a folder");
        for (path, text) in FILES {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }
        for name in ["tap-csv", "target-postgres"] {
            symlink(melisma(), folder.path().join(name)).expect("linked");
        }
        // It notes the variables that it gets, and is dbt.
        let dbt = python("python-dbt").with_file_name("dbt");
        let script = format!(
            "#!/bin/sh\nenv > \"variables of $1\"\nexec '{}' \"$@\"\n",
            dbt.display()
        );
        let path = folder.path().join("dbt");
        fs::write(&path, script).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
        Self {
            folder,
            database: server().database(),
        }
    }

    fn command(&self, program: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        let database = &self.database;
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", self.folder.path().join("home"))
            .env("MELTANO_SEND_ANONYMOUS_USAGE_STATS", "false")
            .env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")
            .env("DATABASE_URL", database.url())
            .env("DATABASE_HOST", database.host())
            .env("DATABASE_PORT", database.port().to_string())
            .env("DATABASE_USER", database.user())
            .env("DATABASE_PASSWORD", database.password())
            .env("DATABASE_NAME", database.name());
        command
    }

    fn melisma(&self, args: &[&str]) -> Outcome {
        run(&mut self.command(melisma(), args), b"")
    }

    fn totals(&self) -> String {
        self.database
            .sql("select item, total from analytics.totals order by item")
    }

    /// The variables that are about the project, of one command of dbt.
    fn variables(&self, command: &str) -> Vec<String> {
        let text =
            fs::read_to_string(self.folder.path().join(format!("variables of {command}"))).expect("noted");
        let own = self.folder.path().to_str().expect("UTF-8");
        let text = text
            .replace(own, "<project>")
            .replace(self.database.name(), "<database>");
        let is_told = |line: &&str| line.starts_with("DBT_") || line.starts_with("MELTANO_");
        // What docs/meltano.md lists.
        let differs = |line: &&str| {
            line.starts_with("MELTANO_USER_AGENT=") || line.starts_with("MELTANO_PARENT_CONTEXT_UUID=")
        };
        let mut lines: Vec<String> = text
            .lines()
            .filter(is_told)
            .filter(|line| !differs(line))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    }
}

fn meltano() -> PathBuf {
    python("python-meltano").with_file_name("meltano")
}

#[test]
fn a_job_loads_and_transforms_and_tests_as_meltano_does() {
    let ours = Project::new();
    let outcome = ours.melisma(&["run", "nightly"]).ok();
    assert_eq!(ours.totals(), "cake|5\ntea|6");
    for said in [
        "dbt-postgres:run completed",
        "dbt-postgres:test completed",
        "PASS=2",
    ] {
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    let theirs = Project::new();
    run(&mut theirs.command(&meltano(), &["run", "nightly"]), b"").ok();
    assert_eq!(theirs.totals(), ours.totals());
    for command in ["run", "test"] {
        assert_eq!(ours.variables(command), theirs.variables(command), "{command}");
    }
}

/// dbt ends with 1 when a model fails, and so does the run; the load before it stays, and the test after it is not run.
#[test]
fn a_model_that_fails_ends_the_run() {
    let project = Project::new();
    let mut command = project.command(melisma(), &["run", "broken"]);
    run(command.env("WITH_BAD", "yes"), b"").fails(
        1,
        &[
            "division by zero",
            "dbt-postgres:bad failed (exit code 1)",
            "1 block was not run",
        ],
    );
    assert_eq!(project.database.sql("select count(*) from tap_csv.orders"), "3");
    assert!(!project.folder.path().join("variables of test").exists());
}
