"""What a mirror once did to names that are not its own: cve.md W33."""

import os
import unittest

import image
import store
from cri import api
from image import archive, entry
from replay import Replay


class Mirrors(Replay):
    """The first registry is the mirror of images.test, whose own is the second; other.test is the third, without one."""
    others = 2

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.origin, cls.other = cls.more
        rule = '[[registry]]\nprefix = "{}"\nlocation = "{}"\ninsecure = true\n'
        text = rule.format("images.test", cls.origin.address)
        text += f'[[registry.mirror]]\nlocation = "{cls.registry.address}"\ninsecure = true\n'
        text += rule.format("other.test", cls.other.address)
        with open(os.path.join(cls.instance.root, "registries.conf"), "w") as file:
            file.write(text)

    def content(self, reference):
        return [store.of_directory(directory) for _, directory in store.named_layers(self.storage)[reference]]

    def made(self, word):
        return image.Image([archive(entry("word", word))], {"Cmd": [word.decode()]})

    # Vulnerable: what a mirror gave for one name is content of another, or is known by the mirror's.
    def test_w33_what_a_mirror_gives_is_of_its_digest_and_its_name(self):
        true, false = self.made(b"true"), self.made(b"false")
        # By tag a mirror may say what it likes, as root's configuration has it: under the name that was asked for alone.
        self.registry.serve(false, "app")
        self.origin.serve(true, "app")
        self.pull("images.test/app:v1")
        self.assertEqual([list(each.repo_tags) for each in self.client.ListImages().images], [["images.test/app:v1"]])
        for name in (f"{self.registry.address}/app:v1", f"{self.origin.address}/app:v1", "other.test/app:v1"):
            self.assertFalse(self.client.ImageStatus(image=api.ImageSpec(image=name)).HasField("image"), name)
        # The same repository and tag from a registry that the mirror is not for.
        self.other.serve(true, "app")
        self.pull("other.test/app:v1")
        self.assertEqual(self.content("other.test/app:v1"), [store.of_archive(archive(entry("word", b"true")))])
        self.assertEqual(self.content("images.test/app:v1"), [store.of_archive(archive(entry("word", b"false")))])
        # By digest it cannot: another document, and then another blob under the right digest.
        pinned = "images.test/app@" + image.digest(true.manifest)
        path = "/v2/app/manifests/" + image.digest(true.manifest)
        self.remove("other.test/app:v1")
        self.registry.answers[path] = (200, {"Content-Type": image.MANIFEST_TYPE}, false.manifest)
        self.pull(pinned)  # the mirror is passed over
        self.assertEqual(self.content(pinned), [store.of_archive(archive(entry("word", b"true")))])
        self.remove(pinned)
        layer = true.document["layers"][0]["digest"]
        blob = false.blobs[false.document["layers"][0]["digest"]]
        self.registry.serve(true, "app")
        self.registry.answers["/v2/app/blobs/" + layer] = (200, {}, blob.ljust(len(true.blobs[layer]), b"\0")[:len(true.blobs[layer])])
        self.refused(pinned, layer)
        # Nothing of that stayed behind under the digest.
        self.pull("other.test/app:v1")
        self.assertEqual(self.content("other.test/app:v1"), [store.of_archive(archive(entry("word", b"true")))])
        for name in ("other.test/app:v1", "images.test/app:v1"):
            self.remove(name)


if __name__ == "__main__":
    unittest.main()
