"""The answer of a TPC-H query by DuckDB over the CSV file itself: tpch_query.py LINEITEM.csv.gz QUERY.sql

Money is DECIMAL, so sums are exact. Prints a JSON list of rows; numbers as text.
"""

import json
import sys

import duckdb

source, query = sys.argv[1:]
decimals = ", ".join(f"'{name}': 'DECIMAL(12,2)'" for name in ["l_quantity", "l_extendedprice", "l_discount", "l_tax"])
db = duckdb.connect()
db.sql(f"create view lineitem as select * from read_csv('{source}', header=true, types={{{decimals}}})")
with open(query, encoding="utf-8") as file:
    rows = db.sql(file.read()).fetchall()
print(json.dumps([[str(value) for value in row] for row in rows]))
