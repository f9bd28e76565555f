"""A registry that answers whatever a test tells it to, and remembers what it was asked."""

import http.server
import threading


class HostileRegistry:
    """`answers` maps a path (or a path prefix ending in '*') to a function of the handler, or to
    (status, headers, body). Unknown paths are 404. `requests` collects (path, headers). `tls` is an ssl.SSLContext."""

    def __init__(self, address="127.0.0.1", tls=None):
        self.answers = {}
        self.requests = []
        registry = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                registry.requests.append((self.path, dict(self.headers)))
                answer = registry.find(self.path.split("?")[0])
                if callable(answer):
                    answer(self)
                    self.close_connection = True
                    return
                status, headers, body = answer
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass

            do_POST = do_GET

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer((address, 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
            self.server.handle_error = lambda *_: None  # clients that do not trust it hang up
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.address = f"{address}:{self.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def find(self, path):
        if path in self.answers:
            return self.answers[path]
        for prefix, answer in self.answers.items():
            if prefix.endswith("*") and path.startswith(prefix[:-1]):
                return answer
        return (404, {}, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')

    def serve(self, image, repository="evil", tag="v1", manifest=None, media_type=None):
        """Answers for one image; returns its reference."""
        import image as images
        body = manifest if manifest is not None else image.manifest
        reply = (200, {"Content-Type": media_type or images.MANIFEST_TYPE}, body)
        self.answers[f"/v2/{repository}/manifests/{tag}"] = reply
        self.answers[f"/v2/{repository}/manifests/{images.digest(body)}"] = reply
        for name, blob in image.blobs.items():
            self.answers[f"/v2/{repository}/blobs/{name}"] = (200, {}, blob)
        return f"{self.address}/{repository}:{tag}"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
