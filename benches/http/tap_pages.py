"""The tap of pages.py on the Meltano SDK, to measure beside tap-rest."""

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BaseHATEOASPaginator
from singer_sdk.streams import RESTStream
from urllib.parse import parse_qsl


class Link(BaseHATEOASPaginator):
    def get_next_url(self, response):
        return response.links.get("next", {}).get("url")


class Customers(RESTStream):
    name = "customers"
    path = "/customers"
    primary_keys = ("id",)
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("name", th.StringType),
        th.Property("email", th.StringType),
        th.Property("updated_at", th.DateTimeType),
        th.Property("balance", th.NumberType),
        th.Property("active", th.BooleanType),
        th.Property("address", th.ObjectType(
            th.Property("street", th.StringType), th.Property("city", th.StringType), th.Property("zip", th.StringType))),
        th.Property("tags", th.ArrayType(th.StringType)),
    ).to_dict()

    @property
    def url_base(self):
        return self.config["url"]

    def get_new_paginator(self):
        return Link()

    def get_url_params(self, context, token):
        return dict(parse_qsl(token.query)) if token else {}


class TapPages(Tap):
    name = "tap-pages"
    config_jsonschema = th.PropertiesList(th.Property("url", th.StringType, required=True)).to_dict()

    def discover_streams(self):
        return [Customers(self)]


if __name__ == "__main__":
    TapPages.cli()
