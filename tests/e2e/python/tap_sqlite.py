"""A database tap on the real singer-sdk: its SQLTap, over a SQLite file that it fills first."""

import json
import os
import sqlite3
import tempfile

from singer_sdk import typing as th
from singer_sdk.sql import SQLConnector, SQLStream, SQLTap


class Connector(SQLConnector):
    def get_sqlalchemy_url(self, config):
        return f"sqlite:///{config['path']}"


class Stream(SQLStream):
    connector_class = Connector


class Tap(SQLTap):
    name = "tap-sqlite"
    default_stream_class = Stream
    config_jsonschema = th.PropertiesList(th.Property("path", th.StringType)).to_dict()


path = os.path.join(tempfile.mkdtemp(), "shop.db")
db = sqlite3.connect(path)
db.execute("create table customers (id integer primary key, name text not null, balance numeric, since date, vip boolean, score float)")
db.executemany(
    "insert into customers values (?, ?, ?, ?, ?, ?)",
    [(n, f"Name {n} é", n / 4, f"2025-01-{n % 28 + 1:02}", n % 2, n * 1.1 if n % 3 else None) for n in range(2500)],
)
db.commit()
db.close()
# A database tap selects nothing by itself.
catalog = json.loads(Tap(config={"path": path}).catalog_json_text)
for stream in catalog["streams"]:
    for entry in stream["metadata"]:
        entry["metadata"]["selected"] = True
Tap(config={"path": path}, catalog=catalog).sync_all()
