"""Says how many rows of lineitem have arrived, or 0 when they are not the rows of the CSV file.

    arrived.py expect FILE.csv EXPECTED.json
    arrived.py EXPECTED.json jsonl|parquet FOLDER
    arrived.py EXPECTED.json duckdb|sqlite DATABASE
    arrived.py EXPECTED.json postgres TABLE PSQL...

Tools write dates, decimals and column names in ways of their own, so sums are compared: of two keys, of the cents of the prices,
of the lengths of the comments, and the first and the last day.
"""

import json
import pathlib
import subprocess
import sys

SUMS = """select count(*), sum(cast({l_orderkey} as bigint)), sum(cast({l_partkey} as bigint)),
    sum(cast(round(cast({l_extendedprice} as {double}) * 100) as bigint)), sum(length({l_comment})),
    min(substr(cast({l_shipdate} as varchar), 1, 10)), max(substr(cast({l_shipdate} as varchar), 1, 10)) from {rows}"""
COLUMNS = ["l_orderkey", "l_partkey", "l_extendedprice", "l_comment", "l_shipdate"]


def of_files(reader):
    import duckdb

    found = {name.lower(): name for name, *_ in duckdb.sql(f"describe select * from {reader}").fetchall()}
    names = {column: f'"{found[column]}"' for column in COLUMNS}
    row = duckdb.sql(SUMS.format(rows=reader, double="double", **names)).fetchall()[0]
    return [value if isinstance(value, str) else int(value) for value in row]


def of_table(table, psql):
    names = {column: column for column in COLUMNS}
    sql = SUMS.format(rows=table, double="double precision", **names)
    out = subprocess.run([*psql, "-At", "-F", "\t", "-c", sql], check=True, capture_output=True, text=True).stdout
    values = out.strip().split("\t")
    return [int(value) for value in values[:5]] + values[5:]


def of_database(kind, path):
    names = {column: column for column in COLUMNS}
    if kind == "sqlite":
        import sqlite3

        row = sqlite3.connect(path).execute(SUMS.format(rows="lineitem", double="real", **names)).fetchone()
    else:
        import duckdb

        row = duckdb.connect(path, read_only=True).execute(SUMS.format(rows="lineitem", double="double", **names)).fetchone()
    return [value if isinstance(value, str) else int(value) for value in row]


def found(kind, where, rest):
    if kind == "postgres":
        return of_table(where, rest)
    if kind in ("duckdb", "sqlite"):
        return of_database(kind, where)
    files = sorted(path for path in pathlib.Path(where).rglob("*") if path.is_file())
    # What a tool writes about its loads is beside the rows.
    files = [str(path) for path in files if "_dlt" not in str(path) and path.name != "init"]
    if not files:
        raise FileNotFoundError(f"no file in {where}")
    reader = {"jsonl": "read_json({}, format='newline_delimited')", "parquet": "read_parquet({})"}[kind]
    return of_files(reader.format(files))


def main():
    if sys.argv[1] == "expect":
        rows = of_files(f"read_csv('{sys.argv[2]}')")
        pathlib.Path(sys.argv[3]).write_text(json.dumps(rows) + "\n")
        return
    expected = json.loads(pathlib.Path(sys.argv[1]).read_text())
    try:
        rows = found(sys.argv[2], sys.argv[3], sys.argv[4:])
    except Exception as error:
        print(0)
        print(f"arrived: {error}", file=sys.stderr)
        return
    if rows != expected:
        print(f"arrived: expected {expected}, found {rows}", file=sys.stderr)
    print(rows[0] if rows == expected else 0)


main()
