"""DuckDB by itself, beside target-duckdb and tap-duckdb; the commands are in docs/target-duckdb.md.

    duckdb_jobs.py records LINES FILE           the records of RECORD lines, as JSON lines
    duckdb_jobs.py read-json FILE DATABASE      JSON lines into a table
    duckdb_jobs.py to-postgres DATABASE URL     the table into a new one of PostgreSQL, by DuckDB's extension
    duckdb_jobs.py from-postgres URL DATABASE   the table of PostgreSQL into a new one, by the extension
    duckdb_jobs.py to-csv DATABASE FILE         the table as CSV
    duckdb_jobs.py from-csv FILE DATABASE       CSV into a table of the types that TPC-H has

The table is lineitem; in PostgreSQL it is in the schema that FROM and INTO name.
"""

import os
import pathlib
import sys

FROM, INTO = os.environ.get("FROM", "source"), os.environ.get("INTO", "arrived")
TYPES = """l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber integer, l_quantity decimal(15, 2),
    l_extendedprice decimal(15, 2), l_discount decimal(15, 2), l_tax decimal(15, 2), l_returnflag varchar, l_linestatus varchar,
    l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct varchar, l_shipmode varchar, l_comment varchar"""


def records(lines, file):
    before, after = b'{"type":"RECORD","stream":"lineitem","record":', b',"time_extracted"'
    with open(lines, "rb") as lines, open(file, "wb") as file:
        file.writelines(
            line[len(before) : line.rindex(after)] + b"\n" for line in lines if line.startswith(before)
        )


def run(database, *statements):
    import duckdb

    with duckdb.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)


def postgres(url):
    """The statements that load the extension, which the package duckdb-extension-postgres-scanner has, and open a server."""
    import duckdb
    import duckdb_extension_postgres_scanner as package

    folder = pathlib.Path(package.__file__).parent / "extensions" / f"v{duckdb.__version__}"
    return [f"load '{folder}/postgres_scanner.duckdb_extension'", f"attach '{url}' as server (type postgres)"]


def main(job, source, into):
    if job == "records":
        records(source, into)
    elif job == "read-json":
        run(into, f"create table lineitem as from read_json('{source}', format='newline_delimited')")
    elif job == "to-postgres":
        run(source, *postgres(into), f"create table server.{INTO}.lineitem as from lineitem")
    elif job == "from-postgres":
        run(into, *postgres(source), f"create table lineitem as from server.{FROM}.lineitem")
    elif job == "to-csv":
        run(source, f"copy lineitem to '{into}' (format csv, header)")
    elif job == "from-csv":
        run(into, f"create table lineitem ({TYPES})", f"copy lineitem from '{source}' (format csv, header)")
    else:
        sys.exit(__doc__)


main(*sys.argv[1:4])
