"""A target of the Meltano SDK: rows into SQLite."""

import datetime
import decimal
import json

from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget
from singer_sdk import typing as th


class Connector(SQLConnector):
    """SQLite, as the SDK sees it by itself."""


class Sink(SQLSink):
    """Rows into a table."""

    connector_class = Connector

    def preprocess_record(self, record, context):
        """SQLite has fewer types than Python: objects and lists become JSON, decimals floats, times texts."""

        def plain(value):
            if isinstance(value, decimal.Decimal):
                return float(value)
            if isinstance(value, datetime.time):
                return value.isoformat()
            return json.dumps(value, default=float) if isinstance(value, (dict, list)) else value

        return {name: plain(value) for name, value in record.items()}


class Target(SQLTarget):
    """The target."""

    name = "target-sdk"
    default_sink_class = Sink
    config_jsonschema = th.PropertiesList(
        th.Property("sqlalchemy_url", th.StringType, required=True),
    ).to_dict()


Target.cli()
