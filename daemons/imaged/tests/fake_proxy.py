"""An HTTP proxy on loopback that knows where hidden names are. Keeps (request line, Proxy-Authorization, Authorization)."""

import http.server
import http.client
import socket
import threading
import urllib.parse

from fake_registry import QuietServer


class Proxy:
    def __init__(self, names):
        self.requests = []
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def note(self):
                owner.requests.append((self.requestline, self.headers.get("Proxy-Authorization"),
                                       self.headers.get("Authorization")))

            def do_CONNECT(self):
                self.note()
                host, port = self.path.rsplit(":", 1)
                if host not in names:
                    return self.send_error(403)
                with socket.create_connection((names[host], int(port))) as target:
                    self.send_response(200)
                    self.end_headers()
                    back = threading.Thread(target=copy, args=(target, self.connection), daemon=True)
                    back.start()
                    copy(self.connection, target)
                    back.join()
                self.close_connection = True

            def do_GET(self):
                self.note()
                url = urllib.parse.urlparse(self.path)
                connection = http.client.HTTPConnection(names[url.hostname], url.port, timeout=10)
                connection.request("GET", url.path, headers={"Host": url.netloc})
                answer = connection.getresponse()
                body = answer.read()
                self.send_response(answer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
