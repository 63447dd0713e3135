"""A tap on the real singer-sdk, with what real taps send: nested values, text in many scripts, dates, decimals,
an incremental stream that checkpoints, one of partitions, and one that selects nothing special."""

import datetime
import decimal

import singer_sdk
from singer_sdk import typing as th

TEXTS = ["plain", "Ünïcödé", "日本語", "emoji 😀", 'quote " back \\ slash', "tab\tnew\nline", "", "\u2028 separator"]


class Orders(singer_sdk.Stream):
    name = "orders"
    primary_keys = ("id",)
    replication_key = "updated_at"
    is_sorted = True
    STATE_MSG_FREQUENCY = 1000
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("updated_at", th.DateTimeType, required=True),
        th.Property("total", th.NumberType),
        th.Property("note", th.StringType(max_length=100)),
        th.Property("paid", th.BooleanType),
        th.Property("day", th.DateType),
        th.Property("lines", th.ArrayType(th.ObjectType(
            th.Property("sku", th.StringType), th.Property("quantity", th.IntegerType)))),
        th.Property("address", th.ObjectType(
            th.Property("city", th.StringType), th.Property("zip", th.StringType))),
        th.Property("missing", th.StringType),
    ).to_dict()

    def get_records(self, context):
        start = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
        for n in range(5000):
            row = {
                "id": n,
                "updated_at": start + datetime.timedelta(seconds=n, microseconds=n % 7),
                "total": decimal.Decimal(n) / 8,
                "note": TEXTS[n % len(TEXTS)],
                "paid": None if n % 3 == 0 else n % 2 == 0,
                "day": (start + datetime.timedelta(days=n % 400)).date(),
                "lines": [{"sku": f"S{n}", "quantity": n % 5}] * (n % 3),
                "address": {"city": TEXTS[n % 4], "zip": f"{n:05}"},
            }
            if n % 10 == 0:
                row["missing"] = "here"
            yield row


class Visits(singer_sdk.Stream):
    name = "visits"
    primary_keys = ()
    replication_key = "at"
    schema = th.PropertiesList(
        th.Property("site", th.StringType), th.Property("at", th.IntegerType), th.Property("pages", th.NumberType),
    ).to_dict()
    partitions = [{"site": "one"}, {"site": "two"}]

    def get_records(self, context):
        for n in range(700):
            yield {"at": n * 7919 % 701, "pages": n + 0.25}


class Tap(singer_sdk.Tap):
    name = "tap-sdk"
    config_jsonschema = th.PropertiesList().to_dict()

    def discover_streams(self):
        return [Orders(self), Visits(self)]


Tap.cli()
