"""Keys made on the spot, and signatures of images as cosign and gpg make them."""

import base64
import json
import os
import shutil
import subprocess
import tempfile

import image

SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"


def claim(reference, digest, kind):
    """containers-signature(5), "JSON data format"."""
    return json.dumps({"critical": {"type": kind, "image": {"docker-manifest-digest": digest},
                                    "identity": {"docker-reference": reference}}, "optional": None}).encode()


def run(*command, data=None, **more):
    return subprocess.run(command, input=data, check=True, capture_output=True, timeout=60, **more).stdout


class CosignKey:
    """An ECDSA key of openssl's; `public` is PEM."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="bh-key-")
        self.private = os.path.join(self.directory, "key.pem")
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", self.private)
        self.public = run("openssl", "pkey", "-in", self.private, "-pubout").decode()

    def sign(self, data):
        return run("openssl", "dgst", "-sha256", "-sign", self.private, data=data)

    def attachment(self, reference, digest):
        """(payload, annotations) of one layer."""
        payload = claim(reference, digest, "cosign container image signature")
        return payload, {"dev.cosignproject.cosign/signature": base64.b64encode(self.sign(payload)).decode()}

    def remove(self):
        shutil.rmtree(self.directory)


def attach(registry, repository, digest, attachments):
    """Has a HostileRegistry serve them beside the image, as cosign does; replaces others."""
    config = b"{}"
    layers = [{"mediaType": SIGNING_TYPE, "digest": image.digest(payload), "size": len(payload), "annotations": annotations}
              for payload, annotations in attachments]
    manifest = {"schemaVersion": 2, "mediaType": image.MANIFEST_TYPE, "layers": layers,
                "config": {"mediaType": image.CONFIG_TYPE, "digest": image.digest(config), "size": len(config)}}
    tag = digest.replace(":", "-") + ".sig"
    registry.answers[f"/v2/{repository}/manifests/{tag}"] = (200, {"Content-Type": image.MANIFEST_TYPE},
                                                            json.dumps(manifest).encode())
    for payload, _ in attachments:
        registry.answers[f"/v2/{repository}/blobs/{image.digest(payload)}"] = (200, {}, payload)


class GpgKey:
    """A key of gpg's, in a home of its own; `public` is what a policy's keyPath names."""

    def __init__(self):
        self.home = tempfile.mkdtemp(prefix="bh-gpg-", dir="/tmp")
        self.gpg("--passphrase", "", "--quick-generate-key", "dev@example.com", "rsa2048", "sign", "never")
        self.public = self.gpg("--export")

    def gpg(self, *words, data=None):
        return run("gpg", "--homedir", self.home, "--batch", "--no-tty", "--pinentry-mode", "loopback", *words, data=data)

    def message(self, reference, digest):
        return self.gpg("--sign", data=claim(reference, digest, "atomic container signature"))

    def remove(self):
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False, capture_output=True)
        shutil.rmtree(self.home, ignore_errors=True)
