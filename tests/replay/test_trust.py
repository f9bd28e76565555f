"""Whose images run: cve.md W14, and D1 where it is about signatures."""

import json
import os
import shutil
import tempfile
import unittest

import cri
import image
from cri import api
from replay import Peaks, REFUSED, Replay
from test_registry import endless

REJECT = {"default": [{"type": "reject"}]}
ANYTHING = {"default": [{"type": "insecureAcceptAnything"}]}


class Trust(Replay):
    @classmethod
    def setUpClass(cls):
        cls.trust = tempfile.mkdtemp(prefix="bh-trust-", dir="/tmp")
        cls.addClassCleanup(shutil.rmtree, cls.trust)
        os.chmod(cls.trust, 0o755)
        os.mkdir(cls.trust + "/registries.d")
        cls.config = (f'[pull]\nprogress_timeout_seconds = 3\n[trust]\ndirectory = "{cls.trust}"\n'
                      f'signature_policy = "{cls.trust}/policy.json"\nsignature_policy_dir = "{cls.trust}/policies"\n'
                      f'registries_dir = "{cls.trust}/registries.d"\n')
        cls.policy(ANYTHING)
        super().setUpClass()

    @classmethod
    def policy(cls, policy):
        with open(cls.trust + "/policy.new", "w") as file:
            json.dump(policy, file)
        os.rename(cls.trust + "/policy.new", cls.trust + "/policy.json")

    # Vulnerable: an image that is already here, or that is mounted, is used whatever the policy says by now.
    def test_w14(self):
        self.addCleanup(self.policy, ANYTHING)
        root = self.serve(image.busybox_layer(), config={"Cmd": ["true"]})
        self.pull(root)
        self.addCleanup(self.remove, root)
        volume = self.serve(image.archive(image.entry("file", b"data")), repository="volume")
        self.pull(volume)
        self.addCleanup(self.remove, volume)
        artifact = self.serve_artifact()
        pod = self.run_pod()
        mount = api.Mount(container_path="/data", image=api.ImageSpec(image=volume), readonly=True)
        self.create(pod, root, mounts=[mount], name="before")
        self.policy(REJECT)
        for case, call in {
                "what is here": lambda: self.create(pod, root),
                "what is here, by id": lambda: self.create(pod, self.id_of(root)),
                "a pull of what is here": lambda: self.pull(root),
                "an artifact": lambda: self.pull(artifact)}.items():
            with self.subTest(case):
                self.rejected(call)
        registry = self.registry.address
        self.policy({**ANYTHING, "transports": {"docker": {registry + "/volume": REJECT["default"]}}})
        with self.subTest("what is mounted"):
            self.rejected(lambda: self.create(pod, root, mounts=[mount], name="mounts"))
        self.create(pod, root, name="without")

    def rejected(self, call):
        code, text = cri.code_of(call)
        self.assertTrue(text.startswith("SignatureValidationFailed: "), (code, text))
        self.assertEqual(code.name, "UNKNOWN")

    def id_of(self, reference):
        return self.client.ImageStatus(image=api.ImageSpec(image=reference)).image.id

    def serve_artifact(self):
        blob = b"weights"
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": image.MANIFEST_TYPE, "artifactType": "application/vnd.example",
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": image.digest(b"{}"), "size": 2},
            "layers": [{"mediaType": "application/octet-stream", "digest": image.digest(blob), "size": len(blob)}]}).encode()
        self.registry.answers["/v2/artifact/blobs/" + image.digest(blob)] = (200, {}, blob)
        self.registry.answers["/v2/artifact/manifests/v1"] = (200, {"Content-Type": image.MANIFEST_TYPE}, manifest)
        return self.registry.address + "/artifact:v1"

    # Vulnerable: signatures are read whole, however long they are.
    def test_cve_2020_1702(self):
        self.addCleanup(self.policy, ANYTHING)
        made = image.busybox_image()
        reference = self.registry.serve(made, repository="replay")
        digest = image.digest(made.manifest)
        with open(self.trust + "/registries.d/x.yaml", "w") as file:
            file.write(f"default-docker:\n  lookaside: http://{self.registry.address}/aside\n")
        with open(self.trust + "/key.pub", "w") as file:
            file.write("is not looked at")
        attached = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "size": 7, "digest": image.digest(b"payload")}
        tag = "/v2/replay/manifests/" + digest.replace(":", "-") + ".sig"
        places = {tag: "sigstoreSigned", "/v2/replay/blobs/" + attached["digest"]: "sigstoreSigned",
                  f"/aside/replay@{digest.replace(':', '=')}/signature-1": "signedBy"}
        with Peaks(self.instance) as peaks:
            for path, kind in places.items():
                requirement = {"type": kind, "keyPath": self.trust + "/key.pub"}
                if kind == "signedBy":
                    requirement["keyType"] = "GPGKeys"
                self.policy({"default": [requirement]})
                self.registry.answers[tag] = (200, {}, json.dumps({"layers": [attached]}).encode())
                self.registry.answers[path] = endless()
                with self.subTest(path):
                    self.refused(reference, codes=REFUSED)
                del self.registry.answers[path]
        self.assertTrue(any("fetcher" in name for name in peaks.kib), peaks.kib)
        self.assertLess(max(peaks.kib.values()), 48 << 10, peaks.kib)


if __name__ == "__main__":
    unittest.main()
