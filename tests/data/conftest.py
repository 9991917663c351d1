"""A web server on loopback, for downloads."""
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@pytest.fixture
def server():
    """A web server on loopback; answers[path] is bytes, or a function of the handler."""
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            answer = self.server.answers.get(self.path)
            self.server.asked.append(self.path)
            if callable(answer):
                return answer(self)
            self.send_response(200 if answer is not None else 404)
            self.send_header("Content-Length", str(len(answer or b"")))
            self.end_headers()
            self.wfile.write(answer or b"")

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.answers, server.asked = {}, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()
