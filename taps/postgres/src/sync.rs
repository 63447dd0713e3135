//! Reading one stream.

use melisma_postgres::{Server, identifier};
use melisma_sdk::{Output, Result};

use crate::columns::Columns;
use crate::copy::copy;
use crate::discovery::Table;
use crate::settings::Settings;

/// Reads a stream by the method that the catalog chose.
pub(crate) fn stream(
    table: &Table,
    server: &Server,
    settings: &Settings,
    output: &mut Output<'_>,
) -> Result<()> {
    let columns = Columns::new(table, output, settings);
    let mut client = server.connect()?;
    let query = format!(
        "select {} from {}.{} as t",
        columns.list,
        identifier(&table.schema),
        identifier(&table.name)
    );
    copy(&mut client, &query, "cannot read the table", |tuple| {
        columns.write(tuple, output)
    })
}
