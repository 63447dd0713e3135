"""Reads a metrics endpoint as Prometheus does, with its own parser of the OpenMetrics format, and prints what it says.

usage: metrics_read.py URL

Prints JSON: the content type, and for each sample its name, labels and value; for each family its type and unit.
"""

import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families

with urllib.request.urlopen(sys.argv[1], timeout=60) as answer:
    content_type = answer.headers["Content-Type"]
    text = answer.read().decode()
families = list(text_string_to_metric_families(text))
print(json.dumps({
    "content_type": content_type,
    "families": {family.name: [family.type, family.unit] for family in families},
    "samples": [[sample.name, sample.labels, sample.value] for family in families for sample in family.samples],
}))
