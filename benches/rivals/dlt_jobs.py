"""dlt: the jobs of `cargo xtask rivals`, as its documentation does them.

    dlt_jobs.py csv-to-jsonl|csv-to-parquet FILE.csv FOLDER
    dlt_jobs.py postgres-to-postgres URL SCHEMA pyarrow|connectorx
"""

import os
import pathlib
import sys
import tempfile

import dlt


def files(job, source, folder):
    from dlt.sources.filesystem import filesystem, read_csv

    source = pathlib.Path(source)
    os.environ["DESTINATION__FILESYSTEM__BUCKET_URL"] = pathlib.Path(folder).resolve().as_uri()
    os.environ["NORMALIZE__DATA_WRITER__DISABLE_COMPRESSION"] = "true"
    reader = filesystem(bucket_url=source.parent.resolve().as_uri(), file_glob=source.name) | read_csv()
    run(reader.with_name("lineitem"), "filesystem", "rows", job.removeprefix("csv-to-"))


def tables(url, schema, backend):
    from dlt.sources.sql_database import sql_database

    os.environ["DESTINATION__POSTGRES__CREDENTIALS"] = url
    # SQLAlchemy's own choice is a driver that dlt does not bring along.
    reads = url.replace("postgresql://", "postgresql+psycopg2://")
    source = sql_database(reads, schema="source", table_names=["lineitem"], backend=backend)
    run(source, "postgres", schema, None)


def run(source, destination, dataset, form):
    with tempfile.TemporaryDirectory() as home:
        pipeline = dlt.pipeline("rivals", pipelines_dir=home, destination=destination, dataset_name=dataset)
        pipeline.run(source, write_disposition="replace", loader_file_format=form).raise_on_failed_jobs()


if sys.argv[1] == "postgres-to-postgres":
    tables(*sys.argv[2:])
else:
    files(*sys.argv[1:])
