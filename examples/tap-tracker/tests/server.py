"""A tracker: a token that expires, pages with Link, children, incremental reading, and 429 and 500 now and then.

Usage: server.py [SECONDS A TOKEN LIVES] [RETRY-AFTER] [EVERY HOW MANY REQUESTS A 500; 0: NONE]; prints its port.
"""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

TTL = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
RETRY_AFTER = sys.argv[2] if len(sys.argv) > 2 else "1"
ERROR_EVERY = int(sys.argv[3]) if len(sys.argv) > 3 else 17
PROJECTS, ISSUES, EVENTS, PER_PAGE = 45, 3, 1000, 20
SECRET = "s3cr3t-value"

tokens = {}
lock = threading.Lock()
count = 0


def stamp(minute):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1767225600 + minute * 60))


def projects():
    for i in range(1, PROJECTS + 1):
        owner = {"login": f"u{i}", "email": f"u{i}@example.com"}
        yield {"id": i, "name": f"project {i}", "owner": owner, "archived": i % 9 == 0}


def issues(project):
    for i in range(ISSUES):
        number = project * 100 + i
        yield {
            "id": number,
            "title": f'issue {i} "of" {project}',
            "updated_at": stamp(number),
            "labels": ["a", "b"],
            "estimate": 1.5 if i % 2 else None,
        }


def events():
    for i in range(EVENTS):
        yield {"id": i, "kind": ["push", "pull", "star"][i % 3], "updated_at": stamp(i)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if parse_qs(body).get("client_secret") != [SECRET]:
            # As servers do that want to be helpful: it repeats what it was sent.
            return self.answer(401, {"error": "invalid_client", "message": body})
        token = f"token-{time.monotonic_ns()}"
        tokens[token] = time.monotonic() + TTL
        self.answer(200, {"access_token": token, "expires_in": TTL})

    def do_GET(self):
        global count
        with lock:
            count += 1
            number = count
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if tokens.get(token, 0) < time.monotonic():
            return self.answer(401, {"error": "token expired"})
        if number % 13 == 0:
            return self.answer(429, {"error": "slow down"}, [("Retry-After", RETRY_AFTER)])
        if ERROR_EVERY and number % ERROR_EVERY == 0:
            return self.answer(500, {"error": "oops"})
        url = urlparse(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        since, page = query.get("since", ""), int(query.get("page", 1))
        parts = url.path.strip("/").split("/")
        if parts == ["projects"]:
            rows = list(projects())
        elif len(parts) == 3 and parts[2] == "issues":
            rows = [row for row in issues(int(parts[1])) if row["updated_at"] >= since]
        elif parts == ["events"]:
            rows = [row for row in events() if row["updated_at"] >= since]
        else:
            return self.answer(404, {"error": "no such thing"})
        headers = []
        if page * PER_PAGE < len(rows):
            rest = "".join(f"&{name}={value}" for name, value in query.items() if name != "page")
            base = f"http://127.0.0.1:{self.server.server_port}{url.path}"
            links = f'<{base}?page={page + 1}{rest}>; rel="next", <{base}?page=99>; rel="last"'
            headers.append(("Link", links))
        self.answer(200, rows[(page - 1) * PER_PAGE : page * PER_PAGE], headers)


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """A client that was killed is no error."""


server = Server(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
