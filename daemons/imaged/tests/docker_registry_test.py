#!/usr/bin/env python3
"""bulkhead-imaged against a real registry: Debian's docker-registry, plain HTTP on loopback.

usage: docker_registry_test.py BIN_DIRECTORY TESTS_DIRECTORY [unittest arguments]
"""

import hashlib
import http.client
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest

from harness import Imaged, enter_own_namespaces, eventually

ADDRESS = "127.0.0.1:5000"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = """
version: 0.1
storage: {filesystem: {rootdirectory: "%s"}}
http: {addr: "%s"}
"""


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def request(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(ADDRESS, timeout=20)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.read()
        return response
    finally:
        connection.close()


def push_blob(repository, data):
    location = request("POST", f"/v2/{repository}/blobs/uploads/").getheader("Location")
    path = location.split(ADDRESS, 1)[-1]
    assert request("PUT", f"{path}&digest={digest(data)}", data).status == 201
    return {"digest": digest(data), "size": len(data)}


def layer_of(*paths):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in paths:
            archive.add(path, arcname="bin/" + path.rsplit("/", 1)[1])
    return buffer.getvalue()


def is_up():
    try:
        return request("GET", "/v2/").status == 200
    except OSError:
        return False


class DockerRegistryTest(unittest.TestCase):
    def setUp(self):
        self.storage = tempfile.TemporaryDirectory()
        self.addCleanup(self.storage.cleanup)
        configuration = self.storage.name + "/config.yml"
        with open(configuration, "w") as file:
            file.write(CONFIGURATION % (self.storage.name, ADDRESS))
        registry = subprocess.Popen(["docker-registry", "serve", configuration], stdout=subprocess.DEVNULL,
                                    stderr=subprocess.DEVNULL)
        self.addCleanup(registry.wait)
        self.addCleanup(registry.kill)
        self.assertTrue(eventually(is_up, 20))
        self.imaged = Imaged(f'[[registry]]\nprefix = "{ADDRESS}"\ninsecure = true\n')
        self.addCleanup(self.imaged.stop)

    def call(self, *words):
        process = self.imaged.call(*words)
        data, answer = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, answer)
        return data, json.loads(answer)

    def test_pull(self):
        config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers"}}).encode()
        layer = layer_of("/bin/busybox")
        manifest = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": push_blob("test/box", config),
                               "layers": [push_blob("test/box", layer)]}).encode()
        pushed = request("PUT", "/v2/test/box/manifests/1", manifest, {"Content-Type": MANIFEST_TYPE})
        self.assertEqual(pushed.status, 201)

        for reference in (f"{ADDRESS}/test/box:1", f"{ADDRESS}/test/box@{digest(manifest)}"):
            _, documents = self.call("resolve", reference)
            self.assertEqual(documents.pop("reference"), reference)
            self.assertEqual(documents, {"index": "", "manifest": manifest.decode(), "config": config.decode()})
        data, answer = self.call("fetch", f"{ADDRESS}/test/box:1", digest(layer), str(len(layer)))
        self.assertEqual(answer, {"bytes": len(layer)})
        self.assertEqual(digest(data), digest(layer))

        _, missing = self.call("resolve", f"{ADDRESS}/test/box:2")
        self.assertIn("has no test/box:2", missing["refused"]["reason"])
        _, missing = self.call("fetch", f"{ADDRESS}/test/box:1", digest(b"no such blob"), "12")
        self.assertIn("HTTP 404", missing["refused"]["reason"])


if __name__ == "__main__":
    if shutil.which("docker-registry") is None:
        sys.exit(77)  # ctest: skipped
    enter_own_namespaces()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
