"""Checks that Parquet or JSONL files hold the rows and values of a CSV file: same_rows.py [--any-order] CSV FILE...

DuckDB compares them as sets, both ways; for Parquet pyarrow, a second reader, compares value by value in order, unless
the rows may be in any.
Columns whose name starts with _sdc_ are left out.
"""

import csv
import datetime
import decimal
import gzip
import sys

import duckdb
import pyarrow as pa
import pyarrow.parquet


def with_duckdb(source, files):
    db = duckdb.connect()
    reader = "read_parquet" if files[0].endswith(".parquet") else "read_json"
    written = db.sql(f"select * from {reader}({files!r})")
    columns = [name for name in written.columns if not name.startswith("_sdc_")]
    listed = ", ".join(f'"{name}"' for name in columns)
    # The written types decide how the CSV is read: a column that lost its type would still compare, so types are checked too.
    types = {name: str(kind) for name, kind in zip(written.columns, written.types) if name in columns}
    db.sql(f"create table written as select {listed} from {reader}({files!r})")
    spelled = ", ".join(f"'{name}': '{kind}'" for name, kind in types.items())
    db.sql(f"create table source as select {listed} from read_csv('{source}', header=true, columns={{{spelled}}}, nullstr='<null>')")
    for a, b in [("source", "written"), ("written", "source")]:
        missing = db.sql(f"select * from {a} except all select * from {b} limit 3").fetchall()
        if missing:
            sys.exit(f"in {a}, not in {b}: {missing}")
    guessed = db.sql(f"describe select * from read_csv('{source}', header=true)").fetchall()
    for name, kind, *_ in guessed:
        if kind == "BIGINT" and types[name] not in ("BIGINT",) or kind == "DATE" and types[name] != "DATE":
            sys.exit(f"{name} is {types[name]}, DuckDB reads {kind} from the CSV")
    return db.sql("select count(*) from written").fetchall()[0][0], types


def text(value):
    """A value as a CSV file spells it, so that the comparison is of values and not of spellings."""
    if value is None:
        return ""
    if isinstance(value, (datetime.date, str)):
        return str(value)
    return decimal.Decimal(str(value)).normalize()


def with_pyarrow(source, files):
    table = pa.concat_tables([pyarrow.parquet.read_table(file) for file in files])
    opened = gzip.open if source.endswith(".gz") else open
    with opened(source, "rt", newline="", encoding="utf-8") as file:
        expected = list(csv.DictReader(file))
    rows = table.to_pylist()
    if len(rows) != len(expected):
        sys.exit(f"{len(rows)} rows, expected {len(expected)}")
    for number, (row, want) in enumerate(zip(rows, expected)):
        for name, cell in want.items():
            found = text(row[name])
            if isinstance(found, decimal.Decimal):
                cell = decimal.Decimal(cell).normalize()
            if found != cell:
                sys.exit(f"row {number}, {name}: {found!r}, expected {cell!r}")


any_order = sys.argv[1] == "--any-order"
source, *files = sys.argv[2 if any_order else 1 :]
rows, types = with_duckdb(source, files)
if files[0].endswith(".parquet") and not any_order:
    with_pyarrow(source, files)
print(f"same: {rows} rows, {types}")
