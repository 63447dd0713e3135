"""A tap for CSV files on the Meltano SDK, in the way of MeltanoLabs' tap-csv, which is in no package: every value is a text."""

import csv

import singer_sdk
from singer_sdk import typing as th


class File(singer_sdk.Stream):
    """The rows of a file."""

    @property
    def schema(self):
        with open(self.config["path"], newline="") as file:
            names = next(csv.reader(file))
        return th.PropertiesList(*[th.Property(name, th.StringType) for name in names]).to_dict()

    def get_records(self, context):
        with open(self.config["path"], newline="") as file:
            yield from csv.DictReader(file)


class Tap(singer_sdk.Tap):
    """The tap."""

    name = "tap-csv-sdk"
    config_jsonschema = th.PropertiesList(
        th.Property("path", th.StringType, required=True),
        th.Property("entity", th.StringType, required=True),
        th.Property("keys", th.ArrayType(th.StringType)),
    ).to_dict()

    def discover_streams(self):
        stream = File(self, name=self.config["entity"])
        stream.primary_keys = self.config.get("keys", [])
        return [stream]


Tap.cli()
