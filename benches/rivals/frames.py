"""DuckDB and Polars: the jobs of `cargo xtask rivals`, as their documentation does them.

    frames.py duckdb|polars csv-to-jsonl|csv-to-parquet|singer-to-parquet INPUT FOLDER
    frames.py polars postgres-to-postgres URL TABLE
"""

import sys

INTEGERS = ["l_orderkey", "l_partkey", "l_suppkey", "l_linenumber"]
NUMBERS = ["l_quantity", "l_extendedprice", "l_discount", "l_tax"]
DATES = ["l_shipdate", "l_commitdate", "l_receiptdate"]
NAMES = [*INTEGERS, *NUMBERS, "l_returnflag", "l_linestatus", *DATES, "l_shipinstruct", "l_shipmode", "l_comment"]


def of_duckdb(name):
    if name in INTEGERS:
        return "BIGINT"
    return "DOUBLE" if name in NUMBERS else "DATE" if name in DATES else "VARCHAR"


def duckdb(job, source, folder):
    import duckdb

    lineitem = "STRUCT(" + ", ".join(f"{name} {of_duckdb(name)}" for name in NAMES) + ")"
    messages = f"read_json('{source}', format='newline_delimited', columns={{type: 'VARCHAR', record: '{lineitem}'}})"
    statement = {
        "csv-to-jsonl": f"copy (from read_csv('{source}')) to '{folder}/lineitem.jsonl' (format json)",
        "csv-to-parquet": f"copy (from read_csv('{source}')) to '{folder}/lineitem.parquet' (format parquet, compression zstd)",
        "singer-to-parquet": f"copy (select record.* from {messages} where type = 'RECORD') "
        f"to '{folder}/lineitem.parquet' (format parquet, compression zstd)",
    }
    duckdb.sql(statement[job])


def polars(job, source, where):
    import polars as pl

    if job == "csv-to-jsonl":
        pl.scan_csv(source, try_parse_dates=True).sink_ndjson(f"{where}/lineitem.jsonl")
    elif job == "csv-to-parquet":
        pl.scan_csv(source, try_parse_dates=True).sink_parquet(f"{where}/lineitem.parquet", compression="zstd")
    elif job == "singer-to-parquet":
        kind = lambda name: pl.Int64 if name in INTEGERS else pl.Float64 if name in NUMBERS else pl.String
        record = pl.Struct({name: kind(name) for name in NAMES})
        lines = pl.scan_ndjson(source, schema={"type": pl.String, "record": record})
        rows = lines.filter(pl.col("type") == "RECORD").select(pl.col("record")).unnest("record")
        rows = rows.with_columns(pl.col(DATES).str.to_date())
        rows.sink_parquet(f"{where}/lineitem.parquet", compression="zstd")
    elif job == "postgres-to-postgres":
        rows = pl.read_database_uri("select * from source.lineitem", source, engine="connectorx")
        rows.write_database(where, source, engine="adbc", if_table_exists="replace")


{"duckdb": duckdb, "polars": polars}[sys.argv[1]](*sys.argv[2:])
