"""A registry that serves what it is given, counts what it sent, and can be slow or ask who is there."""

import base64
import collections
import threading
import time

import image as images
from hostile import HostileRegistry

CHUNK = 16 * 1024


class CountingRegistry(HostileRegistry):
    """`started` and `sent`: how often each blob was asked for, and how many of its bytes went out. `pace` is in bytes a
    second, for blobs of at least CHUNK bytes; None is as fast as it goes. `users` (name to password) may pull, all if empty."""

    def __init__(self, pace=None):
        super().__init__()
        self.pace = pace
        self.users = {}
        self.started = collections.Counter()
        self.sent = collections.Counter()
        self.manifests = 0
        self.lock = threading.Lock()

    def serve(self, image, repository="app", tag="v1"):
        reference = super().serve(image, repository, tag)
        body = image.manifest
        for name in (tag, images.digest(body)):
            self.answers[f"/v2/{repository}/manifests/{name}"] = lambda to, body=body: self._send_manifest(to, body)
        for name, blob in image.blobs.items():
            self.answers[f"/v2/{repository}/blobs/{name}"] = lambda to, name=name, blob=blob: self._send_blob(to, name, blob)
        return reference

    def _admitted(self, to):
        words = to.headers.get("Authorization", "").split()
        user, _, password = base64.b64decode(words[1]).decode().partition(":") if len(words) == 2 else ("", "", "")
        if not self.users or self.users.get(user) == password:
            return True
        to.send_response(401)
        to.send_header("WWW-Authenticate", 'Basic realm="counting"')
        to.send_header("Content-Length", "0")
        to.end_headers()
        return False

    def _send_manifest(self, to, body):
        if not self._admitted(to):
            return
        with self.lock:
            self.manifests += 1
        to.send_response(200)
        to.send_header("Content-Type", images.MANIFEST_TYPE)
        to.send_header("Content-Length", str(len(body)))
        to.end_headers()
        to.wfile.write(body)

    def _send_blob(self, to, name, blob):
        if not self._admitted(to):
            return
        with self.lock:
            self.started[name] += 1
        to.send_response(200)
        to.send_header("Content-Length", str(len(blob)))
        to.end_headers()
        for at in range(0, len(blob), CHUNK):
            part = blob[at:at + CHUNK]
            try:
                to.wfile.write(part)
            except OSError:
                return
            with self.lock:
                self.sent[name] += len(part)
            if self.pace and len(blob) >= CHUNK:
                time.sleep(len(part) / self.pace)
