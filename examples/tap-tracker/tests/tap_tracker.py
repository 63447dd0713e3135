"""The same tap on the Meltano SDK, to compare with."""

from __future__ import annotations

from urllib.parse import parse_qsl

from singer_sdk import Tap
from singer_sdk import typing as th
from singer_sdk.authenticators import OAuthAuthenticator, SingletonMeta
from singer_sdk.pagination import BaseHATEOASPaginator
from singer_sdk.streams import RESTStream


class Auth(OAuthAuthenticator, metaclass=SingletonMeta):
    @property
    def oauth_request_body(self):
        return {"client_id": self.client_id, "client_secret": self.client_secret}


class Link(BaseHATEOASPaginator):
    def get_next_url(self, response):
        return response.links.get("next", {}).get("url")


class TrackerStream(RESTStream):
    extra_retry_statuses = (401, 429)

    @property
    def url_base(self):
        return self.config["url"]

    @property
    def authenticator(self):
        c = self.config
        return Auth(client_id=c["client_id"], client_secret=c["client_secret"], auth_endpoint=f"{c['url']}/token")

    def get_new_paginator(self):
        return Link()

    def get_url_params(self, context, token):
        if token:
            return dict(parse_qsl(token.query))
        params = {"page": 1}
        if self.replication_key and (since := self.get_starting_replication_key_value(context)):
            params["since"] = since
        return params

    def backoff_wait_generator(self):
        def wait(error):
            response = getattr(error, "response", None)
            return int(response.headers.get("Retry-After", 0)) if response is not None else 0

        return self.backoff_runtime(value=wait)

    def backoff_max_tries(self):
        return 8


class Projects(TrackerStream):
    name = "projects"
    path = "/projects"
    primary_keys = ("id",)
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("name", th.StringType),
        th.Property("owner", th.ObjectType(th.Property("login", th.StringType), th.Property("email", th.StringType))),
        th.Property("archived", th.BooleanType),
    ).to_dict()

    def get_child_context(self, record, context):
        return {"project_id": record["id"]}


class Issues(TrackerStream):
    name = "issues"
    path = "/projects/{project_id}/issues"
    primary_keys = ("id",)
    replication_key = "updated_at"
    is_sorted = True
    parent_stream_type = Projects
    schema = th.PropertiesList(
        th.Property("project_id", th.IntegerType, required=True),
        th.Property("id", th.IntegerType, required=True),
        th.Property("title", th.StringType),
        th.Property("updated_at", th.DateTimeType),
        th.Property("labels", th.ArrayType(th.StringType)),
        th.Property("estimate", th.NumberType),
    ).to_dict()


class Events(TrackerStream):
    name = "events"
    path = "/events"
    primary_keys = ("id",)
    replication_key = "updated_at"
    is_sorted = True
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType, required=True),
        th.Property("kind", th.StringType),
        th.Property("updated_at", th.DateTimeType),
    ).to_dict()


class TapTracker(Tap):
    name = "tap-tracker"
    config_jsonschema = th.PropertiesList(
        th.Property("url", th.StringType, required=True),
        th.Property("client_id", th.StringType, required=True),
        th.Property("client_secret", th.StringType, required=True, secret=True),
        th.Property("start_date", th.DateTimeType),
    ).to_dict()

    def discover_streams(self):
        return [Projects(self), Issues(self), Events(self)]


if __name__ == "__main__":
    TapTracker.cli()
