"""Serves a folder on a free port of this machine, whose number it writes to a file. @ in the files stands for its address."""
import pathlib
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

folder, port_file = map(pathlib.Path, sys.argv[1:])


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        path = folder / self.path.lstrip("/")
        body = b""
        if path.is_file():
            body = path.read_bytes().replace(b"@", f"http://{self.headers['Host']}".encode())
        self.send_response(200 if body else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Handler)
port_file.with_suffix(".new").write_text(str(server.server_port))
port_file.with_suffix(".new").rename(port_file)
server.serve_forever()
