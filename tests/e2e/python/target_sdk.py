"""A target of the Meltano SDK: rows into SQLite."""

from singer_sdk import SQLConnector, SQLSink, SQLTarget
from singer_sdk import typing as th


class Connector(SQLConnector):
    """SQLite, as the SDK sees it by itself."""


class Sink(SQLSink):
    """Rows into a table."""

    connector_class = Connector


class Target(SQLTarget):
    """The target."""

    name = "target-sdk"
    default_sink_class = Sink
    config_jsonschema = th.PropertiesList(
        th.Property("sqlalchemy_url", th.StringType, required=True),
    ).to_dict()


Target.cli()
