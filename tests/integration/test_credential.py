"""A credential is in the memory of the fetcher that uses it, and of nobody else who does not have to see it pass."""

import base64
import os
import secrets
import threading
import unittest

import cri
import image
from cri import api
from hostile import HostileRegistry
from instance import Instance, wait_until


def memory_has(pid, words):
    """Those of `words` that the process's own memory holds, with how often."""
    found = {}
    with open(f"/proc/{pid}/maps") as file:
        maps = [line.split() for line in file]
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for fields in maps:
            if "r" not in fields[1] or fields[-1] in ("[vvar]", "[vsyscall]", "[vvar_vclock]"):
                continue
            begin, end = (int(part, 16) for part in fields[0].split("-"))
            try:
                content = os.pread(memory.fileno(), end - begin, begin)
            except OSError:
                continue
            for word in words:
                if count := content.count(word):
                    found[word] = found.get(word, 0) + count
    return found


class Credential(unittest.TestCase):
    def setUp(self):
        self.registry = HostileRegistry()
        self.instance = Instance(registries=[self.registry.address],
                                 config="[pull]\nprogress_timeout_seconds = 60\n").start()
        self.client = cri.Client(self.instance.socket)
        self.password = "pw-" + secrets.token_hex(12)
        self.pair = base64.b64encode(f"user:{self.password}".encode())
        self.words = (self.password.encode(), self.pair)

    def tearDown(self):
        self.instance.remove()
        self.registry.stop()

    def stalled_pull(self):
        """Begins a pull with the credential, whose layer stalls; returns once it does. The registry has seen it."""
        made = image.Image([image.tar_layer([("f", os.urandom(100_000))])], {"Cmd": ["x"]})
        reference = self.registry.serve(made)
        layer = "/v2/evil/blobs/" + made.document["layers"][0]["digest"]
        body = self.registry.answers[layer][2]
        manifest = self.registry.answers["/v2/evil/manifests/v1"]
        self.stalled, self.go_on = threading.Event(), threading.Event()

        def asked(answer):
            def handle(handler):
                if "Authorization" not in handler.headers:
                    handler.wfile.write(b'HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm="x"\r\nContent-Length: 0\r\n\r\n')
                    return
                answer(handler)
            return handle

        def stall(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body[:1000])
            handler.wfile.flush()
            self.stalled.set()
            self.go_on.wait(50)
            handler.wfile.write(body[1000:])
        self.registry.answers["/v2/evil/manifests/v1"] = asked(lambda handler: handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (image.MANIFEST_TYPE.encode(), len(manifest[2]))
            + manifest[2]))
        self.registry.answers[layer] = asked(stall)
        self.pull = threading.Thread(target=self.client.PullImage, kwargs={
            "image": api.ImageSpec(image=reference), "auth": api.AuthConfig(username="user", password=self.password)})
        self.pull.start()
        self.assertTrue(self.stalled.wait(20))

    def found(self):
        """{process: words} of those that hold any."""
        found = {}
        for pid, (name, program) in self.instance.processes().items():
            try:
                words = memory_has(pid, self.words)
            except (ProcessLookupError, FileNotFoundError):
                continue
            if words:
                found.setdefault(name, []).append(words)
        return found

    def test_where_it_is(self):
        self.stalled_pull()
        during = self.found()
        self.assertIn("fetcher", during)  # the scan sees what is there
        # cri's call is under way, and holds its request. imaged has handed everything on.
        self.assertLessEqual(during.keys(), {"fetcher", "cri"}, during)
        self.go_on.set()
        self.pull.join()
        # gRPC's read buffer has the last bytes of a connection until others come, or it is closed.
        self.client.close()
        wait_until(lambda: not self.found(), what=lambda: f"a forgotten credential ({self.found()})")


if __name__ == "__main__":
    unittest.main()
