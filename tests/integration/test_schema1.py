"""Docker's schema 1: off unless configured, and then converted once the layers are here."""

import json
import os
import unittest

import grpc

import cri
import image
from cri import api
from hostile import HostileRegistry
from image import archive, entry
from instance import Instance, wait_until

CONFIG = {"Cmd": ["sh", "-c", "cat /data/file; echo $WORD; id -u"], "Env": ["PATH=/bin", "WORD=said"], "User": "7"}


def old_image(extra=b"of the layer\n", **more):
    return image.Schema1([(image.busybox_layer(), {"author": "somebody"}), (archive(entry("data/file", extra)), {}),
                          (None, {"container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) USER 7"]}})], CONFIG, **more)


class Taken(unittest.TestCase):
    count = 0

    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.instance = Instance(registries=[cls.registry.address], config="[pull]\nschema1 = true\n").start()
        cls.client = cls.instance.client
        cls.pod_config = cri.pod_config("old", os.path.join(cls.instance.root, "logs", "old"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def serve(self, made, document=None, name="old"):
        return self.registry.serve(made, name, manifest=document or made.signed(), media_type=image.SCHEMA1_TYPE)

    def pull(self, reference):
        return self.client.PullImage(image=api.ImageSpec(image=reference)).image_ref

    def remove(self, reference):
        self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def refusal(self, reference):
        code, text = cri.code_of(self.client.PullImage, image=api.ImageSpec(image=reference))
        return code.name, text

    def said(self, reference):
        type(self).count += 1
        config = cri.container_config(f"c{self.count}", reference)
        container = self.client.CreateContainer(pod_sandbox_id=self.pod, config=config,
                                                sandbox_config=self.pod_config).container_id
        status = lambda: self.client.ContainerStatus(container_id=container).status
        self.client.StartContainer(container_id=container)
        wait_until(lambda: status().state == api.CONTAINER_EXITED, what="exit")
        with open(status().log_path) as file:
            said = [line.split(" F ", 1)[1].rstrip() for line in file]
        self.client.RemoveContainer(container_id=container)
        return said

    def test_it_runs_as_its_newest_step_says(self):
        del self.registry.requests[:]
        made = old_image()
        reference = self.serve(made)
        id = self.pull(reference)
        self.assertEqual(self.said(reference), ["of the layer", "said", "7"])
        shown = self.client.ImageStatus(image=api.ImageSpec(image=reference), verbose=True)
        document = json.loads(shown.info["info"])["imageSpec"]
        self.assertEqual(shown.image.id, id)
        self.assertEqual(shown.image.uid.value, 7)
        self.assertEqual(shown.image.repo_digests[0].split("@")[1], image.digest(made.manifest))
        self.assertEqual(document["rootfs"]["diff_ids"],
                         [image.digest(image.busybox_layer()), image.digest(archive(entry("data/file", b"of the layer\n")))])
        self.assertEqual([step.get("empty_layer", False) for step in document["history"]], [False, False, True])
        # Again, and without a signature: the same image. Nothing is asked for that changed no file.
        self.assertEqual(self.pull(reference), id)
        plain = self.serve(made, made.manifest, "plain")
        self.assertEqual(self.pull(plain), id)
        fetched = {path.rsplit("/", 1)[1] for path, _ in self.registry.requests if "/blobs/" in path}
        self.assertEqual(fetched, set(made.blobs))
        self.remove(reference)

    def test_a_digest_is_of_what_is_signed(self):
        made = old_image(b"pinned\n")
        self.serve(made)
        pinned = f"{self.registry.address}/old@{image.digest(made.manifest)}"
        path = f"/v2/old/manifests/{image.digest(made.manifest)}"
        good = (200, {"Content-Type": image.SCHEMA1_TYPE}, made.signed())
        self.registry.answers[path] = good
        self.pull(pinned)
        self.assertEqual(self.said(pinned)[0], "pinned")
        self.remove(pinned)
        # Another image, by itself and in a document that says that the pinned one is what was signed.
        other = old_image(b"other\n")
        self.serve(other)
        for keep, expected in ((None, "FAILED_PRECONDITION"), (1, "INVALID_ARGUMENT"), (len(made.manifest) - 60, "FAILED_PRECONDITION")):
            document = other.signed() if keep is None else other.signed(made.manifest, keep, around=other.manifest)
            self.registry.answers[path] = good[:2] + (document,)
            code, text = self.refusal(pinned)
            self.assertEqual(code, expected, text)

    def test_its_layers_are_layers_like_any_other(self):
        tar = archive(entry("shared", os.urandom(1000)))
        reference = self.serve(image.Schema1([(tar, {})], CONFIG), name="first")
        self.pull(reference)
        made = image.Image([tar], CONFIG)
        del self.registry.requests[:]
        new = self.registry.serve(made, "second")
        self.pull(new)
        self.assertFalse([path for path, _ in self.registry.requests if made.document["layers"][0]["digest"] in path])
        self.remove(reference)
        self.remove(new)

    def test_layers_that_are_something_else_are_refused(self):
        made = old_image(b"spoilt\n")
        reference = self.serve(made)
        for name in made.blobs:
            true = made.blobs[name]
            for false in (true[:-10], true + b"x", old_image(b"x").blobs.popitem()[1], b""):
                self.registry.answers[f"/v2/old/blobs/{name}"] = (200, {}, false)
                code, text = self.refusal(reference)
                self.assertIn(code, ("FAILED_PRECONDITION", "INVALID_ARGUMENT"), text)
            self.registry.answers[f"/v2/old/blobs/{name}"] = (200, {}, true)
        self.pull(reference)
        self.remove(reference)

    def test_a_bomb_ends_at_the_ratio(self):
        bomb = archive(entry("zeros", bytes(80 << 20)))
        instance = Instance(registries=[self.registry.address],
                            config="[pull]\nschema1 = true\nmax_compression_ratio = 100\n").start()
        try:
            reference = self.serve(image.Schema1([(bomb, {})], CONFIG), name="bomb")
            code, text = cri.code_of(instance.client.PullImage, image=api.ImageSpec(image=reference))
            self.assertEqual(code, grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertIn("pull.max_compression_ratio", text)
        finally:
            instance.remove()

    def test_documents_that_mean_two_things_are_refused(self):
        made = old_image(b"two\n")
        both = dict(made.document, layers=[], config={})
        nothing = dict(made.document, history=[])
        for name, document in (("both", json.dumps(both, indent=3).encode()), ("nothing", json.dumps(nothing, indent=3).encode()),
                               ("signed twice", made.signed(payload=made.signed()))):
            with self.subTest(name):
                code, text = self.refusal(self.serve(made, document))
                self.assertIn(code, ("FAILED_PRECONDITION", "INVALID_ARGUMENT"), text)


class NotTaken(unittest.TestCase):
    def test_it_is_refused_by_name(self):
        registry = HostileRegistry()
        instance = Instance(registries=[registry.address]).start()
        try:
            made = old_image()
            reference = registry.serve(made, manifest=made.signed(), media_type=image.SCHEMA1_TYPE)
            code, text = cri.code_of(instance.client.PullImage, image=api.ImageSpec(image=reference))
            self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION)
            self.assertIn("pull.schema1", text)
            self.assertNotIn("v1+prettyjws", registry.requests[-1][1].get("Accept", ""))
        finally:
            instance.remove()
            registry.stop()


if __name__ == "__main__":
    unittest.main()
