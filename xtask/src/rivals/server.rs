//! The server of the jobs with tables: the one that `cargo xtask bench` measures with.

use std::path::Path;
use std::process::Command;

use melisma_testing::postgres::Server;

use crate::bench::postgres::{quote, server};
use crate::{Result, sh};

/// The schema that tables arrive in.
pub(super) const INTO: &str = "arrived";

/// A running server, which ends with this value.
pub(super) struct Database {
    server: Server,
    pub(super) port: u16,
    /// Its name is its password, too: pipelinewise's connectors take none that needs quotes.
    pub(super) user: &'static str,
    pub(super) url: String,
    /// psql as a command line.
    pub(super) psql: String,
}

impl Database {
    pub(super) fn start() -> Result<Self> {
        let server = server();
        server.psql("postgres", "create role plain superuser login password 'plain'");
        let port = server.port();
        let url = format!("postgresql://plain:plain@127.0.0.1:{port}/postgres");
        let own = server.installation().bin.join("psql");
        let psql = if own.is_file() { own } else { "psql".into() };
        Ok(Self {
            psql: format!("{} {url} -Xq -v ON_ERROR_STOP=1", quote(&psql)?),
            server,
            port,
            user: "plain",
            url,
        })
    }

    /// Makes `source.lineitem` of a CSV file, with the types that TPC-H has.
    pub(super) fn fill(&self, csv: &Path) -> Result {
        self.server.psql(
            "postgres",
            "drop schema if exists source cascade; create schema source;
             create table source.lineitem (
                l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber integer,
                l_quantity numeric(15, 2), l_extendedprice numeric(15, 2), l_discount numeric(15, 2), l_tax numeric(15, 2),
                l_returnflag char(1), l_linestatus char(1), l_shipdate date, l_commitdate date, l_receiptdate date,
                l_shipinstruct varchar(25), l_shipmode varchar(10), l_comment varchar(44),
                primary key (l_orderkey, l_linenumber))",
        );
        let copy = format!(
            "{} -c \"\\\\copy source.lineitem from {} (format csv, header)\" -c 'vacuum analyze source.lineitem'",
            self.psql,
            quote(csv)?
        );
        sh::run(Command::new("sh").args(["-c", &copy]))
    }
}
