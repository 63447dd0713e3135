"""A tap on the original singer-python: a space after each comma and colon, an own envelope order, versions."""

import datetime

import singer

SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": {"type": ["null", "string"]},
        "price": {"type": ["null", "number"]},
        "seen": {"type": ["null", "string"], "format": "date-time"},
        "tags": {"type": ["null", "array"], "items": {"type": "string"}},
    },
}

version = 1_700_000_000_000
seen = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
singer.write_schema("items", SCHEMA, ["id"], bookmark_properties=["seen"])
singer.write_version("items", version)
for n in range(3000):
    record = {"id": n, "name": f"näme {n}", "price": n / 16, "seen": seen.isoformat(), "tags": ["a", "ü"][: n % 3]}
    singer.write_message(singer.RecordMessage(stream="items", record=record, version=version, time_extracted=seen))
    if n % 500 == 499:
        singer.write_state({"bookmarks": {"items": {"offset": {"id": n}, "version": version, "ratio": n / 3}}, "currently_syncing": "items"})
singer.write_version("items", version)
singer.write_state({"bookmarks": {"items": {"id": n, "ratio": 0.1}}, "currently_syncing": None})
