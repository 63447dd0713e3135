//! The server, its tables, and the command lines.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use melisma_testing::postgres::{Options, Server};
use serde_json::json;

use super::super::corpora::{Corpora, release};
use crate::{Result, sh};

/// One server, whose commits wait for the disk, with room enough that checkpoints do not fall at random.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "1GB"),
    ("max_wal_size", "16GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
];

/// A server with these settings.
pub(crate) fn server() -> Server {
    let settings = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Server::start(&Options {
        settings: settings.to_vec(),
        durable: true,
        ..Options::default()
    })
}

pub(crate) struct Bench<'c> {
    pub(super) corpora: &'c Corpora,
    pub(super) server: Server,
    folder: PathBuf,
}

impl<'c> Bench<'c> {
    pub(super) fn new(corpora: &'c Corpora) -> Result<Self> {
        let server = server();
        let folder = corpora.folder.join("postgres");
        fs::create_dir_all(&folder).map_err(|e| format!("cannot create {}: {e}", folder.display()))?;
        let bench = Self {
            corpora,
            server,
            folder,
        };
        let url = bench.server.url("postgres");
        let password_file = bench.folder.join("pgpass");
        bench.write(
            "pgpass",
            &format!(
                "*:*:*:*:{}\n",
                melisma_testing::postgres::PASSWORD.replace(':', "\\:")
            ),
        )?;
        fs::set_permissions(&password_file, fs::Permissions::from_mode(0o600))
            .map_err(|e| format!("cannot close {}: {e}", password_file.display()))?;
        for (schema, method) in [
            ("append", "append"),
            ("keyed", "append-only"),
            ("upsert", "upsert"),
            ("pair", "append"),
        ] {
            let config = json!({
                "sqlalchemy_url": url, "default_target_schema": schema, "add_record_metadata": false,
                "load_method": method,
            });
            bench.write(&format!("{schema}.json"), &config.to_string())?;
        }
        let tap = json!({"sqlalchemy_url": url, "filter_schemas": ["source"]});
        bench.write("tap.json", &tap.to_string())?;
        Ok(bench)
    }

    /// Loads every table once, with our target, and gives psql tables of the same columns.
    pub(super) fn prepare(&self) -> Result {
        for schema in ["append", "upsert", "pair"] {
            self.shell(&self.target(schema)?)?;
        }
        let key = "primary key (l_orderkey, l_linenumber)";
        self.server.psql(
            "postgres",
            &format!(
                "create schema theirs; create schema source;
                 create table theirs.lineitem (like append.lineitem);
                 create table theirs.keyed (like append.lineitem, {key});
                 create table theirs.upsert (like append.lineitem, {key});
                 create table source.lineitem (like append.lineitem, {key});
                 insert into source.lineitem select * from append.lineitem;
                 insert into theirs.upsert select * from append.lineitem;
                 vacuum analyze;"
            ),
        );
        Ok(())
    }

    /// psql connected to the server.
    pub(super) fn psql(&self, arguments: &str) -> String {
        let own = self.server.installation().bin.join("psql");
        let psql = if own.is_file() { own } else { "psql".into() };
        format!(
            "PGPASSFILE={} PGHOST=127.0.0.1 PGPORT={} PGUSER=melisma PGDATABASE=postgres {} -Xq -v ON_ERROR_STOP=1 {arguments}",
            self.folder.join("pgpass").display(),
            self.server.port(),
            psql.display(),
        )
    }

    /// Our target with the settings of this name, fed by what tap-csv says.
    pub(super) fn target(&self, config: &str) -> Result<String> {
        let singer = quote(&self.corpora.singer)?;
        Ok(format!(
            "{} < {singer} > /dev/null 2> {}",
            self.plugin("target-postgres", config)?,
            self.log()?
        ))
    }

    /// Our tap reading `source.lineitem`.
    pub(super) fn tap(&self) -> Result<String> {
        Ok(format!(
            "{} 2> {}",
            self.plugin("tap-postgres", "tap")?,
            self.log()?
        ))
    }

    /// Our tap into our target, by their names as users have them.
    pub(super) fn pair(&self) -> Result<String> {
        let plugin = |name: &str, config: &str| -> Result<String> {
            Ok(format!("{name} --config {}", quote(&self.config(config))?))
        };
        let state = quote(&self.folder.join("state.json"))?;
        Ok(format!(
            "{} run --full-refresh --state {state} \"{}\" \"{}\" > /dev/null 2> {}",
            quote(&release("melisma"))?,
            plugin("tap-postgres", "tap")?,
            plugin("target-postgres", "pair")?,
            self.log()?
        ))
    }

    fn config(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    fn plugin(&self, name: &str, config: &str) -> Result<String> {
        let melisma = quote(&release("melisma"))?;
        Ok(format!(
            "{melisma} {name} --config {}",
            quote(&self.config(config))?
        ))
    }

    fn log(&self) -> Result<String> {
        quote(&self.folder.join("log"))
    }

    /// The CSV file as an SQL literal, which psql reads.
    pub(super) fn csv(&self) -> Result<String> {
        quote(&self.corpora.csv)
    }

    /// What psql does to update every row: a stage, and one statement.
    pub(super) fn upsert_sql(&self) -> Result<String> {
        let columns = self.server.psql(
            "postgres",
            "select string_agg(quote_ident(attname) || ' = excluded.' || quote_ident(attname), ', ')
             from pg_attribute where attrelid = 'theirs.upsert'::regclass and attnum > 0
             and attname not in ('l_orderkey', 'l_linenumber')",
        );
        let mut sql = "begin;\ncreate temp table stage (like theirs.upsert) on commit drop;\n".to_owned();
        let _ = writeln!(sql, "\\copy stage from {} (format csv, header)", self.csv()?);
        let _ = writeln!(
            sql,
            "insert into theirs.upsert select * from stage on conflict (l_orderkey, l_linenumber) do update set {columns};\ncommit;"
        );
        self.write("upsert.sql", &sql)?;
        quote(&self.folder.join("upsert.sql"))
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.folder.join(name);
        fs::write(&path, text).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        Ok(path)
    }

    /// Runs a line; its log is part of the error when it fails.
    pub(super) fn shell(&self, line: &str) -> Result {
        sh::run(Command::new("sh").args(["-c", line])).map_err(|e| {
            format!(
                "{e}\n{}",
                fs::read_to_string(self.folder.join("log")).unwrap_or_default()
            )
        })
    }
}

/// A path as a word of the shell.
pub(crate) fn quote(path: &Path) -> Result<String> {
    let text = path.to_str().ok_or("a path that is not UTF-8")?;
    Ok(format!("'{}'", text.replace('\'', r"'\''")))
}
