#!/usr/bin/env python3
"""Where bulkhead-imaged goes for an image: registries.conf, mirrors, short names, auth files, certs.d, proxies.

usage: sources_test.py BIN_DIRECTORY TESTS_DIRECTORY [unittest arguments]
"""

import base64
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
import unittest

import fake_registry as fake
from fake_proxy import Proxy
from harness import CODES, IMAGE_UID, PUBLIC, Imaged, enter_own_namespaces, eventually, make_certificate

CREDENTIAL = {"auth.username": fake.USERNAME, "auth.password": fake.PASSWORD}
ENTRY = {"auth": fake.BASIC.removeprefix("Basic ")}


class SourcesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        cls.origin, cls.mirror = fake.Registry("127.0.0.1"), fake.Registry("127.0.0.1")

    def start(self, config="", top="", environment=None):
        imaged = Imaged(config, top, environment)
        self.addCleanup(imaged.stop)
        for registry in (self.origin, self.mirror):
            registry.requests.clear()
            registry.peers.clear()
        return imaged

    def call(self, imaged, *words, **settings):
        process = imaged.call(*words, **settings)
        data, answer = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, answer)
        self.assertNotIn(b"S3CRET", answer)
        self.assertNotIn("S3CRET", imaged.log())
        return json.loads(answer), data

    def resolve(self, imaged, reference, **settings):
        return self.call(imaged, "resolve", reference, **settings)[0]

    def found(self, imaged, reference, name=None, **settings):
        answer = self.resolve(imaged, reference, **settings)
        self.assertEqual(answer.get("reference"), name or reference + ":latest", (answer, imaged.log()))

    def refused(self, answer, code, text=""):
        self.assertIn("refused", answer)
        refusal = answer["refused"]
        self.assertEqual(CODES[refusal["code"]], code, refusal)
        self.assertIn(text, refusal["field"] + ": " + refusal["reason"])

    def fetch(self, imaged, reference, **settings):
        answer, data = self.call(imaged, "fetch", reference, fake.digest(fake.LAYER), str(len(fake.LAYER)), **settings)
        self.assertEqual(answer, {"bytes": len(fake.LAYER)}, imaged.log())
        self.assertEqual(data, fake.LAYER)

    def registry(self, prefix, origin, *mirrors, more=""):
        text = f'[[registry]]\nprefix = "{prefix}"\nlocation = "{origin}"\ninsecure = true\n{more}'
        for mirror in mirrors:
            text += f'[[registry.mirror]]\nlocation = "{mirror}"\ninsecure = true\n'
        return text

    # Mirrors

    def test_mirrors_come_first_and_the_registry_last(self):
        imaged = self.start()
        imaged.write("registries.conf", self.registry("images.test", self.origin.host, self.mirror.host))
        self.found(imaged, "images.test/good")
        self.fetch(imaged, "images.test/good")
        self.assertEqual(self.origin.requests, [])
        self.assertIn("image found image=images.test/good:latest source=\"mirror " + self.mirror.host, imaged.log())

    def test_a_mirror_that_fails_is_named_and_passed_over(self):
        imaged = self.start("[pull]\nprogress_timeout_seconds = 1\n")
        for mirror in ("127.0.0.1:1/x", self.mirror.host + "/no-such", self.mirror.host + "/trouble",
                       self.mirror.host + "/forbidden", self.mirror.host + "/garbage", self.mirror.host + "/stalled"):
            with self.subTest(mirror):
                imaged.write("registries.conf", self.registry("images.test/x", self.origin.host + "/good", mirror))
                time.sleep(1.1)
                self.found(imaged, "images.test/x")
                if not mirror.endswith("garbage"):  # a blob's bytes are nobody's to judge but storaged's
                    self.fetch(imaged, "images.test/x")
                self.assertIn("a mirror fails, the next source is asked source=\"mirror " + mirror.split("/")[0], imaged.log())

    def test_a_mirror_is_held_to_the_digest(self):
        imaged = self.start()
        imaged.write("registries.conf", self.registry("images.test/x", self.origin.host + "/good",
                                                      self.mirror.host + "/liar"))
        pinned = "images.test/x@" + fake.digest(fake.MANIFEST)
        self.found(imaged, pinned, pinned)
        self.assertTrue(self.mirror.requests and self.origin.requests)
        self.assertIn("answers with sha256:", imaged.log())

    def test_a_blob_goes_on_where_the_mirror_left_it(self):
        imaged = self.start()
        imaged.write("registries.conf", self.registry("images.test/x", self.origin.host + "/breaking",
                                                      self.mirror.host + "/cut"))
        self.fetch(imaged, "images.test/x")
        self.assertTrue(self.mirror.requests and self.origin.requests)

    def test_only_mirrors_of_a_blocked_registry_are_asked(self):
        imaged = self.start()
        imaged.write("registries.conf", self.registry("images.test", self.origin.host, self.mirror.host,
                                                      more="blocked = true\n"))
        self.found(imaged, "images.test/good")
        self.refused(self.resolve(imaged, "images.test/no-such"), "notFound", "mirror")
        self.assertEqual(self.origin.requests, [])

    # The file

    def test_changes_count_without_a_restart(self):
        imaged = self.start()
        imaged.write("registries.conf", self.registry("images.test", self.origin.host))
        self.found(imaged, "images.test/good")
        imaged.write("registries.conf.d/50-block.conf", '[[registry]]\nlocation = "images.test"\nblocked = true\n')
        time.sleep(1.1)
        self.refused(self.resolve(imaged, "images.test/good"), "permissionDenied", "blocked")
        imaged.write("registries.conf.d/60-broken.conf", "\n\nshort-name-mode = 7\n")
        time.sleep(1.1)
        self.refused(self.resolve(imaged, "images.test/good"), "failedPrecondition", "registries.conf.d/60-broken.conf:3")
        os.unlink(imaged.path("registries.conf.d/60-broken.conf"))
        imaged.write("registries.conf", "[registries.search]\nregistries = ['docker.io']\n")
        time.sleep(1.1)
        self.refused(self.resolve(imaged, "images.test/good"), "failedPrecondition", "version 1")
        imaged.write("registries.conf", "", mode=0o666)
        time.sleep(1.1)
        self.refused(self.resolve(imaged, "images.test/good"), "failedPrecondition", "writable by group or others")

    def test_the_own_tables_come_before_it(self):
        imaged = self.start(self.registry("images.test", self.mirror.host) + self.registry("kept.test", self.mirror.host))
        imaged.write("registries.conf", self.registry("images.test", self.origin.host))
        self.found(imaged, "images.test/good")
        self.assertEqual(self.mirror.requests, [])
        self.found(imaged, "kept.test/good")
        self.assertTrue(self.mirror.requests)

    # Short names

    def test_short_names(self):
        imaged = self.start()
        places = self.registry(self.origin.host, self.origin.host) + self.registry(self.mirror.host, self.mirror.host)
        search = f'unqualified-search-registries = ["{self.mirror.host}", "{self.origin.host}"]\n'
        aliases = f'[aliases]\nnick = "{self.origin.host}/good"\n'
        imaged.write("registries.conf", search + places + aliases)
        self.refused(self.resolve(imaged, "good"), "failedPrecondition", "ambiguous")
        self.found(imaged, "nick", self.origin.host + "/good:latest")
        self.assertEqual(self.mirror.requests, [])
        self.origin.requests.clear()

        imaged.write("registries.conf", search + 'short-name-mode = "disabled"\n' + places)
        time.sleep(1.1)
        self.assertEqual(self.call(imaged, "names", "flaky")[0]["names"],
                         [self.mirror.host + "/flaky:latest", self.origin.host + "/flaky:latest"])
        self.assertEqual(self.call(imaged, "names", "a.test/x:1")[0]["names"], ["a.test/x:1"])
        self.found(imaged, "good", self.mirror.host + "/good:latest")
        self.assertEqual(self.origin.requests, [])
        self.mirror.peers["token_behaviour"] = "refuse"
        self.origin.peers["token_behaviour"] = "anonymous"
        self.found(imaged, "token", self.origin.host + "/token:latest")

        imaged.write("registries.conf", f'unqualified-search-registries = ["{self.origin.host}"]\n' + places)
        time.sleep(1.1)
        self.found(imaged, "good", self.origin.host + "/good:latest")

    # Credentials

    def test_auth_files(self):
        imaged = self.start(top='global_auth_file = "@HERE@/auth.json"\nnamespaced_auth_dir = "@HERE@/auth"\n')
        imaged.write("registries.conf", self.registry("images.test", self.origin.host, self.mirror.host))
        self.refused(self.resolve(imaged, "images.test/basic"), "permissionDenied")
        imaged.write("auth.json", json.dumps({"auths": {self.origin.host: ENTRY}}))
        os.chown(imaged.path("auth.json"), 0, IMAGE_UID)
        os.chmod(imaged.path("auth.json"), 0o640)
        self.found(imaged, "images.test/basic")
        self.assertEqual({r[3] for r in self.mirror.requests}, {None}, "the entry does not name the mirror")
        self.fetch(imaged, "images.test/basic")
        self.assertEqual({r[3] for r in self.mirror.requests}, {None})

        imaged.write("auth.json", json.dumps({"auths": {self.origin.host: ENTRY, self.mirror.host + "/basic": ENTRY}}))
        self.origin.requests.clear()
        self.found(imaged, "images.test/basic")
        self.assertEqual(self.origin.requests, [])

        imaged.write("auth.json", "{}", mode=0o600)
        self.refused(self.resolve(imaged, "images.test/basic"), "failedPrecondition", f"uid {IMAGE_UID}")
        imaged.write("auth.json", "S3CRET")
        self.refused(self.resolve(imaged, "images.test/basic"), "failedPrecondition", "auth.json: is not a JSON object")

    def test_auth_files_of_namespaces(self):
        imaged = self.start(top='namespaced_auth_dir = "@HERE@/auth"\n')
        imaged.write("registries.conf", self.registry("images.test", self.origin.host))
        name = hashlib.sha256(b"images.test/basic").hexdigest()
        imaged.write(f"auth/team-{name}.json", json.dumps({"auths": {self.origin.host: ENTRY}}))
        self.found(imaged, "images.test/basic", namespace="team")
        self.fetch(imaged, "images.test/basic", namespace="team")
        for other in ("", "other"):
            self.refused(self.resolve(imaged, "images.test/basic", namespace=other), "permissionDenied")
        for bad in ("../team", "a" * 64, "Team"):
            self.refused(self.resolve(imaged, "images.test/basic", namespace=bad), "invalidArgument", "namespace")

    def test_the_requests_credential_comes_first(self):
        imaged = self.start(top='global_auth_file = "@HERE@/auth.json"\n')
        imaged.write("registries.conf", self.registry(self.origin.host, self.origin.host))
        wrong = {"auth": base64.b64encode(b"user:wrong").decode()}
        imaged.write("auth.json", json.dumps({"auths": {self.origin.host: wrong}}))
        self.refused(self.resolve(imaged, self.origin.host + "/basic"), "permissionDenied")
        self.found(imaged, self.origin.host + "/basic", **CREDENTIAL)

    def test_one_token_serves_all_layers(self):
        imaged = self.start(self.registry(self.origin.host, self.origin.host))
        self.origin.peers["token_seconds"] = 300
        name = self.origin.host + "/token"
        self.found(imaged, name, **CREDENTIAL)
        for _ in range(5):
            self.fetch(imaged, name, **CREDENTIAL)
        self.assertEqual(len(self.tokens()), 1)
        self.refused(self.resolve(imaged, name), "permissionDenied")  # who has no credential has no token either
        self.assertEqual(len(self.tokens()), 2)
        self.found(imaged, name, **{"auth.auth": ENTRY["auth"]})
        self.assertEqual(len(self.tokens()), 3, "another spelling is another credential")

    def tokens(self):
        return [request for request in self.origin.requests if request[2].startswith("/token")]

    # TLS

    def test_certificates_by_registry(self):
        server = make_certificate(self.scratch.name, f"IP:{PUBLIC}")
        client = make_certificate(self.scratch.name, "DNS:client")
        private = fake.Registry(PUBLIC, server)
        strict = fake.Registry(PUBLIC, server, client[0])
        imaged = self.start()
        self.refused(self.resolve(imaged, private.host + "/good"), "failedPrecondition", "not trusted")
        for registry in (private, strict):
            os.makedirs(imaged.path("certs.d/" + registry.host))
            shutil.copy(server[0], imaged.path(f"certs.d/{registry.host}/ca.crt"))
        # More than fits a packet without a memfd.
        with open(server[0]) as file:
            imaged.write(f"certs.d/{private.host}/many.crt", file.read() * 200)
        time.sleep(1.1)
        self.found(imaged, private.host + "/good")
        self.refused(self.resolve(imaged, strict.host + "/good"), "unavailable")
        shutil.copy(client[0], imaged.path(f"certs.d/{strict.host}/client.cert"))
        time.sleep(1.1)
        self.refused(self.resolve(imaged, strict.host + "/good"), "failedPrecondition", "client.key: is missing")
        shutil.copy(client[1], imaged.path(f"certs.d/{strict.host}/client.key"))
        os.chown(imaged.path(f"certs.d/{strict.host}/client.key"), IMAGE_UID, 0)
        time.sleep(1.1)
        self.found(imaged, strict.host + "/good")
        self.fetch(imaged, strict.host + "/good")
        # A redirect to a host of certs.d is trusted by that host's anchors.
        private.peers["cdn"] = private.url
        imaged.write("registries.conf", self.registry(self.origin.host, self.origin.host))
        time.sleep(1.1)
        self.origin.peers["cdn"] = private.url
        self.fetch(imaged, self.origin.host + "/redirect", **CREDENTIAL)

    def test_a_certificate_that_is_none(self):
        imaged = self.start()
        registry = fake.Registry(PUBLIC, make_certificate(self.scratch.name, f"IP:{PUBLIC}"))
        imaged.write(f"certs.d/{registry.host}/client.cert", "nonsense")
        imaged.write(f"certs.d/{registry.host}/client.key", "nonsense")
        self.refused(self.resolve(imaged, registry.host + "/good"), "failedPrecondition", "certs.d")

    # Proxies

    def test_proxies(self):
        certificate = make_certificate(self.scratch.name, "DNS:hidden.test")
        hidden, plain = fake.Registry(PUBLIC, certificate), fake.Registry(PUBLIC)
        proxy = Proxy({"hidden.test": PUBLIC})
        secret = "http://proxyuser:S3CRET-proxy@" + proxy.host
        ways = [{"config": f'[proxy]\nhttp = "{secret}"\nhttps = "{secret}"\nno_proxy = "direct.test"\n'},
                {"environment": {"HTTP_PROXY": secret, "https_proxy": secret, "NO_PROXY": "direct.test"}}]
        name, plain_name = ("hidden.test:" + registry.host.split(":")[1] for registry in (hidden, plain))
        for way in ways:
            imaged = self.start(**way)
            with self.subTest(way):
                os.makedirs(imaged.path("certs.d/" + name))
                shutil.copy(certificate[0], imaged.path(f"certs.d/{name}/ca.crt"))
                imaged.write("registries.conf", self.registry(plain_name, plain_name)
                             + self.registry(self.origin.host, self.origin.host))
                proxy.requests.clear()
                self.found(imaged, name + "/basic", **CREDENTIAL)
                self.fetch(imaged, name + "/basic", **CREDENTIAL)
                self.assertTrue(all(line.startswith("CONNECT hidden.test:") for line, _, _ in proxy.requests))
                expected = "Basic " + base64.b64encode(b"proxyuser:S3CRET-proxy").decode()
                self.assertEqual({(user, credential) for _, user, credential in proxy.requests}, {(expected, None)})
                self.found(imaged, plain_name + "/good")  # plain HTTP, after TLS was not spoken
                self.assertTrue(any(line.startswith("GET http://hidden.test:") for line, _, _ in proxy.requests))
                proxy.requests.clear()
                self.found(imaged, self.origin.host + "/good")  # loopback is reached directly
                self.refused(self.resolve(imaged, "direct.test/good"), "unavailable", "does not resolve")
                self.assertEqual(proxy.requests, [])
                self.refused(self.resolve(imaged, "unknown.test/good"), "unavailable", "proxy")

    # Transfers

    def test_transfers_wait_for_their_turn(self):
        imaged = self.start(self.registry(self.origin.host, self.origin.host) + "[pull]\nmax_parallel = 1\n")
        words = (fake.digest(fake.LAYER), str(len(fake.LAYER)))
        first = imaged.call("fetch", self.origin.host + "/stalled", *words)
        self.assertTrue(eventually(lambda: any("/stalled/" in request[2] for request in self.origin.requests)))
        second = imaged.call("fetch", self.origin.host + "/good", *words)
        self.found(imaged, self.origin.host + "/good")  # documents do not wait for blobs
        time.sleep(0.5)
        self.assertFalse(any("/blobs/" + words[0] in request[2] and "/good/" in request[2] for request in self.origin.requests))
        first.kill()
        first.communicate()
        data, answer = second.communicate(timeout=20)
        self.assertEqual((data, json.loads(answer)), (fake.LAYER, {"bytes": len(fake.LAYER)}))

    def test_artifacts(self):
        imaged = self.start(self.registry(self.origin.host, self.origin.host))
        answer = self.resolve(imaged, self.origin.host + "/artifact")
        self.assertEqual((answer.get("manifest"), answer.get("config")), (fake.ARTIFACT.decode(), "{}"))


if __name__ == "__main__":
    enter_own_namespaces()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
