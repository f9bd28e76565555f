"""A registry that behaves as badly as its repository's name says, on a thread of the test.

Every request is kept in `requests` as (method, host header, path, Authorization or None).
"""

import base64
import hashlib
import http.server
import json
import socket
import ssl
import threading
import time
import urllib.parse

USERNAME, PASSWORD = "user", "S3CRET-pass"
BASIC = "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()
REFRESH_TOKEN = "S3CRET-refresh"
TOKEN = "S3CRET.token"

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def descriptor(data, **more):
    return {"digest": digest(data), "size": len(data), **more}


CONFIG = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}}).encode()
LAYER = bytes(i * 7 % 251 for i in range(3_000_000))
MANIFEST = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": descriptor(CONFIG),
                       "layers": [descriptor(LAYER)]}).encode()
INDEX = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [
    descriptor(b"{}", platform={"os": "linux", "architecture": "arm64", "variant": "v8"}),
    descriptor(MANIFEST, platform={"os": "linux", "architecture": "amd64"}),
    descriptor(b"[]", platform={"os": "unknown", "architecture": "unknown"})]}).encode()

ARTIFACT = json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "artifactType": "application/vnd.example",
                       "config": {"mediaType": "application/vnd.oci.empty.v1+json", **descriptor(b"{}")},
                       "layers": [descriptor(LAYER)]}).encode()

DOCUMENTS = {digest(MANIFEST): MANIFEST, "latest": MANIFEST, "multi": INDEX, digest(INDEX): INDEX}
BLOBS = {digest(CONFIG): CONFIG, digest(LAYER): LAYER}


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that hang up are what the tests are about."""


class Registry:
    """One listener. `peers` are URLs of other ones that redirects and challenges point to."""

    def __init__(self, address, certificate=None, client_certificate=None):
        self.requests = []
        self.peers = {}
        self.flaky = 0
        owner = self

        class Handler(RegistryHandler):
            registry = owner

        self.server = QuietServer((address, 0), Handler)
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            if client_certificate:
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(client_certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.host = f"{address}:{self.server.server_address[1]}"
        self.url = ("https://" if certificate else "http://") + self.host
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def authorizations(self):
        return [request[3] for request in self.requests]


class RegistryHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 20

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.note()
        url = urllib.parse.urlparse(self.path)
        if url.path == "/token":
            return self.answer_token(urllib.parse.parse_qs(url.query))
        if url.path.startswith("/cdn/"):
            return self.send(200, BLOBS[url.path.removeprefix("/cdn/")])
        parts = url.path.split("/")  # "", v2, BEHAVIOUR, manifests|blobs, REFERENCE
        if len(parts) != 5 or parts[1] != "v2":
            return self.send(404)
        _, _, behaviour, kind, reference = parts
        special = getattr(self, "behave_" + behaviour.replace("-", "_"), None)
        if special is None:
            return self.send(404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}')
        return special(kind, reference)

    def do_POST(self):
        self.note()
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        good = form.get("refresh_token") == [REFRESH_TOKEN] and form.get("grant_type") == ["refresh_token"]
        self.send(200, json.dumps({"access_token": TOKEN, "expires_in": 5}).encode()) if good else self.send(401)

    # What a good registry does

    def behave_good(self, kind, reference):
        data = (DOCUMENTS if kind == "manifests" else BLOBS).get(reference)
        self.send(404) if data is None else self.send(200, data)

    def behave_token(self, kind, reference):
        if self.headers.get("Authorization") == "Bearer " + TOKEN:
            return self.behave_good(kind, reference)
        realm = self.registry.peers.get("token", self.registry.url) + "/token"
        challenge = f'Bearer realm="{realm}",service="fake",scope="repository:token:pull"'
        return self.send(401, b"", {"WWW-Authenticate": challenge})

    def behave_basic(self, kind, reference):
        if self.headers.get("Authorization") == BASIC:
            return self.behave_good(kind, reference)
        return self.send(401, b"", {"WWW-Authenticate": 'Basic realm="fake"'})

    def behave_redirect(self, kind, reference):
        """Asks for Basic, then sends blobs elsewhere with a secret in the address."""
        if self.headers.get("Authorization") != BASIC:
            return self.send(401, b"", {"WWW-Authenticate": 'Basic realm="fake"'})
        if kind == "manifests":
            return self.behave_good(kind, reference)
        location = self.registry.peers["cdn"] + "/cdn/" + reference + "?sig=S3CRET-signature"
        return self.send(307, b"", {"Location": location})

    def behave_artifact(self, kind, reference):
        """A manifest that is no image's; the empty config is not even there."""
        self.send(200, ARTIFACT) if kind == "manifests" else self.send(404)

    # What a bad one does

    def behave_liar(self, kind, reference):
        """Another document than was asked for."""
        self.send(200, ARTIFACT) if kind == "manifests" else self.behave_good(kind, reference)

    def behave_trouble(self, kind, reference):
        self.send(500, b"S3CRET stack trace")

    def behave_forbidden(self, kind, reference):
        self.send(403)

    def behave_flaky(self, kind, reference):
        self.registry.flaky += 1
        self.send(503) if self.registry.flaky <= 2 else self.behave_good(kind, reference)

    def behave_busy(self, kind, reference):
        self.send(429, b"", {"Retry-After": "3600"})

    def behave_silent(self, kind, reference):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def behave_stalled(self, kind, reference):
        """Promises everything and then says nothing until the client goes."""
        self.begin(200, len(LAYER))
        self.wfile.write(LAYER[:1000])
        self.wfile.flush()
        self.connection.settimeout(30)
        self.close_connection = True
        self.connection.recv(1)

    def behave_drip(self, kind, reference):
        """A byte now and then, for as long as the client takes it."""
        self.begin(200, len(LAYER))
        self.close_connection = True
        for at in range(600):
            self.wfile.write(LAYER[at:at + 1])
            self.wfile.flush()
            time.sleep(0.1)

    def behave_wordy(self, kind, reference):
        self.send(401, b"", {"WWW-Authenticate": f'Bearer realm="{self.registry.url}/token",scope="{"s" * 20000}"'})

    def behave_garbage(self, kind, reference):
        self.send(200, b"\x00\xff not json {" * 10)

    def behave_brackets(self, kind, reference):
        self.send(200, b"[" * 3_000_000)

    def behave_nonsense(self, kind, reference):
        self.close_connection = True
        self.wfile.write(b"220 smtp.example.com ESMTP\r\n" * 3)

    def behave_headers(self, kind, reference):
        self.close_connection = True
        self.wfile.write(b"HTTP/1.1 200 OK\r\n" + b"X-Padding: " + b"x" * 5000 + b"\r\n")
        for _ in range(1000):
            self.wfile.write(b"X-Padding: " + b"x" * 5000 + b"\r\n")

    def behave_endless(self, kind, reference):
        """A body without end."""
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b" " * 65536)

    def behave_endless_error(self, kind, reference):
        self.send_response(404)
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        while True:
            self.wfile.write(b" " * 65536)

    def behave_odd_digest(self, kind, reference):
        odd = {"digest": "sha256:../../../../etc/passwd", "size": 10}
        self.send(200, json.dumps({"schemaVersion": 2, "config": odd, "layers": []}).encode())

    def behave_short(self, kind, reference):
        """A blob that is whole and too short."""
        self.behave_good(kind, reference) if kind == "manifests" else self.send(200, BLOBS[reference][:-10])

    def behave_long(self, kind, reference):
        self.behave_good(kind, reference) if kind == "manifests" else self.send(200, BLOBS[reference] + b"more")

    def behave_breaking(self, kind, reference):
        """Breaks off after a million bytes; knows Range."""
        self.break_off(reference, self.range_start())

    def behave_rangeless(self, kind, reference):
        """Breaks off later each time; does not know Range."""
        self.registry.flaky += 1
        self.break_off(reference, 0, self.registry.flaky * 1_200_000)

    def behave_wrong_range(self, kind, reference):
        start = self.range_start()
        if start == 0:
            return self.break_off(reference, 0)
        data = BLOBS[reference]
        return self.send(206, data[5:], {"Content-Range": f"bytes 5-{len(data) - 1}/{len(data)}"})

    def behave_cut(self, kind, reference):
        """Gives the first 1000 bytes, and later nothing more."""
        self.break_off(reference, self.range_start(), 1000 if self.range_start() == 0 else 0)

    def behave_loop(self, kind, reference):
        self.send(302, b"", {"Location": self.path})

    def behave_to_file(self, kind, reference):
        self.send(302, b"", {"Location": "file:///etc/passwd"})

    def behave_to_metadata(self, kind, reference):
        self.send(302, b"", {"Location": "http://169.254.169.254/latest/meta-data"})

    def behave_sly(self, kind, reference):
        """Redirects to another host, which then asks for a credential."""
        self.send(302, b"", {"Location": self.registry.peers["cdn"] + "/v2/basic/" + kind + "/" + reference})

    def behave_no_realm(self, kind, reference):
        self.send(401, b"", {"WWW-Authenticate": "Bearer service=x"})

    # Helpers

    def note(self):
        self.registry.requests.append((self.command, self.headers.get("Host"), self.path,
                                       self.headers.get("Authorization")))

    def answer_token(self, query):
        behaviour = self.registry.peers.get("token_behaviour")
        if behaviour == "endless":
            return self.behave_endless("", "")
        if behaviour == "broken-token":
            return self.send(200, json.dumps({"token": "a\r\nX-Injected: yes"}).encode())
        if behaviour == "anonymous" or self.headers.get("Authorization") == BASIC:
            # So short a life is not worth keeping: no test profits from another one's.
            seconds = self.registry.peers.get("token_seconds", 5)
            return self.send(200, json.dumps({"token": TOKEN, "expires_in": seconds}).encode())
        return self.send(401)

    def range_start(self):
        value = self.headers.get("Range", "bytes=0-")
        return int(value.removeprefix("bytes=").removesuffix("-"))

    def break_off(self, reference, start, count=1_000_000):
        data = BLOBS[reference]
        status = 206 if start else 200
        extra = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
        self.begin(status, len(data) - start, extra)
        self.wfile.write(data[start:start + count])
        if start + count < len(data):
            self.wfile.flush()
            self.close_connection = True

    def begin(self, status, length, headers=None):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def send(self, status, data=b"", headers=None):
        self.begin(status, len(data), headers)
        self.wfile.write(data)
