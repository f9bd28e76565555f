"""Whose images are run is root's to say: policy.json and registries.d, through the CRI, with keys made here."""

import base64
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import cri
import image
import signing
from cri import api
from hostile import HostileRegistry
from instance import Instance

CONFIG = """[trust]
directory = "@ROOT@/trust"
signature_policy = "@ROOT@/trust/policy.json"
signature_policy_dir = "@ROOT@/trust/policies"
registries_dir = "@ROOT@/registries.d"
"""
ANYTHING = [{"type": "insecureAcceptAnything"}]
REJECT = [{"type": "reject"}]


class Signatures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.key, cls.other_key, cls.gpg = signing.CosignKey(), signing.CosignKey(), signing.GpgKey()
        for key in (cls.key, cls.other_key, cls.gpg):
            cls.addClassCleanup(key.remove)
        cls.registry, cls.store = HostileRegistry(), HostileRegistry()
        cls.addClassCleanup(cls.registry.stop)
        cls.addClassCleanup(cls.store.stop)
        cls.instance = Instance(registries=[cls.registry.address], config=CONFIG)
        cls.addClassCleanup(cls.instance.remove)
        for name in ("trust/policies", "registries.d"):
            os.makedirs(cls.path(name), mode=0o755)
        cls.write("trust/policy.json", json.dumps({"default": ANYTHING}))
        cls.write("trust/cosign.pub", cls.key.public)
        cls.write("trust/other.pub", cls.other_key.public)
        cls.write("trust/gpg.pub", cls.gpg.public)
        cls.instance.start()
        cls.client = cls.instance.client
        cls.count = 0

    def setUp(self):
        """An image that nobody has seen, in a repository of its own."""
        type(self).count += 1
        self.repository = f"team/app{self.count}"
        self.name = f"{self.registry.address}/{self.repository}"
        self.image = image.busybox_image(Labels={"number": str(self.count)})
        self.reference = self.registry.serve(self.image, self.repository)
        self.digest = image.digest(self.image.manifest)
        self.policy({"default": ANYTHING})

    @classmethod
    def path(cls, name):
        return os.path.join(cls.instance.root, name)

    @classmethod
    def write(cls, name, content):
        """In one step: a policy is never there by half."""
        with open(cls.path(name) + ".new", "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        os.chmod(cls.path(name) + ".new", 0o644)
        os.rename(cls.path(name) + ".new", cls.path(name))

    def policy(self, policy, name="policy.json"):
        self.write("trust/" + name, json.dumps(policy))

    def for_this(self, *requirements):
        return {"default": REJECT, "transports": {"docker": {self.name: list(requirements)}}}

    def sigstore_signed(self, key="cosign.pub", **more):
        return {"type": "sigstoreSigned", "keyPath": self.path("trust/" + key), **more}

    def signed_by(self, **more):
        return {"type": "signedBy", "keyType": "GPGKeys", "keyPath": self.path("trust/gpg.pub"), **more}

    def registries_d(self, text):
        self.write("registries.d/test.yaml", text)
        self.addCleanup(pathlib.Path(self.path("registries.d/test.yaml")).unlink, missing_ok=True)

    def attach(self, *attachments):
        signing.attach(self.registry, self.repository, self.digest, attachments)

    def pull(self, namespace="", reference=None):
        sandbox = api.PodSandboxConfig(metadata=api.PodSandboxMetadata(name="p", uid="u", namespace=namespace))
        return self.client.PullImage(image=api.ImageSpec(image=reference or self.reference), sandbox_config=sandbox)

    def refused(self, function, *arguments, word="SignatureValidationFailed: ", **fields):
        """As the kubelet looks for it: the word begins the text, and there is no other code."""
        code, text = cri.code_of(lambda: function(*arguments, **fields))
        self.assertEqual(code.name, "UNKNOWN", text)
        self.assertTrue(text.startswith(word), text)
        return text

    def is_here(self):
        return self.client.ImageStatus(image=api.ImageSpec(image=self.reference)).image.id != ""

    # cosign's attachments

    def test_an_attached_signature_is_accepted(self):
        self.attach(self.key.attachment(self.name, self.digest))
        self.policy(self.for_this(self.sigstore_signed(signedIdentity={"type": "matchRepository"})))
        self.pull()
        self.assertTrue(self.is_here())

    def test_without_a_signature_it_is_not(self):
        self.policy(self.for_this(self.sigstore_signed()))
        text = self.refused(self.pull)
        self.assertIn("there is no sigstore signature", text)
        self.assertIn("docker:" + self.name, text)
        self.assertFalse(self.is_here())
        blobs = [path for path, _ in self.registry.requests if self.repository + "/blobs" in path]
        self.assertEqual(len(blobs), 1, "the config alone, no layer")

    def test_nor_with_that_of_another_key(self):
        self.attach(self.other_key.attachment(self.name, self.digest))
        self.policy(self.for_this(self.sigstore_signed()))
        self.assertIn("it is not of a key that the policy names", self.refused(self.pull))

    def test_nor_with_that_of_another_image_or_name(self):
        match = {"type": "matchRepository"}
        self.policy(self.for_this(self.sigstore_signed(signedIdentity=match)))
        self.attach(self.key.attachment(self.name, "sha256:" + "0" * 64))
        self.assertIn("it is for another image", self.refused(self.pull))
        self.attach(self.key.attachment("evil.example/app", self.digest))
        self.assertIn("it is for the name evil.example/app", self.refused(self.pull))
        self.attach(self.key.attachment("evil.example/app", self.digest), self.key.attachment(self.name, self.digest))
        self.pull()

    def test_all_requirements_have_to_hold(self):
        match = {"type": "matchRepository"}
        both = [self.sigstore_signed(signedIdentity=match), self.sigstore_signed("other.pub", signedIdentity=match)]
        self.policy(self.for_this(*both))
        mine, others = self.key.attachment(self.name, self.digest), self.other_key.attachment(self.name, self.digest)
        self.attach(mine)
        self.refused(self.pull)
        self.attach(mine, others)
        self.pull()

    def test_a_signed_index_stands_for_its_manifests(self):
        index = self.image.index()
        self.registry.answers[f"/v2/{self.repository}/manifests/v1"] = (200, {"Content-Type": image.INDEX_TYPE}, index)
        self.digest = image.digest(index)
        self.attach(self.key.attachment(self.name, self.digest))
        self.policy(self.for_this(self.sigstore_signed(signedIdentity={"type": "matchRepository"})))
        self.pull()

    def test_a_registry_that_cannot_say_is_unavailable(self):
        self.policy(self.for_this(self.sigstore_signed()))
        tag = self.digest.replace(":", "-") + ".sig"
        self.registry.answers[f"/v2/{self.repository}/manifests/{tag}"] = (503, {}, b"")
        self.refused(self.pull, word="RegistryUnavailable: ")

    def test_attachments_are_bounded(self):
        self.policy(self.for_this(self.sigstore_signed()))
        payload, annotations = self.key.attachment(self.name, self.digest)
        self.attach(*[(payload, annotations)] * 129)
        code, text = cri.code_of(self.pull)
        self.assertEqual(code.name, "RESOURCE_EXHAUSTED", text)
        self.attach((b" " * (1 << 20) + payload, annotations))
        code, text = cri.code_of(self.pull)
        self.assertEqual(code.name, "RESOURCE_EXHAUSTED", text)

    def test_registries_d_can_forbid_to_look(self):
        self.registries_d(f"docker:\n  {self.registry.address}:\n    use-sigstore-attachments: false\n")
        self.attach(self.key.attachment(self.name, self.digest))
        self.policy(self.for_this(self.sigstore_signed(signedIdentity={"type": "matchRepository"})))
        self.assertIn("there is no sigstore signature", self.refused(self.pull))

    # GPG, from a lookaside store or the registry

    def put_aside(self, *messages):
        self.registries_d(f"docker:\n  {self.registry.address}:\n    lookaside: http://{self.store.address}/sigs\n")
        base = f"/sigs/{self.repository}@{self.digest.replace(':', '=')}/signature-"
        for number, message in enumerate(messages, 1):
            self.store.answers[base + str(number)] = (200, {}, message)

    def test_a_message_in_a_lookaside_store_is_accepted(self):
        self.put_aside(b"nonsense", self.gpg.message(self.reference, self.digest))
        self.policy(self.for_this(self.signed_by()))
        self.pull()
        self.assertFalse([headers for _, headers in self.store.requests if "Authorization" in headers])

    def test_a_lookaside_store_without_it_says_so(self):
        self.put_aside()
        self.policy(self.for_this(self.signed_by()))
        self.assertIn("there is no GPG signature", self.refused(self.pull))
        self.put_aside(self.gpg.message(self.name + ":other", self.digest))
        self.assertIn("it is for the name", self.refused(self.pull))

    def test_a_lookaside_store_that_is_down_is_unavailable(self):
        gone = HostileRegistry()
        gone.stop()
        self.registries_d(f"default-docker:\n  lookaside: http://{gone.address}\n")
        self.policy(self.for_this(self.signed_by()))
        self.assertIn("signature store", self.refused(self.pull, word="RegistryUnavailable: "))

    def test_files_are_refused_by_name(self):
        self.registries_d("default-docker:\n  lookaside: file:///var/lib/containers/sigstore\n")
        self.policy(self.for_this(self.signed_by()))
        code, text = cri.code_of(self.pull)
        self.assertEqual(code.name, "FAILED_PRECONDITION", text)
        self.assertIn("file:///var/lib/containers/sigstore", text)

    def test_a_registry_can_keep_them_itself(self):
        self.registry.answers["/v2/"] = (200, {"X-Registry-Supports-Signatures": "1"}, b"{}")
        self.addCleanup(self.registry.answers.pop, "/v2/")
        content = base64.b64encode(self.gpg.message(self.reference, self.digest)).decode()
        answer = {"signatures": [{"schemaVersion": 2, "type": "atomic", "name": self.digest + "@1", "content": content}]}
        self.registry.answers[f"/extensions/v2/{self.repository}/signatures/{self.digest}"] = (
            200, {}, json.dumps(answer).encode())
        self.policy(self.for_this(self.signed_by()))
        self.pull()

    def test_a_broken_registries_d_names_its_line(self):
        self.registries_d("docker:\n  a.example:\n    lookaside: 7\n")
        code, text = cri.code_of(self.pull)
        self.assertEqual(code.name, "FAILED_PRECONDITION", text)
        self.assertIn("registries.d/test.yaml:3: ", text)

    # Policies

    def test_what_is_rejected_is_not_asked_for(self):
        self.policy({"default": ANYTHING, "transports": {"docker": {self.registry.address + "/team": REJECT}}})
        before = len(self.registry.requests)
        self.refused(self.pull)
        self.assertEqual(len(self.registry.requests), before)

    def test_a_namespace_has_its_own(self):
        self.policy({"default": REJECT}, "policies/strict.json")
        self.addCleanup(os.unlink, self.path("trust/policies/strict.json"))
        self.refused(self.pull, "strict")
        self.pull("lenient")
        self.policy({"default": REJECT})
        self.policy({"default": ANYTHING}, "policies/strict.json")
        self.pull("strict")
        self.refused(self.pull, "lenient")

    def test_a_broken_policy_accepts_nothing(self):
        self.policy({"default": ANYTHING, "defualt": ANYTHING})
        self.assertIn("unknown key 'defualt'", self.refused(self.pull))
        self.policy(self.for_this(self.sigstore_signed("nowhere.pub")))
        self.assertIn("nowhere.pub does not exist", self.refused(self.pull))
        os.unlink(self.path("trust/policy.json"))
        self.assertIn("policy.json: does not exist", self.refused(self.pull))

    # Use

    def create(self, name, reference, mounts=(), asked="", namespace="default"):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name))
        config.metadata.namespace = namespace
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
        container = cri.container_config("c", reference, ["true"], mounts=mounts)
        container.image.user_specified_image = asked
        return self.client.CreateContainer(pod_sandbox_id=pod, config=container, sandbox_config=config).container_id

    def test_an_image_that_is_here_is_judged_again(self):
        image_id = self.pull().image_ref
        self.create("before", image_id, asked=self.reference)
        self.policy({"default": REJECT})
        for name, reference in (("by-id", image_id), ("by-name", self.reference)):
            self.assertIn("it rejects the image", self.refused(self.create, name, reference, asked=self.reference))
        self.assertIn("it rejects", self.refused(self.create, "anonymous", image_id))
        self.policy({"default": REJECT, "transports": {"docker": {self.name: ANYTHING}}})
        self.create("again", image_id, asked=self.reference)

    def test_so_is_one_that_is_mounted(self):
        root = self.registry.serve(image.busybox_image(Labels={"number": "root"}), "root")
        self.pull(reference=root)
        image_id = self.pull().image_ref
        mount = api.Mount(container_path="/data", image=api.ImageSpec(image=image_id, user_specified_image=self.reference),
                          readonly=True)
        self.create("mounts", root, [mount])
        self.policy({"default": ANYTHING, "transports": {"docker": {self.name: REJECT}}})
        self.assertIn("it rejects", self.refused(self.create, "mounts-no-more", root, [mount]))

    def test_signatures_are_kept_for_later(self):
        """Also where the policy that wants them is another namespace's than that of the pull."""
        self.attach(self.key.attachment(self.name, self.digest))
        strict = self.for_this(self.sigstore_signed(signedIdentity={"type": "matchRepository"}))
        self.policy(strict, "policies/strict.json")
        self.addCleanup(os.unlink, self.path("trust/policies/strict.json"))
        image_id = self.pull("lenient").image_ref
        self.create("in-strict", image_id, asked=self.reference, namespace="strict")
        self.policy(self.for_this(self.sigstore_signed("other.pub")), "policies/strict.json")
        self.refused(self.create, "in-stricter", image_id, asked=self.reference, namespace="strict")


class NoPolicy(unittest.TestCase):
    """None is named and none is there: everything is accepted, and no registry is asked for more."""

    def test_anything_is_accepted(self):
        nothing = tempfile.mkdtemp(prefix="bh-nothing-")
        self.addCleanup(os.rmdir, nothing)
        os.chmod(nothing, 0o755)
        if os.path.isdir("/etc/containers"):  # in this test's mount namespace
            subprocess.run(["mount", "--bind", nothing, "/etc/containers"], check=True)
            self.addCleanup(subprocess.run, ["umount", "/etc/containers"], check=True)
        registry = HostileRegistry()
        self.addCleanup(registry.stop)
        instance = Instance(registries=[registry.address])
        self.addCleanup(instance.remove)
        instance.start()
        reference = registry.serve(image.busybox_image())
        instance.client.PullImage(image=api.ImageSpec(image=reference))
        self.assertFalse([path for path, _ in registry.requests if ".sig" in path or path == "/v2/"])


if __name__ == "__main__":
    unittest.main()
