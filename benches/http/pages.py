"""Serves 100,000 records in pages of 500, with a Link header; prints its port. For measuring taps of HTTP APIs:

    python3 benches/http/pages.py 8080 &
    echo '{"definition": {"url": "http://127.0.0.1:8080", "pages": "link_header",
           "streams": {"customers": {"path": "/customers", "key": "id"}}}}' > rest.json
    time target/release/melisma tap-rest --config rest.json > /dev/null
    echo '{"url": "http://127.0.0.1:8080"}' > pages.json
    time target/python/bin/python benches/http/tap_pages.py --config pages.json > /dev/null
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

RECORDS, SIZE = 100_000, 500


def record(i):
    return {
        "id": i,
        "name": f"customer {i}",
        "email": f"user{i}@example.com",
        "updated_at": f"2026-01-01T{i // 3600 % 24:02}:{i // 60 % 60:02}:{i % 60:02}Z",
        "balance": i * 1.25,
        "active": i % 3 == 0,
        "address": {"street": f"{i} Main Street", "city": "Springfield", "zip": f"{i % 100000:05}"},
        "tags": ["a", "b"],
    }


PAGES = [
    json.dumps([record(i) for i in range(start, start + SIZE)]).encode() for start in range(0, RECORDS, SIZE)
]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *args):
        pass

    def do_GET(self):
        query = parse_qs(urlparse(self.path).query)
        page = int(query.get("page", ["1"])[0])
        self.send_response(200)
        if page < len(PAGES):
            self.send_header("Link", f'<http://127.0.0.1:{self.server.server_port}/customers?page={page + 1}>; rel="next"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(PAGES[page - 1])))
        self.end_headers()
        self.wfile.write(PAGES[page - 1])
        self.wfile.flush()


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
