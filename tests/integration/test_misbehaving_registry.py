"""Every way for a registry to misbehave, at every document and blob: an error that says so, in time, and nothing grows.

Each case is a repository of its own, and all are pulled at once, eight at a time, beside an honest image that has to
come through. What a lie about content does is in test_bad_registry.
"""

import concurrent.futures
import gzip
import os
import time
import unittest

import grpc

import cri
import image
from cri import api
from hostile import HostileRegistry
from instance import Instance, wait_until

PATIENCE = 2  # seconds without progress, as configured below
LONGEST = 45  # for one pull, retries and a loaded machine included
AUTH = api.AuthConfig(username="user", password="hunter2")

UNREACHABLE = ("UNKNOWN",)  # "RegistryUnavailable: …", which the kubelet finds under no other code
BROKEN = ("FAILED_PRECONDITION", "INVALID_ARGUMENT")
TOO_MUCH = ("RESOURCE_EXHAUSTED",)
DENIED = ("PERMISSION_DENIED",)
# Where the transport breaks, or only seems to, both are honest answers.
EITHER = UNREACHABLE + BROKEN
# The bytes are all there, and are what the digest says: how they were wrapped does not matter.
HARMLESS = ("OK",)


def raw(*parts, pause=0.0, repeat=1):
    """Writes these bytes, with a pause after each; then the connection ends."""
    def answer(handler, body):
        for _ in range(repeat):
            for part in parts:
                handler.wfile.write(part.replace(b"BODY", body))
                handler.wfile.flush()
                time.sleep(pause)
    return answer


def head(body, *lines, status=b"200 OK"):
    return b"HTTP/1.1 " + status + b"\r\n" + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def with_length(length):
    return lambda handler, body: handler.wfile.write(head(body, b"Content-Length: %d" % (len(body) + length)) + body)


def stalled(before):
    """The first half of what `before` makes of the body, and then silence until the client goes."""
    def answer(handler, body):
        whole = before(body)
        handler.wfile.write(whole[:len(whole) // 2])
        handler.wfile.flush()
        handler.connection.settimeout(LONGEST)
        handler.rfile.read(1)
    return answer


def dripping(handler, body):
    handler.wfile.write(head(body, b"Content-Length: %d" % len(body)))
    for at in range(len(body)):
        handler.wfile.write(body[at:at + 1])
        handler.wfile.flush()
        time.sleep(0.4)


def redirected(location):
    return lambda handler, body: handler.wfile.write(
        head(body, b"Location: " + location.replace("PATH", handler.path).encode(), b"Content-Length: 0", status=b"302 Found"))


def answered(*headers, status=b"200 OK", change=lambda body: body):
    def answer(handler, body):
        body = change(body)
        handler.wfile.write(head(body, b"Content-Length: %d" % len(body), *headers, status=status) + body)
    return answer


def whole(body):
    return head(body, b"Content-Length: %d" % len(body)) + body


# name -> (behaviour, the codes that are right, where: m(anifest), c(onfig), l(ayer))
CASES = {
    "stalls before it says anything": (stalled(lambda body: b""), UNREACHABLE, "mcl"),
    "stalls in its headers": (stalled(lambda body: head(body, b"X-Padding: " + b"x" * 200)), UNREACHABLE, "mcl"),
    "stalls in the middle": (stalled(whole), UNREACHABLE, "mcl"),
    "drips, a byte now and then": (dripping, UNREACHABLE, "mcl"),
    "drips its headers": (raw(b"HTTP/1.1 200 OK\r\n", *[b"X"] * 200, pause=0.4), UNREACHABLE, "mcl"),
    "cuts in the headers": (raw(b"HTTP/1.1 200 OK\r\nContent-Le"), EITHER, "mcl"),
    "cuts in the middle": (lambda handler, body: handler.wfile.write(whole(body)[:-len(body) // 2]), EITHER, "mcl"),
    "says more bytes than it has": (with_length(10), EITHER, "mc"),
    "says more bytes than the layer has": (with_length(10), EITHER + HARMLESS, "l"),
    "says fewer bytes than it has": (with_length(-10), EITHER, "mcl"),
    "says a negative length": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nBODY"), EITHER, "mcl"),
    "says a length without end": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nBODY"),
                                    EITHER + TOO_MUCH + HARMLESS, "mcl"),
    "says two lengths": (raw(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 7\r\n\r\nBODY"), EITHER, "mcl"),
    "says chunked and is not": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nBODY"), EITHER, "mcl"),
    "says a chunk without end": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nBODY"),
                                 EITHER + TOO_MUCH, "mcl"),
    "says gzip of what is not": (answered(b"Content-Encoding: gzip", change=lambda body: body[:-1] + b"!"), EITHER, "mcl"),
    "packs it once more": (answered(b"Content-Encoding: gzip", change=gzip.compress), EITHER, "mcl"),
    "packs zeros": (answered(b"Content-Encoding: gzip", change=lambda _: gzip.compress(bytes(50 << 20))), EITHER + TOO_MUCH, "mcl"),
    "says UTF-16, and it is": (answered(b"Content-Type: application/json; charset=utf-16",
                                        change=lambda body: body.decode("latin1").encode("utf-16")), EITHER + TOO_MUCH, "mc"),
    "has a byte order mark": (answered(change=lambda body: b"\xef\xbb\xbf" + body), BROKEN + TOO_MUCH + HARMLESS, "mc"),
    "says HTML, and it is": (answered(b"Content-Type: text/html", change=lambda _: b"<html>Sign in</html>"), BROKEN, "mc"),
    "sends a body without end": (raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", *[b" " * 65536] * 2000), TOO_MUCH + BROKEN, "mcl"),
    "sends headers without end": (raw(b"HTTP/1.1 200 OK\r\n", *[b"X-Padding: " + b"x" * 8000 + b"\r\n"] * 20_000), EITHER + TOO_MUCH, "mcl"),
    "sends 100 Continue for ever": (raw(*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 200_000), EITHER + TOO_MUCH, "mcl"),
    "speaks something else": (raw(b"220 smtp.example.com ESMTP\r\n"), EITHER, "mcl"),
    "speaks HTTP/2": (raw(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(64)), EITHER, "mcl"),
    "redirects to itself": (redirected("PATH"), EITHER, "mcl"),
    "redirects ever on": (redirected("PATH/x"), EITHER + ("NOT_FOUND",), "mcl"),
    "redirects to nowhere": (redirected(""), EITHER, "mcl"),
    "redirects to a file": (redirected("file:///etc/passwd"), EITHER + DENIED, "mcl"),
    "redirects to the node": (redirected("http://127.0.0.1:22/"), EITHER + DENIED, "mcl"),
    "is never content with who asks": (answered(b'WWW-Authenticate: Basic realm="x"', status=b"401 x"), DENIED, "mcl"),
    "asks without saying how": (answered(status=b"401 x"), DENIED + BROKEN, "mcl"),
    "asks in ten thousand ways": (answered(b"WWW-Authenticate: " + b", ".join([b'Basic realm="x"'] * 3000), status=b"401 x"),
                                  DENIED + EITHER, "mcl"),
    "has a bad day": (answered(status=b"500 x"), UNREACHABLE, "mcl"),
    "is busy for a year": (answered(b"Retry-After: 31536000", status=b"429 x"), UNREACHABLE, "mcl"),
    "has an empty body": (answered(change=lambda _: b""), EITHER, "mcl"),
    "has nothing": (answered(status=b"204 x", change=lambda _: b""), EITHER, "mcl"),
    "has part of it": (answered(b"Content-Range: bytes 5-9/100", status=b"206 x"), EITHER + HARMLESS, "mc"),
    "sends another of that size": (answered(change=lambda body: b"\0" * len(body)), EITHER, "cl"),
}
PLACES = {"m": "manifest", "c": "config", "l": "layer"}


class MisbehavingRegistry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.instance = Instance(registries=[cls.registry.address],
                                config=f"[pull]\nprogress_timeout_seconds = {PATIENCE}\n").start()
        cls.client = cls.instance.client

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    @staticmethod
    def image():
        """Like no other: what is in the store already would not be asked for."""
        return image.Image([image.tar_layer([("f", os.urandom(200_000))])], {"Cmd": ["x"]})

    def misbehave(self, repository, place, behaviour):
        """An image that is fine but for this; its reference."""
        made = self.image()
        reference = self.registry.serve(made, repository=repository)
        path = {"m": "manifests/v1", "c": "blobs/" + image.digest(made.config),
                "l": "blobs/" + made.document["layers"][0]["digest"]}[place]
        body = self.registry.answers[f"/v2/{repository}/{path}"][2]

        def answer(handler):
            try:
                behaviour(handler, body)
            except OSError:
                pass  # the client went, as it should
        self.registry.answers[f"/v2/{repository}/{path}*"] = answer
        del self.registry.answers[f"/v2/{repository}/{path}"]
        return reference

    def pull(self, reference, auth=AUTH):
        """(code, seconds, text) of a pull."""
        began = time.monotonic()
        try:
            self.client.PullImage(image=api.ImageSpec(image=reference), auth=auth)
            return "OK", time.monotonic() - began, ""
        except grpc.RpcError as error:
            return error.code().name, time.monotonic() - began, error.details()

    def weigh(self):
        """{process: (threads, descriptors)} and {process: peak memory in KiB} of what stays."""
        shape, peak = {}, {}
        for pid, (name, program) in self.instance.processes().items():
            if program == "bulkheadctl" or name in ("fetcher", "unpack", "parse", "decompress", "erase"):
                continue
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
            shape[f"{program}/{name}"] = (int(status["Threads"]), len(os.listdir(f"/proc/{pid}/fd")))
            peak[f"{program}/{name}"] = int(status["VmHWM"].split()[0])
        return shape, peak

    def everything(self):
        """Every case at every place, eight at a time: [what is not as it should be]."""
        wrong = []

        def one(name, place):
            behaviour, codes, _ = CASES[name]
            repository = "".join(c if c.isalnum() else "-" for c in name.lower()) + place
            reference = self.misbehave(repository, place, behaviour)
            code, seconds, text = self.pull(reference)
            if code == "OK":
                self.client.RemoveImage(image=api.ImageSpec(image=reference))
            if code not in codes or seconds > LONGEST or "hunter2" in text or (code != "OK" and not text):
                wrong.append(f"{PLACES[place]} {name}: {code} after {seconds:.1f} s: {text}")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(one, name, place) for name, (_, _, places) in CASES.items() for place in places]
            honest = self.registry.serve(self.image(), repository="honest")
            for _ in range(5):
                self.assertEqual(self.pull(honest)[0], "OK")
                self.client.RemoveImage(image=api.ImageSpec(image=honest))
            for call in calls:
                call.result()
        return wrong

    def test_everything_at_once(self):
        self.everything_is_fine()
        before, _ = self.weigh()
        self.everything_is_fine()
        wait_until(lambda: self.is_no_heavier(self.weigh()[0], before), seconds=20,
                   what=lambda: f"{before}, not {self.weigh()[0]}")
        _, peak = self.weigh()
        for name, kib in peak.items():
            self.assertLess(kib, 64 << 10, f"{name}: {peak}")
        self.assertNotIn("hunter2", self.instance.daemon_log())

    def is_no_heavier(self, now, before):
        """The same processes, descriptors and threads; gRPC's pool in cri breathes by a few, far fewer than the pulls."""
        cri = "bulkhead-cri/cri"
        breath = now[cri][0] - before[cri][0]
        return {**now, cri: before[cri]} == before and now[cri][1] == before[cri][1] and breath <= 4

    def everything_is_fine(self):
        wrong = self.everything()
        self.assertEqual(wrong, [], "\n".join(wrong))
        self.assertEqual(len(self.client.ListImages().images), 0)
        storage = os.path.join(self.instance.root, "state/storage")
        wait_until(lambda: not any(os.listdir(os.path.join(storage, d)) for d in ("staging", "trash", "layers")),
                   what="an empty store")


if __name__ == "__main__":
    unittest.main()
