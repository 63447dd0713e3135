"""APIs in the shapes that published configurations of tap-rest-api-msdk are for. Prints its port.

Each client (its User-Agent) gets the same answers, a 429 before the second page of /v1/clients included.
"""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

BASIC = "Basic " + base64.b64encode(b"me:s3cr3t-{word}").decode()
limited = set()


def stamp(n):
    return f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z"


def orders():
    for n in range(25):
        customer = {"Name": f"c{n % 3} é", "Address": {"City-Code": n % 5, "Street.No": n + 0.5}, "Tags": {}}
        lines = [{"Sku": f"s{n}", "Count": n, "Price": 1e16}, {"Sku": "x", "Count": None}]
        yield {"Id": n, "Modified": stamp(n), "Customer": customer, "Lines": lines, "Note": None if n % 2 else "n"}


def clients():
    for n in range(7):
        yield {"id": n, "name": f"client {n}", "updated_at": stamp(n * 3), "score": n if n < 5 else n + 0.25}


def patients():
    for n in range(5):
        yield {"resource": {"id": f"p{n}", "meta": {"lastUpdated": stamp(n)}, "name": [{"family": f"f{n}"}]}}


def events():
    for n in range(40):
        yield {"id": n, "at": stamp(n), "kind": {"code": n % 2 == 0}}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def do_POST(self):
        fields = {name: values[0] for name, values in parse_qs(self.body().decode()).items()}
        wanted = {"grant_type": "client_credentials", "client_id": "me", "client_secret": "s3cr3t", "scope": "read"}
        if urlparse(self.path).path != "/token" or fields != wanted or self.headers["X-Tenant"] != "acme":
            return self.answer(401, {"error": "invalid_client"})
        return self.answer(200, {"access_token": "t0ken-1", "expires_in": 3600})

    def do_GET(self):
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        body = self.body()
        route = getattr(self, "get_" + url.path.strip("/").replace("/", "_").lower(), None)
        if route is None:
            return self.answer(404, {"error": "not found", "path": self.path})
        return route(query, json.loads(body) if body else None)

    def get_orders(self, query, _):
        """Offsets from 0, basic authentication."""
        if self.headers["Authorization"] != BASIC:
            return self.answer(401, {"error": "who are you"})
        offset, limit = int(query.get("offset", 0)), int(query.get("limit", 5))
        if query.get("sort") != "asc" or query.get("order_by") != "Modified":
            return self.answer(400, {"error": "no order"})
        return self.answer(200, {"data": list(orders())[offset : offset + limit]})

    def get_v1_clients(self, query, _):
        """Pages by number, with a flag that says always that there are more; a wait is asked for once."""
        if self.headers["Authorization"] != "Bearer t0ken":
            return self.answer(401, {"error": "who are you"})
        page, size = int(query.get("page", 1)), int(query.get("per_page", 50))
        agent = self.headers["User-Agent"]
        if page == 2 and agent not in limited:
            limited.add(agent)
            return self.answer(429, {"message": "slow down"}, [("X-Wait", "1")])
        return self.answer(200, {"page": True, "items": list(clients())[(page - 1) * size : page * size]})

    def get_api(self, query, _):
        """One answer that several streams are cut from."""
        if self.headers["x-key"] != "K" or query.get("date") != "2026-01-31":
            return self.answer(403, {"error": "no"})
        sites = [[{"site": f"{a}{s}", "value": s / 4} for s in range(2)] for a in range(3)]
        areas = [{"code": a, "day": "2026-01-31", "children": sites[a], "open": a == 1} for a in range(3)]
        return self.answer(200, {"data": areas, "info": {"count": 3}})

    def get_patient(self, query, _):
        """Links in the body, with the host of this server."""
        start, count = int(query.get("start", 0)), int(query["_count"])
        found = [p for p in patients() if p["resource"]["meta"]["lastUpdated"] > query.get("_lastUpdated", "gt")[2:]]
        links = [{"relation": "self", "url": "x"}]
        if start + count < len(found):
            rest = "&".join(f"{name}={query[name]}" for name in query if name != "start")
            url = f"http://{self.headers['Host']}/Patient?start={start + count}&{rest}"
            links.append({"relation": "next", "url": url})
        return self.answer(200, {"entry": found[start : start + count], "link": links})

    def get_events(self, query, _):
        """Tokens, OAuth 2.0, and a parameter that asks for what is new."""
        if self.headers["Authorization"] != "Bearer t0ken-1":
            return self.answer(401, {"error": "who are you"})
        since = query.get("since", "after ")[6:]
        found = [e for e in events() if e["at"] >= since]
        start = int(query.get("cursor", 0))
        following = start + 15 if start + 15 < len(found) else None
        return self.answer(200, {"results": found[start : start + 15], "paging": {"next": following}})

    def get_search(self, _, body):
        """Parameters in the body, an offset and a total in one object."""
        since = body["query"]["range"]["at"]["gte"]
        found = [e for e in events() if e["at"] >= since]
        start, size = int(body.get("from", 1)), int(body["size"])
        page = {"offset": start, "limit": size, "total": len(found)}
        return self.answer(200, {"hits": {"hits": found[start - 1 : start - 1 + size], "page": page}})

    def get_status(self, query, _):
        """One object."""
        return self.answer(200, {"id": 1, "state": {"up": True}, "query": query})

    def get_repos(self, query, _):
        """Links in a header. tap-rest-api-msdk reads neither the first nor the last parameter of a link right."""
        if self.headers["X-Key"] != "k3y-value":
            return self.answer(401, {"error": "who are you"})
        page, size = int(query.get("page", 1)), int(query.get("per_page", 30))
        found = [{"id": n, "updated_at": stamp(n)} for n in range(9)][(page - 1) * size : page * size]
        rest = f"sort=name&per_page={size}&page={page + 1}&direction=asc"
        link = f'<http://{self.headers["Host"]}/repos?{rest}>; rel="next"'
        return self.answer(200, found, [("Link", link)] if page * size < 9 else [])


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
