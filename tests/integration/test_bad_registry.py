"""A registry that lies, stalls, floods or hangs up: each pull fails with a clear error and leaves nothing."""

import base64
import gzip
import json
import os
import time
import unittest

import cri
import image
from cri import api
from hostile import HostileRegistry
from instance import Instance, wait_until


class BadRegistry(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.second = HostileRegistry()
        cls.instance = Instance(registries=[cls.registry.address, cls.second.address],
                                config="[pull]\nprogress_timeout_seconds = 2").start()
        cls.client = cls.instance.client

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()
        cls.second.stop()

    def tearDown(self):
        self.registry.answers.clear()
        self.assertEqual(len(self.client.ListImages().images), 0)
        storage = os.path.join(self.instance.root, "state/storage")
        wait_until(lambda: not any(os.listdir(os.path.join(storage, d)) for d in ("staging", "trash", "layers")),
                   what="an empty store")

    def pull_fails(self, code, reference, *texts, auth=None):
        seen, text = cri.code_of(self.client.PullImage, image=api.ImageSpec(image=reference), auth=auth)
        self.assertIn(seen.name, (code,) if isinstance(code, str) else code, text)
        for part in texts:
            self.assertIn(part, text)
        return text

    def test_http_errors(self):
        reference = f"{self.registry.address}/evil:v1"
        path = "/v2/evil/manifests/v1"
        for status, code in ((401, "PERMISSION_DENIED"), (403, "PERMISSION_DENIED"), (404, "NOT_FOUND"),
                             (500, "UNKNOWN"), (503, "UNKNOWN")):
            self.registry.answers[path] = (status, {}, b"{}")
            with self.subTest(status=status):
                self.pull_fails(code, reference)

    def test_nobody_answers(self):
        self.registry.answers["/v2/evil/manifests/v1"] = lambda handler: None
        text = self.pull_fails("UNKNOWN", f"{self.registry.address}/evil:v1")
        self.assertTrue(text.startswith("RegistryUnavailable: registry "), "as the kubelet looks for it: " + text)

    def test_garbage(self):
        good = image.busybox_image()
        for body in (b"", b"garbage", b"{", b"[]", b"null", b"{}", b'{"schemaVersion":2}', b"\xff" * 100,
                     b"[" * 100_000):
            with self.subTest(body=body[:20]):
                self.pull_fails(("INVALID_ARGUMENT", "FAILED_PRECONDITION"), self.registry.serve(good, manifest=body))

    def test_oversized_manifest(self):
        reference = self.registry.serve(image.busybox_image(), manifest=b" " * (5 << 20))
        self.pull_fails("RESOURCE_EXHAUSTED", reference)

    def test_truncated_manifest(self):
        def cut(handler):
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"schemaVersion\":")
        self.registry.answers["/v2/evil/manifests/v1"] = cut
        self.pull_fails(("UNKNOWN", "FAILED_PRECONDITION", "INVALID_ARGUMENT"), f"{self.registry.address}/evil:v1")

    def test_wrong_digests(self):
        good = image.busybox_image()
        self.registry.serve(good)
        other = "sha256:" + "0" * 64
        self.registry.answers[f"/v2/evil/manifests/{other}"] = (200, {"Content-Type": image.MANIFEST_TYPE}, good.manifest)
        self.pull_fails("FAILED_PRECONDITION", f"{self.registry.address}/evil@{other}", "asks for " + other)

        lying = image.busybox_image()
        name = lying.document["layers"][0]["digest"]
        lying.blobs[name] = gzip.compress(image.tar_layer([("other", b"x" * 100)]))[:lying.document["layers"][0]["size"]]
        lying.document["layers"][0]["size"] = len(lying.blobs[name])
        self.pull_fails("FAILED_PRECONDITION", self.registry.serve(lying), "digest")

        config = json.loads(good.config)
        config["rootfs"]["diff_ids"] = [other]
        forged = image.busybox_image()
        forged.blobs.pop(image.digest(forged.config))
        forged.config = json.dumps(config).encode()
        forged.blobs[image.digest(forged.config)] = forged.config
        forged.document["config"].update(digest=image.digest(forged.config), size=len(forged.config))
        self.pull_fails("FAILED_PRECONDITION", self.registry.serve(forged), "diff")

    def test_digest_strings_are_never_paths(self):  # CVE-2024-3727
        for bad in ("sha256:../../../x", "sha256", "", "sha256:" + "A" * 64, "sha512:abc"):
            for place in ("config", "layer"):
                evil = image.busybox_image()
                (evil.document["config"] if place == "config" else evil.document["layers"][0])["digest"] = bad
                with self.subTest(bad=bad, place=place):
                    self.pull_fails(("INVALID_ARGUMENT", "FAILED_PRECONDITION"), self.registry.serve(evil))
        for path, _ in self.registry.requests:
            self.assertNotIn("..", path)

    def test_ambiguous_documents(self):  # CVE-2021-41190
        for extra in ({"manifests": []}, {"fsLayers": []}):
            evil = image.busybox_image()
            evil.document.update(extra)
            with self.subTest(extra=extra):
                self.pull_fails(("INVALID_ARGUMENT", "FAILED_PRECONDITION"), self.registry.serve(evil))

    def test_hostile_archives(self):
        canary = "/tmp/bh-canary-" + str(os.getpid())
        os.mkdir(canary)
        try:
            archives = {
                "dotdot": image.tar_layer([("../../../../.." + canary + "/x", b"pwned")]),
                "inner dotdot": image.tar_layer([("a/../../b", b"pwned")]),
                "root link": image.tar_layer([(".", image.link(canary)), ("pwn", b"x")]),
                "truncated": image.tar_layer([("f", b"x" * 10_000)])[:3000],
                "not a tar": b"garbage" * 1000,
            }
            for name, layer in archives.items():
                with self.subTest(name):
                    self.pull_fails(("INVALID_ARGUMENT", "FAILED_PRECONDITION"),
                                    self.registry.serve(image.Image([layer], {"Cmd": ["x"]})))
            contained = image.tar_layer([("out", image.link(canary)), ("out/x", b"pwned")])
            reference = self.registry.serve(image.Image([contained], {"Cmd": ["x"]}))
            try:
                self.client.PullImage(image=api.ImageSpec(image=reference))
                self.client.RemoveImage(image=api.ImageSpec(image=reference))
            except Exception as error:  # refused is as good as contained
                self.assertNotIn("INTERNAL", str(error))
            self.assertEqual(os.listdir(canary), [])
        finally:
            os.rmdir(canary)

    def test_broken_compression(self):
        layer = image.busybox_layer()
        for name, compress in (("truncated", lambda data: gzip.compress(data)[:-100]), ("plain", lambda data: data)):
            with self.subTest(name):
                self.pull_fails(("INVALID_ARGUMENT", "FAILED_PRECONDITION"),
                                self.registry.serve(image.Image([layer], {"Cmd": ["x"]}, compress=compress)))

    def test_a_stalled_blob_fails_by_the_watchdog(self):
        good = image.busybox_image()
        reference = self.registry.serve(good)
        name = good.document["layers"][0]["digest"]

        def stall(handler):
            blob = good.blobs[name]
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(blob))
            handler.wfile.write(blob[:1000])
            handler.wfile.flush()
            time.sleep(15)
        self.registry.answers[f"/v2/evil/blobs/{name}"] = stall
        self.pull_fails("UNKNOWN", reference)

    def test_a_short_blob(self):
        good = image.busybox_image()
        reference = self.registry.serve(good)
        name = good.document["layers"][0]["digest"]
        self.registry.answers[f"/v2/evil/blobs/{name}"] = (200, {}, good.blobs[name][:1000])
        self.pull_fails(("UNKNOWN", "FAILED_PRECONDITION", "INVALID_ARGUMENT"), reference)

    def test_credentials_stay_with_their_host(self):
        good = image.busybox_image()
        reference = self.registry.serve(good)
        secret = base64.b64encode(b"user:hunter2").decode()
        manifest = self.registry.answers["/v2/evil/manifests/v1"]
        name = good.document["layers"][0]["digest"]

        def challenged(handler):
            if "Authorization" not in handler.headers:
                handler.send_response(401)
                handler.send_header("WWW-Authenticate", 'Basic realm="evil"')
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            status, headers, body = manifest
            handler.send_response(status)
            for key, value in headers.items():
                handler.send_header(key, value)
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            handler.wfile.write(body)
        self.registry.answers["/v2/evil/manifests/v1"] = challenged
        self.second.answers["/stolen"] = (200, {}, good.blobs[name])
        self.registry.answers[f"/v2/evil/blobs/{name}"] = (
            307, {"Location": f"http://{self.second.address}/stolen"}, b"")
        self.client.PullImage(image=api.ImageSpec(image=reference), auth=api.AuthConfig(username="user", password="hunter2"))
        self.client.RemoveImage(image=api.ImageSpec(image=reference))
        self.assertTrue(any(h.get("Authorization") == "Basic " + secret for _, h in self.registry.requests))
        self.assertTrue(self.second.requests)
        for _, headers in self.second.requests:
            self.assertNotIn("Authorization", headers)
        self.assertNotIn("hunter2", self.instance.daemon_log())
        self.assertNotIn(secret, self.instance.daemon_log())


if __name__ == "__main__":
    unittest.main()
