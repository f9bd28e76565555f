#!/usr/bin/env python3
"""bulkhead-imaged, confined as it will run, against registries that misbehave (fake_registry.py).

usage: imaged_test.py BIN_DIRECTORY TESTS_DIRECTORY [unittest arguments]

Needs root; runs in network and mount namespaces of its own: loopback also has two "public" addresses, there is a name
server, and one certificate is trusted.
"""

import json
import os
import signal
import sys
import tempfile
import time
import unittest

import fake_registry as fake
from harness import (CODES, IMAGE_UID, OTHER_PUBLIC, PUBLIC, Imaged, NameServer, bind_over,
                     enter_own_namespaces, eventually, make_certificate, status_of)

CREDENTIAL = {"auth.username": fake.USERNAME, "auth.password": fake.PASSWORD}


class ImagedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory()
        certificate = make_certificate(cls.scratch.name, f"IP:127.0.0.1,IP:{PUBLIC}")
        trusted = make_certificate(cls.scratch.name, "DNS:registry.test")
        with open(trusted[0]) as file:
            bind_over("/etc/ssl/certs/ca-certificates.crt", file.read())
        bind_over("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        cls.names = NameServer()
        cls.trusted = fake.Registry(PUBLIC, trusted)
        cls.plain = fake.Registry("127.0.0.1")
        cls.tls = fake.Registry("127.0.0.1", certificate)
        cls.public = fake.Registry(PUBLIC)
        cls.public_tls = fake.Registry(PUBLIC, certificate)
        cls.other = fake.Registry(OTHER_PUBLIC)
        cls.unlisted = fake.Registry("127.0.0.1")
        cls.everyone = [cls.plain, cls.tls, cls.public, cls.public_tls, cls.other, cls.unlisted]
        listed = "".join(f'[[registry]]\nprefix = "{r.host}"\ninsecure = true\n'
                         for r in (cls.plain, cls.tls, cls.public))
        cls.imaged = Imaged(listed + f"""
[[registry]]
prefix = "moved.test/team"
location = "{cls.plain.host}/good"
insecure = true
[[registry]]
prefix = "blocked.test"
blocked = true
[[registry]]
prefix = "127.0.0.1:1"
insecure = true
[pull]
progress_timeout_seconds = 2
""")

    @classmethod
    def tearDownClass(cls):
        log = cls.imaged.log()
        cls.imaged.stop()
        cls.scratch.cleanup()
        died = [line for line in log.splitlines() if "fetcher died" in line or "failed" in line]
        assert not died and "S3CRET" not in log, log

    def setUp(self):
        for registry in self.everyone:
            registry.requests.clear()
            registry.peers.clear()
            registry.flaky = 0

    def resolve(self, reference, **settings):
        process = self.imaged.call("resolve", reference, **settings)
        _, answer = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, answer)
        self.assertNotIn(b"S3CRET", answer)
        return json.loads(answer)

    def fetch(self, reference, blob=fake.LAYER, size=None, **settings):
        process = self.imaged.call("fetch", reference, fake.digest(blob), str(len(blob) if size is None else size),
                                   **settings)
        data, answer = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, answer)
        self.assertNotIn(b"S3CRET", answer)
        return json.loads(answer), data

    def assert_refused(self, answer, code, text=""):
        self.assertIn("refused", answer)
        refusal = answer["refused"]
        self.assertEqual(CODES[refusal["code"]], code, refusal)
        self.assertIn(text, refusal["field"] + ": " + refusal["reason"])
        return refusal

    def assert_unreachable(self, answer):
        refusal = self.assert_refused(answer, "unavailable")
        self.assertEqual(refusal["field"], "")
        self.assertTrue(refusal["reason"].startswith("RegistryUnavailable: "), refusal)

    def secrets_seen_by(self, registry):
        return [request for request in registry.requests if "S3CRET" in str(request) or request[3]]

    # The door

    def test_refuses_another_user_at_the_socket(self):
        for uid in (0, IMAGE_UID, 12345):
            process = self.imaged.call("resolve", self.plain.host + "/good", uid=uid)
            process.communicate(timeout=10)
            self.assertNotEqual(process.returncode, 0)
        self.assertEqual(self.plain.requests, [])

    def test_refuses_malformed_arguments(self):
        self.assert_refused(self.resolve("UPPER/case"), "invalidArgument", "image")
        self.assert_refused(self.resolve("a@sha256:123"), "invalidArgument", "image")
        self.assert_refused(self.resolve(self.plain.host + "/good", **{"auth.auth": "%%%"}), "invalidArgument", "auth")
        self.assert_refused(self.resolve(self.plain.host + "/good", **{"auth.password": "x" * 50000}),
                            "invalidArgument", "auth")
        self.assert_refused(self.resolve(self.plain.host + "/good", **{"platform.os": "x" * 65}),
                            "invalidArgument", "platform")
        process = self.imaged.call("fetch", self.plain.host + "/good", "sha256:../../x", "1")
        self.assert_refused(json.loads(process.communicate()[1]), "invalidArgument", "digest")
        self.assertEqual(self.plain.requests, [])

    def test_refuses_a_sink_that_is_no_pipe(self):
        with tempfile.TemporaryFile() as file:
            process = self.imaged.call("fetch", self.plain.host + "/good", fake.digest(fake.LAYER), "5", stdout=file)
            self.assert_refused(json.loads(process.communicate()[1]), "invalidArgument", "sink")

    # Registries that misbehave

    def test_unreachable_registries(self):
        for behaviour in ("trouble", "silent", "busy", "stalled"):
            with self.subTest(behaviour):
                self.assert_unreachable(self.resolve(f"{self.plain.host}/{behaviour}"))
        self.assert_unreachable(self.resolve("127.0.0.1:1/nobody"))
        self.assert_unreachable(self.resolve("no-such-host.invalid/x"))

    def test_missing_and_forbidden_images(self):
        self.assert_refused(self.resolve(self.plain.host + "/no-such"), "notFound")
        self.assert_refused(self.resolve(self.plain.host + "/good:no-such-tag"), "notFound", "no-such-tag")
        self.assert_refused(self.resolve(self.plain.host + "/endless-error"), "notFound")
        self.assert_refused(self.resolve(self.plain.host + "/forbidden"), "permissionDenied")

    def test_garbage(self):
        for behaviour in ("garbage", "brackets", "nonsense", "headers", "loop", "to-file"):
            with self.subTest(behaviour):
                self.assert_refused(self.resolve(f"{self.plain.host}/{behaviour}"), "failedPrecondition")
        self.assert_refused(self.resolve(self.plain.host + "/odd-digest"), "invalidArgument", "config.digest")
        self.assertFalse(any("passwd" in request[2] for request in self.plain.requests))

    def test_an_endless_manifest_is_cut_off(self):
        self.assert_refused(self.resolve(self.plain.host + "/endless"), "resourceExhausted", "limit")

    def test_no_image_for_the_platform(self):
        answer = self.resolve(self.plain.host + "/good:multi", **{"platform.architecture": "s390x"})
        self.assert_refused(answer, "failedPrecondition", "linux/s390x")

    # Where we do not go

    def test_the_node_itself_is_out_of_reach(self):
        answer = self.resolve(self.unlisted.host + "/good")
        self.assert_refused(answer, "permissionDenied", "loopback")
        self.assertEqual(self.unlisted.requests, [])

    def test_redirects_to_the_node_are_not_followed(self):
        self.assert_refused(self.resolve(self.plain.host + "/to-metadata"), "permissionDenied", "169.254.169.254")
        self.public.peers["cdn"] = self.unlisted.url
        answer, _ = self.fetch(self.public.host + "/redirect", **CREDENTIAL)
        self.assert_refused(answer, "permissionDenied")
        self.assertEqual(self.unlisted.requests, [])

    def test_unlisted_registries_need_trusted_tls(self):
        self.assert_unreachable(self.resolve(self.other.host + "/good", **CREDENTIAL))
        self.assert_refused(self.resolve(self.public_tls.host + "/good", **CREDENTIAL), "failedPrecondition", "trusted")
        self.assertEqual(self.other.requests + self.public_tls.requests, [])

    def test_blocked_and_moved_registries(self):
        for name in ("blocked.test", "BLOCKED.test", "blocked.test:443"):
            self.assert_refused(self.resolve(name + "/x"), "permissionDenied", "blocked")
        self.assert_refused(self.resolve("moved.test/team/x"), "notFound")
        self.assertEqual([r[2] for r in self.plain.requests][-1], "/v2/good/x/manifests/latest")

    def test_a_listed_registry_opens_its_own_port_only(self):
        self.plain.peers["cdn"] = self.plain.peers["token"] = self.unlisted.url
        self.assert_refused(self.fetch(self.plain.host + "/redirect", **CREDENTIAL)[0], "permissionDenied")
        self.assert_refused(self.resolve(self.plain.host + "/token", **CREDENTIAL), "permissionDenied")
        self.assertEqual(self.unlisted.requests, [])

    def test_a_redirect_to_another_listed_registry_is_followed(self):
        self.plain.peers["cdn"] = self.tls.url
        self.assertEqual(self.fetch(self.plain.host + "/redirect", **CREDENTIAL)[1], fake.LAYER)
        self.assertEqual(self.tls.authorizations(), [None])

    # Credentials

    def test_wrong_and_missing_credentials(self):
        wrong = {"auth.username": "user", "auth.password": "wrong"}
        for repository in ("token", "basic"):
            for settings in ({}, wrong, {"auth.registryToken": "wrong"}, {"auth.identityToken": "wrong"},
                             {"auth.serverAddress": "https://elsewhere.test/", **CREDENTIAL}):
                with self.subTest(repository=repository, settings=settings):
                    answer = self.resolve(f"{self.plain.host}/{repository}", **settings)
                    self.assert_refused(answer, "permissionDenied")
        self.assert_refused(self.resolve(self.plain.host + "/no-realm", **CREDENTIAL), "failedPrecondition")
        self.assert_refused(self.resolve(self.plain.host + "/wordy", **CREDENTIAL), "failedPrecondition", "too long")

    def test_each_kind_of_credential(self):
        ways = [("token", CREDENTIAL), ("basic", CREDENTIAL), ("token", {"auth.auth": fake.BASIC[6:]}),
                ("token", {"auth.identityToken": fake.REFRESH_TOKEN}), ("token", {"auth.registryToken": fake.TOKEN}),
                ("basic", {"auth.serverAddress": "http://" + self.plain.host + "/v1/", **CREDENTIAL})]
        for repository, settings in ways:
            with self.subTest(repository=repository, settings=settings):
                answer = self.resolve(f"{self.plain.host}/{repository}", **settings)
                self.assertEqual(answer.get("config"), fake.CONFIG.decode())

    def test_anonymous_token(self):
        self.plain.peers["token_behaviour"] = "anonymous"
        self.assertIn("config", self.resolve(self.plain.host + "/token"))

    def test_token_servers_that_misbehave(self):
        self.plain.peers["token_behaviour"] = "endless"
        self.assert_refused(self.resolve(self.plain.host + "/token", **CREDENTIAL), "resourceExhausted")
        self.plain.peers["token_behaviour"] = "broken-token"
        self.assert_refused(self.resolve(self.plain.host + "/token", **CREDENTIAL), "failedPrecondition")

    def test_no_credential_for_a_token_server_without_trusted_tls(self):
        self.plain.peers["token"] = self.public.url  # plain HTTP on another host
        self.assert_refused(self.resolve(self.plain.host + "/token", **CREDENTIAL), "permissionDenied", "without TLS")
        self.plain.peers["token"] = self.public_tls.url  # CVE-2019-10214
        answer = self.resolve(self.plain.host + "/token", **CREDENTIAL)
        self.assert_refused(answer, "failedPrecondition", "not trusted")
        self.assertEqual(self.public.requests + self.public_tls.requests, [])

    def test_redirects_carry_no_credential(self):
        self.plain.peers["cdn"] = self.public.url
        answer, data = self.fetch(self.plain.host + "/redirect", **CREDENTIAL)
        self.assertEqual(answer, {"bytes": len(fake.LAYER)})
        self.assertEqual(data, fake.LAYER)
        self.assertEqual(len(self.public.requests), 1)
        self.assertEqual(self.public.authorizations(), [None])

    def test_a_redirect_target_cannot_ask_for_the_credential(self):
        self.plain.peers["cdn"] = self.public.url
        self.assert_refused(self.resolve(self.plain.host + "/sly", **CREDENTIAL), "permissionDenied")
        self.assertEqual(self.public.authorizations(), [None])

    def test_failing_redirects_keep_their_address_secret(self):
        self.plain.peers["cdn"] = "http://203.0.113.1:1"
        answer, _ = self.fetch(self.plain.host + "/redirect", **CREDENTIAL)
        self.assert_unreachable(answer)

    # Images

    def test_documents(self):
        single = self.resolve(self.plain.host + "/good")
        self.assertEqual(single.pop("reference"), self.plain.host + "/good:latest")
        self.assertEqual(single, {"index": "", "manifest": fake.MANIFEST.decode(), "config": fake.CONFIG.decode()})
        multi = self.resolve(self.plain.host + "/good:multi", **{"platform.architecture": "amd64"})
        self.assertLess({**single, "index": fake.INDEX.decode()}.items(), multi.items())
        for name in (self.plain.host + "/good:gone@" + fake.digest(fake.MANIFEST), self.tls.host + "/good",
                     self.plain.host + "/flaky"):
            self.assertLess(single.items(), self.resolve(name).items(), name)

    def test_names_and_trusted_certificates(self):
        name = "registry.test:" + self.trusted.host.split(":")[1]
        self.assertEqual(self.resolve(name + "/basic", **CREDENTIAL).get("config"), fake.CONFIG.decode())
        answer = self.resolve(self.trusted.host + "/basic", **CREDENTIAL)  # the certificate is for the name only
        self.assert_refused(answer, "failedPrecondition", "not trusted")

    def test_blobs(self):
        for repository in ("good", "breaking", "rangeless"):
            with self.subTest(repository):
                answer, data = self.fetch(f"{self.plain.host}/{repository}")
                self.assertEqual(answer, {"bytes": len(fake.LAYER)})
                self.assertEqual(data, fake.LAYER)
        self.assertEqual(self.fetch(self.tls.host + "/good")[1], fake.LAYER)

    def test_blobs_that_are_not_what_was_declared(self):
        for repository, size in (("short", None), ("long", None), ("good", 100), ("wrong-range", None)):
            with self.subTest(repository):
                answer, data = self.fetch(f"{self.plain.host}/{repository}", size=size)
                self.assert_refused(answer, "failedPrecondition")
                self.assertEqual(data, fake.LAYER[:len(data)])
                self.assertLessEqual(len(data), len(fake.LAYER) if size is None else size)
        answer, _ = self.fetch(self.plain.host + "/good", blob=b"")
        self.assert_refused(answer, "notFound")  # nothing was wanted, and yet it is not there
        answer, data = self.fetch(self.plain.host + "/cut")
        self.assert_unreachable(answer)
        self.assertEqual(data, fake.LAYER[:1000])

    def test_a_stalled_transfer_fails(self):
        began = time.monotonic()
        answer, _ = self.fetch(self.plain.host + "/stalled")
        self.assert_unreachable(answer)
        self.assertLess(time.monotonic() - began, 20)

    def test_a_transfer_of_a_byte_now_and_then_fails(self):
        began = time.monotonic()
        answer, _ = self.fetch(self.plain.host + "/drip")
        self.assert_unreachable(answer)
        self.assertLess(time.monotonic() - began, 20)

    # Processes

    def begin_stalled(self):
        process = self.imaged.call("fetch", self.plain.host + "/stalled", fake.digest(fake.LAYER), str(len(fake.LAYER)))
        self.assertTrue(eventually(lambda: "fetcher" in self.imaged.processes()))
        return process

    def end(self, process):
        process.kill()
        process.communicate()

    def test_dropping_the_call_ends_the_fetcher(self):
        self.end(self.begin_stalled())
        self.assertTrue(eventually(lambda: "fetcher" not in self.imaged.processes(), 1.0))

    def test_a_fetcher_that_does_not_listen_is_killed(self):
        process = self.begin_stalled()
        os.kill(self.imaged.processes()["fetcher"][0], signal.SIGSTOP)
        self.end(process)
        self.assertTrue(eventually(lambda: "fetcher" not in self.imaged.processes(), 1.0))

    def test_a_reader_that_does_not_read_does_not_keep_the_fetcher(self):
        process = self.imaged.call("fetch", self.plain.host + "/good", fake.digest(fake.LAYER), str(len(fake.LAYER)))
        self.assertTrue(eventually(lambda: "fetcher" in self.imaged.processes()))
        time.sleep(3)  # longer than the progress timeout: waiting for the reader is not the registry's fault
        self.assertIn("fetcher", self.imaged.processes())
        process.kill()
        self.assertTrue(eventually(lambda: "fetcher" not in self.imaged.processes(), 1.0))
        process.communicate()

    def test_walls(self):
        process = self.begin_stalled()
        running = self.imaged.processes()
        self.assertEqual(sorted(running), ["fetch-zygote", "fetcher", "imaged"])
        for pids in running.values():
            status = status_of(pids[0])
            for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
                self.assertEqual(int(status[name], 16), 0, name)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
            self.assertEqual(set(status["Uid"].split()) | set(status["Gid"].split()), {str(IMAGE_UID)})
        net = {name: os.stat(f"/proc/{pids[0]}/ns/net").st_ino for name, pids in running.items()}
        self.assertNotEqual(net["imaged"], net["fetcher"])
        self.assertEqual(net["fetch-zygote"], net["fetcher"])
        self.end(process)


class LifeTest(unittest.TestCase):
    def start(self, config=""):
        imaged = Imaged(config)
        self.addCleanup(imaged.stop)
        return imaged

    def start_whole(self):
        imaged = self.start()
        self.assertTrue(eventually(lambda: sorted(imaged.processes()) == ["fetch-zygote", "imaged"]))
        return imaged

    def test_nothing_outlives_main(self):
        imaged = self.start_whole()
        imaged.process.kill()
        imaged.process.wait()
        self.assertTrue(eventually(lambda: not imaged.processes()))

    def test_main_does_not_live_without_its_zygote(self):
        imaged = self.start_whole()
        os.kill(imaged.processes()["fetch-zygote"][0], signal.SIGKILL)
        self.assertEqual(imaged.process.wait(timeout=5), 1)

    def test_a_bad_location_stops_the_start(self):
        imaged = self.start('[[registry]]\nprefix = "a.test"\nlocation = "UPPER/Case"\n')
        self.assertEqual(imaged.process.wait(timeout=5), 1)
        self.assertIn("'registry.location' must be host", imaged.log())


if __name__ == "__main__":
    enter_own_namespaces()
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
