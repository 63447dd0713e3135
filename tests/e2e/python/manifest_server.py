"""APIs in the shapes that low-code manifests are for. Prints its port."""

import base64
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

failed = set()


def stamp(n):
    return f"2026-01-{1 + n // 24:02}T{n % 24:02}:00:00Z"


def rows(count, **more):
    return [{"id": n, "name": f"row {n}", "updated_at": stamp(n), **more} for n in range(count)]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, body, status=200, headers=()):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = url.path.strip("/").split("/")
        route = getattr(self, "at_" + parts[0], None)
        if route is None:
            return self.answer({"error": "not found", "path": self.path}, 404)
        return route(parts[1:], query, raw)

    do_GET = do_POST = handle_any

    def at_pages(self, parts, query, raw):
        """Pages by number, with a size, a bearer token."""
        if self.headers["Authorization"] != "Bearer t0ken-value":
            return self.answer({"error": "who"}, 401)
        page, size = int(query.get("page", 1)), int(query.get("per_page", 3))
        return self.answer({"data": {"items": rows(8)[(page - 1) * size : page * size]}})

    def at_offsets(self, parts, query, raw):
        """Offsets, a key in a header, and a failure now and then."""
        if self.headers["X-Api-Key"] != "k3y-value":
            return self.answer({"error": "who"}, 403)
        offset, limit = int(query.get("offset", 0)), int(query["limit"])
        client = self.headers["User-Agent"].split("/")[0]
        if offset == 4 and (client, "offset") not in failed:
            failed.add((client, "offset"))
            return self.answer({"error": "busy"}, 503)
        return self.answer(rows(9, tags=["a", "b"], owner={"login": "x", "Site": {"k": 1}})[offset : offset + limit])

    def at_cursor(self, parts, query, raw):
        """Tokens, a key in the query, numbers as texts."""
        if query.get("key") != "k3y-value":
            return self.answer({"error": "who"}, 401)
        start = int(query.get("after", 0))
        found = [{"id": str(n), "amount": f"{n}.5", "on": "true" if n % 2 else "no", "count": n} for n in range(7)]
        more = start + 3 < len(found)
        return self.answer({"results": found[start : start + 3], "meta": {"next": start + 3 if more else None, "more": more}})

    def at_links(self, parts, query, raw):
        """A URL of the next page in the body, and one in a header."""
        page = int(query.get("page", 1))
        found = rows(5)[(page - 1) * 2 : page * 2]
        url = f"http://{self.headers['Host']}/links/{parts[0]}?page={page + 1}&size=2"
        more = page * 2 < 5
        links = [("Link", f'<{url}>; rel="next", <x>; rel="last"')] if more else []
        return self.answer({"rows": found, "next": url if more else None}, headers=links)

    def at_windows(self, parts, query, raw):
        """Records between two moments, both included."""
        since, until = query["since"], query["until"]
        found = [row for row in rows(120) if since <= row["updated_at"] <= until]
        return self.answer({"data": [{**row, "window": since} for row in found]})

    def at_projects(self, parts, query, raw):
        if not parts:
            projects = [{"id": n, "slug": f"p{n}", "owner": {"id": n * 10}, "archived": n == 2} for n in range(4)]
            return self.answer(projects)
        project = int(parts[0])
        if project == 3:
            return self.answer({"message": "gone fishing"}, 404)
        since = query.get("since", "")
        found = [{"id": project * 100 + n, "updated_at": stamp(project * 5 + n)} for n in range(3)]
        return self.answer({"issues": [one for one in found if one["updated_at"] >= since], "region": query.get("region")})

    def at_usage(self, parts, query, raw):
        return self.answer({"usage": [{"region": query["region"], "kind": query["kind"], "n": len(query["region"])}]})

    def at_feed(self, parts, query, raw):
        """The newest first."""
        page = int(query.get("page", 0))
        return self.answer({"events": list(reversed(rows(20)))[page * 4 : (page + 1) * 4]})

    def at_search(self, parts, query, raw):
        """POST with a JSON body."""
        body = json.loads(raw)
        if self.headers["Authorization"] != "Basic " + base64.b64encode(b"me:s3cr3t").decode():
            return self.answer({"error": "who"}, 401)
        start, size = body["page"].get("from", 0), body["page"]["size"]
        kept = [row for row in rows(7) if row["id"] >= body["filter"]["min"]]
        return self.answer({"hits": {"hits": [{"_source": row} for row in kept[start : start + size]]}})

    def at_form(self, parts, query, raw):
        """POST with a form."""
        fields = parse_qs(raw.decode())
        return self.answer({"rows": [{"id": 1, "fields": {name: values for name, values in sorted(fields.items())}}]})

    def at_token(self, parts, query, raw):
        fields = {name: values[0] for name, values in parse_qs(raw.decode()).items()}
        if fields.get("refresh_token") != "r3fresh-value" or fields.get("client_secret") != "s3cr3t":
            return self.answer({"error": "invalid_grant"}, 401)
        return self.answer({"token": "acc3ss-value", "expires_in": 3600})

    def at_private(self, parts, query, raw):
        if self.headers["Authorization"] != "Bearer acc3ss-value":
            return self.answer({"error": "who"}, 401)
        return self.answer({"rows": rows(3)})

    def at_login(self, parts, query, raw):
        body = json.loads(raw)
        if body != {"user": "me", "password": "s3cr3t"}:
            return self.answer({"error": "who"}, 401)
        return self.answer({"session": {"id": "s3ssion-value"}})

    def at_session(self, parts, query, raw):
        if self.headers["X-Session"] != "s3ssion-value":
            return self.answer({"error": "who"}, 401)
        return self.answer({"rows": rows(2), "status": "done"})

    def at_quirks(self, parts, query, raw):
        """An error with status 200 at first, and an object of objects."""
        client = self.headers["User-Agent"].split("/")[0]
        if (client, "quirks") not in failed:
            failed.add((client, "quirks"))
            return self.answer({"error": {"message": "please try again"}})
        found = {str(n): {"id": n, "Name Of": f"n{n}", "gone": n, "deep": {"x": n, "y": {"z": None}}} for n in range(4)}
        return self.answer({"objects": found})


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
