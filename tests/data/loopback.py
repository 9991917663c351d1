"""Addresses of the server on loopback, and what it may do to a download."""


def url(server, folder):
    return f"http://127.0.0.1:{server.server_port}/{folder}/"


def truncated(content):
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[:len(content) // 2])
    return answer


def hang_up(handler):
    handler.connection.close()


def html(content):
    return b"<html>Welcome to this hotel</html>"
