"""What registries once did to those who pulled from them: cve.md 1D, W4, W6, W7, W8, W13."""

import base64
import json
import os
import ssl
import subprocess
import tempfile
import unittest

import image
import store
from cri import api
from replay import Peaks, REFUSED, Replay

BASIC = "Basic " + base64.b64encode(b"user:hunter2").decode()
CREDENTIAL = api.AuthConfig(username="user", password="hunter2")
PUBLIC = "203.0.113.5"  # TEST-NET-3 (RFC 5737), put on loopback for this file: an address that nothing lists


def endless(status=200):
    """A body without end, as fast as it is taken."""
    def answer(handler):
        handler.wfile.write(b"HTTP/1.1 %d x\r\nConnection: close\r\n\r\n" % status)
        try:
            while True:
                handler.wfile.write(b" " * 65536)
        except OSError:
            pass
    return answer


def asking_for(challenge, answer):
    """401 with this challenge until an Authorization comes."""
    def handle(handler):
        status, headers, body = answer if "Authorization" in handler.headers else (401, {"WWW-Authenticate": challenge}, b"")
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)
    return handle


class Registry(Replay):
    others = 2

    def authorizations(self, registry):
        return [headers["Authorization"] for _, headers in registry.requests if "Authorization" in headers]

    def good(self):
        """A good image, served; (image, reference)."""
        made = image.busybox_image()
        return made, self.registry.serve(made, repository="replay")

    # Vulnerable: each of these bodies is read whole.
    def test_cve_2020_1702(self):
        made, reference = self.good()
        paths = {"manifest": "/v2/replay/manifests/v1", "config": f"/v2/replay/blobs/{image.digest(made.config)}"}
        with Peaks(self.instance) as peaks:
            for name, path in paths.items():
                for status in (200, 404, 500):
                    good = self.registry.answers[path]
                    self.registry.answers[path] = endless(status)
                    with self.subTest(name, status=status):
                        codes = {200: REFUSED, 404: ("NOT_FOUND",), 500: ("UNKNOWN",)}[status]
                        self.refused(reference, codes=codes)
                    self.registry.answers[path] = good
            self.registry.answers["/token"] = endless()
            self.registry.answers[paths["manifest"]] = asking_for(
                f'Bearer realm="http://{self.registry.address}/token"', (200, {}, made.manifest))
            with self.subTest("token"):
                self.refused(reference, auth=CREDENTIAL)
        self.assertTrue(any("fetcher" in name for name in peaks.kib), peaks.kib)
        self.assertLess(max(peaks.kib.values()), 48 << 10, peaks.kib)

    # Vulnerable: the URL of the manifest is asked, and its 401 answered with the registry's credential.
    def test_cve_2020_15157(self):
        evil = self.more[0]
        evil.answers["/*"] = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
        for foreign in ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
                        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", image.LAYER_TYPE):
            made = image.busybox_image()
            layer = made.document["layers"][0]
            layer.update(urls=[f"http://{evil.address}/layer"], mediaType=foreign)
            reference = self.registry.serve(made, repository="replay")
            if foreign != image.LAYER_TYPE:
                with self.subTest(foreign):
                    try:
                        self.pull(reference, auth=CREDENTIAL)
                        self.remove(reference)
                    except Exception as error:
                        self.assertIn("mediaType", str(error))
                continue
            self.pull(reference, auth=CREDENTIAL)  # the registry has the blob: `urls` are nobody's business
            self.remove(reference)
            del self.registry.answers["/v2/replay/blobs/" + layer["digest"]]
            self.refused(reference, auth=CREDENTIAL, codes=("NOT_FOUND",))
        self.assertEqual(evil.requests, [])

    # Vulnerable: the token server's certificate is not looked at, and the password goes there.
    def test_cve_2019_10214(self):
        subprocess.run(["ip", "address", "add", PUBLIC, "dev", "lo"], check=True)
        self.addCleanup(subprocess.run, ["ip", "address", "del", PUBLIC + "/32", "dev", "lo"], check=True)
        with tempfile.TemporaryDirectory() as directory:
            key, certificate = os.path.join(directory, "key"), os.path.join(directory, "certificate")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                            "-keyout", key, "-out", certificate, "-subj", "/CN=token", "-addext", f"subjectAltName=IP:{PUBLIC}"],
                           check=True, capture_output=True)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            tokens = type(self.registry)(address=PUBLIC, tls=context)
        self.addCleanup(tokens.stop)
        tokens.answers["/token"] = (200, {}, b'{"token":"t"}')
        _, reference = self.good()
        path = "/v2/replay/manifests/v1"
        good = self.registry.answers[path]
        self.registry.answers[path] = asking_for(f'Bearer realm="https://{tokens.address}/token"', good)
        self.refused(reference, "trusted", auth=CREDENTIAL)
        self.assertEqual(tokens.requests, [])
        # With a token server of the registry's own the same pull comes through, and the password with it.
        self.registry.answers[path] = asking_for(f'Bearer realm="http://{self.registry.address}/token"', good)
        # Not worth keeping: other tests of the same credential get none.
        self.registry.answers["/token"] = (200, {}, b'{"token":"t","expires_in":5}')
        self.pull(reference, auth=CREDENTIAL)
        self.remove(reference)
        self.assertIn(BASIC, self.authorizations(self.registry))

    # Vulnerable: these become paths and URLs.
    def test_cve_2024_3727(self):
        bad = ("sha256:../../../../x", "sha256", "", "sha256:", "sha256:" + "a" * 63, "sha256:" + "A" * 64, "sha512:abc",
               "sha256:" + "a" * 64 + "/../x", "sha256:" + "a" * 63 + "\0", 5, None)
        for digest in bad:
            for place in ("index", "config", "layer", "diff_id"):
                made = image.busybox_image()
                with self.subTest(digest=digest, place=place):
                    self.refused(self.registry.serve(*self.with_digest(made, place, digest)))
        for path, _ in self.registry.requests:
            self.assertNotIn("..", path)

    def with_digest(self, made, place, digest):
        """The arguments of serve() for an image that has this digest in this place."""
        if place == "index":
            index = json.loads(made.index())
            index["manifests"][0]["digest"] = digest
            return made, "replay", "v1", json.dumps(index).encode(), image.INDEX_TYPE
        if place == "diff_id":
            config = json.loads(made.config)
            config["rootfs"]["diff_ids"] = [digest]
            made.blobs.pop(made.document["config"]["digest"])
            made.config = json.dumps(config).encode()
            made.blobs[image.digest(made.config)] = made.config
            made.document["config"].update(digest=image.digest(made.config), size=len(made.config))
        else:
            (made.document["config"] if place == "config" else made.document["layers"][0])["digest"] = digest
        return made, "replay"

    # Vulnerable: the same digest is a manifest to one reader and an index to another.
    def test_cve_2021_41190(self):
        made = image.busybox_image()
        index = json.loads(made.index())
        plain = json.dumps(made.document)
        documents = {
            "manifest with manifests": {**made.document, "manifests": index["manifests"]},
            "manifest with empty manifests": {**made.document, "manifests": []},
            "manifest with fsLayers": {**made.document, "fsLayers": []},
            "index with config": {**index, "config": made.document["config"]},
            "index with layers": {**index, "layers": made.document["layers"]},
            "index with fsLayers": {**index, "fsLayers": []},
            "manifest that says index": {**made.document, "mediaType": image.INDEX_TYPE},
            "index that says manifest": {**index, "mediaType": image.MANIFEST_TYPE},
            "two layers keys": plain[:-1] + ', "layers": []}',
            "two mediaType keys": '{"mediaType": "%s", ' % image.INDEX_TYPE + plain[1:],
            "two digest keys": plain.replace('"digest": "', '"digest": "sha256:%s", "digest": "' % ("0" * 64), 1),
        }
        for name, document in documents.items():
            body = document.encode() if isinstance(document, str) else json.dumps(document).encode()
            for kind in (image.MANIFEST_TYPE, image.INDEX_TYPE):
                with self.subTest(name, kind=kind):
                    self.registry.serve(made, "replay")  # what an index leads to is there
                    self.refused(self.registry.serve(made, "replay", "v1", body, kind))
        for body in (made.manifest, made.index()):  # the halves of which these were made are fine
            self.registry.serve(made, "replay")
            reference = self.registry.serve(made, "replay", "v1", body,
                                            image.MANIFEST_TYPE if body == made.manifest else image.INDEX_TYPE)
            self.pull(reference)
            self.remove(reference)

    # D6, D7. Vulnerable: keys are asked for one platform only; a crafted JWE is a panic. We do not decrypt, and say so.
    def test_cve_2022_24778_and_cve_2026_34986(self):
        annotations = {"org.opencontainers.image.enc.keys.jwe": base64.b64encode(b'{"protected":"","recipients":[{}]}').decode(),
                       "org.opencontainers.image.enc.pubopts": "e30="}
        for jwe in (annotations, {**annotations, "org.opencontainers.image.enc.keys.jwe": "AAAA"}, {}):
            made = image.busybox_image()
            made.document["layers"][0].update(mediaType=image.LAYER_TYPE + "+encrypted", annotations=jwe)
            self.refused(self.registry.serve(made, "replay"), "mediaType")

    # Vulnerable: an annotation maps the owners of the layer's files.
    def test_w4_annotations_do_not_steer(self):
        made = image.Image([image.archive(image.entry("f", b"x", uid=7, gid=8))], {"Cmd": ["x"]})
        steer = {"containerd.io/snapshot/uidmapping": "0:1000:65536", "containerd.io/snapshot/gidmapping": "0:1000:65536",
                 "io.containers.zstd-chunked.manifest-checksum": "sha256:" + "0" * 64,
                 "org.opencontainers.image.ref.name": "docker.io/library/nginx:latest",
                 "io.containerd.image.name": "docker.io/library/nginx:latest"}
        made.document["layers"][0]["annotations"] = steer
        made.document["annotations"] = steer
        reference = self.registry.serve(made, "replay")
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        [(_, root)] = store.named_layers(self.storage)[reference]
        info = os.lstat(root + "/f")
        self.assertEqual((info.st_uid, info.st_gid), (7, 8))
        self.assertEqual([list(each.repo_tags) for each in self.client.ListImages().images], [[reference]])

    # Vulnerable: Authorization goes on to where the redirect points.
    def test_w6_redirects_carry_no_credential(self):
        other, plain = self.more
        made, reference = self.good()
        layer = made.document["layers"][0]["digest"]
        for target in (f"http://{other.address}", f"http://user:hunter2@{other.address}"):
            with self.subTest(target):
                for path, answer in list(self.registry.answers.items()):
                    if not callable(answer):
                        self.registry.answers[path] = asking_for('Basic realm="x"', answer)
                self.registry.answers[f"/v2/replay/blobs/{layer}"] = asking_for(
                    'Basic realm="x"', (307, {"Location": target + "/there"}, b""))
                other.answers["/there"] = (200, {}, made.blobs[layer])
                if "@" in target:
                    self.refused(reference, auth=CREDENTIAL)
                else:
                    self.pull(reference, auth=CREDENTIAL)
                    self.remove(reference)
                    self.assertEqual(len(other.requests), 1)
        self.assertIn(BASIC, self.authorizations(self.registry))
        self.assertEqual(self.authorizations(other) + self.authorizations(plain), [])

    # Vulnerable: the signed address is in the pod's event and in the log.
    def test_w7_signed_addresses_stay_secret(self):
        made, reference = self.good()
        layer = made.document["layers"][0]["digest"]
        for target in (f"http://{self.more[0].address}/gone?X-Amz-Signature=S3CRET", "http://127.0.0.1:1/?sig=S3CRET",
                       "http://203.0.113.77:1/?sig=S3CRET", "https://S3CRET.invalid/?sig=S3CRET"):
            for path in (f"/v2/replay/blobs/{layer}", "/v2/replay/manifests/v1"):
                good = self.registry.answers[path]
                self.registry.answers[path] = (307, {"Location": target}, b"S3CRET")
                with self.subTest(target, path=path):
                    text = self.refused(reference, codes=REFUSED + ("UNKNOWN", "NOT_FOUND", "PERMISSION_DENIED"))
                    self.assertNotIn("S3CRET", text)
                self.registry.answers[path] = good
        self.assertNotIn("S3CRET", self.instance.daemon_log())
        self.assertTrue(self.more[0].requests)

    # Vulnerable: the path climbs to another repository, or the escape to another host.
    def test_w8_names_do_not_climb(self):
        address = self.registry.address
        for name in (f"{address}/../replay", f"{address}/x/../replay", f"{address}/%2e%2e/replay", f"{address}/./replay",
                     f"{address}/%2Freplay", f"{address}//replay", f"{address}/replay?x=y", f"{address}/replay#x",
                     f"user@{address}/replay", f"http://{address}/replay", f"{address}\\@evil/replay", f"{address}/replay\r\nX: y",
                     f"{address}/replay:v1/../x", f"{address}/replay@sha256:../x", f"{address}/..", "../replay", "/etc/passwd",
                     "/tmp/x.tar", "oci:/tmp/x", "docker-archive:/etc/passwd"):
            with self.subTest(name):
                self.refused(name, codes=("INVALID_ARGUMENT",))
        self.assertEqual(self.registry.requests, [])

    # Vulnerable: uncompressed layers are kept in memory whole, one beside the other.
    def test_w13_many_uncompressed_layers(self):
        layers = [image.archive(image.entry(str(number), os.urandom(4 << 20))) for number in range(20)]
        with Peaks(self.instance) as peaks:
            reference = self.serve(*layers, compress=lambda data: data, layer_type=image.LAYER_TYPE.removesuffix("+gzip"))
            self.pull(reference)
        self.remove(reference)
        self.assertLess(max(peaks.kib.values()), 48 << 10, peaks.kib)


del Replay

if __name__ == "__main__":
    unittest.main()
