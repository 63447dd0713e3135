//! Syncs one stream by the replication method that the catalog chose.

use melisma_postgres::{Server, Session};
use melisma_sdk::{Error, Method, Output, Result};

use crate::columns::Columns;
use crate::config::Config;
use crate::discovery::Table;
use crate::query::Query;
use crate::{full_table, incremental};

/// Reads a stream.
pub(crate) fn stream(
    table: &Table,
    server: &Server,
    session: &mut Session,
    settings: &Config,
    output: &mut Output<'_>,
) -> Result<()> {
    let doing = format!("cannot read {}", table.quoted_name());
    let options = settings.stream_options.get(output.stream());
    let mut query = Query {
        table,
        columns: Columns::new(table, output, settings),
        copied: None,
        clauses: options.map_or(&[], |options| &options.custom_where_clauses),
        limit: settings.max_record_count,
        doing: &doing,
    };
    match output.replication_method() {
        Method::FullTable => full_table::read(&mut query, server, session, settings, output),
        Method::Incremental => {
            full_table::start_over(output)?;
            query.limit = [settings.max_record_count, settings.limit]
                .into_iter()
                .flatten()
                .min();
            incremental::read(&query, server, session, settings, output)
        }
        Method::LogBased => Err(Error::config("replication method: LOG_BASED is not there yet")),
    }
}
