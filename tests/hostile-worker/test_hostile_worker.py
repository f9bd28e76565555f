"""Workers that have been taken over lie, hang and flood: nothing that exists changes, and nothing else is held up."""

import gzip
import io
import json
import os
import threading
import unittest

import grpc

import cri
import image
import store
from cri import api
from hostile import HostileRegistry
from image import archive, entry
from instance import BUILD, Instance, wait_until

HOSTILE = {"bulkhead-storage-" + name: os.path.join(BUILD, "tests/hostile/bulkhead-storage-" + name)
           for name in ("worker", "decompressor")}
LIMIT = 8 << 20
TAR = 10240  # of one small entry: tarfile's blocking factor

# NOT_FOUND: a lie about a layer's digest asks the registry for another blob.
REFUSED = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED", "INTERNAL", "NOT_FOUND")


def packed(layer, lie=""):
    """gzip with the lie as the file's name in its header (RFC 1952, 2.3.1)."""
    buffer = io.BytesIO()
    with gzip.GzipFile("lie-" + lie if lie else "", "wb", fileobj=buffer, mtime=0) as file:
        file.write(layer)
    return buffer.getvalue()


def unlike(seed, *entries):
    return archive(*entries, entry("own", seed.encode() * 100))


class HostileWorker(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.instance = Instance(registries=[cls.registry.address], programs=HOSTILE,
                                config=f"[pull]\nprogress_timeout_seconds = 30\nmax_layer_bytes = {LIMIT}\n").start()
        cls.client = cls.instance.client
        cls.storage = os.path.join(cls.instance.root, "state/storage")
        cls.base = image.Image([archive(entry("base", b"b" * 5000))], {"Cmd": ["x"]}, compress=packed)
        cls.base_name = cls.registry.serve(cls.base, repository="base")
        cls.pull(cls.base_name)
        cls.tree = cls.trees()
        cls.before = cls.listed()
        cls.daemons = cls.lasting()

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    @classmethod
    def pull(cls, reference, seconds=60):
        return cls.client.send("PullImage", api.PullImageRequest(image=api.ImageSpec(image=reference)), seconds).image_ref

    @classmethod
    def trees(cls):
        return {reference: [store.of_directory(directory) for _, directory in layers]
                for reference, layers in store.named_layers(cls.storage).items()}

    @classmethod
    def listed(cls):
        return sorted(each.SerializeToString(deterministic=True) for each in cls.client.ListImages().images)

    @classmethod
    def lasting(cls):
        return {pid for pid, (name, _) in cls.instance.processes().items()
                if name in ("cri", "imaged", "fetch-zygote", "storaged", "storage-zygote", "mounter", "launcher", "netd")}

    def tearDown(self):
        wait_until(lambda: not store.strangers(self.storage), seconds=30, what="no leftovers")
        self.assertEqual(self.trees(), self.tree, "a layer or a name has changed")
        self.assertEqual(self.listed(), self.before, "an image has changed")
        self.assertEqual(self.lasting(), self.daemons, "a daemon died")
        for pid in self.daemons:
            with open(f"/proc/{pid}/status") as file:
                status = dict(line.split(":", 1) for line in file)
            self.assertLess(int(status["VmHWM"].split()[0]), 64 << 10, status["Name"])

    def honest_pull(self, seed):
        """Comes through, whole, and goes again."""
        layer = unlike("honest" + seed, entry("f", b"f" * 1000))
        reference = self.registry.serve(image.Image([layer], {"Cmd": ["x"]}, compress=packed), repository="honest")
        self.pull(reference)
        self.assertEqual(self.trees()[reference], [store.of_archive(layer)])
        self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def refused(self, made, codes=REFUSED):
        """The lie, beside an honest pull."""
        reference = self.registry.serve(made, repository="evil")
        honest = threading.Thread(target=self.honest_pull, args=("beside",))
        honest.start()
        code, text = cri.code_of(self.client.PullImage, image=api.ImageSpec(image=reference))
        honest.join()
        self.assertIn(code.name, codes, text)
        self.assertLess(len(text), 2000)
        return text

    def test_honest_bytes_make_honest_workers(self):
        """The positive control: it is the lies that are refused below, not the programs."""
        for seed in ("a", "b"):
            self.honest_pull(seed)

    def test_decompressors_lie(self):
        for lie in ("other", "short", "more", "flood", "answer", "die"):
            with self.subTest(lie):
                made = image.Image([unlike(lie)], {"Cmd": ["x"]}, compress=lambda data, lie=lie: packed(data, lie))
                self.refused(made)

    def test_unpackers_lie(self):
        for lie in ("answer", "die", "flood-answer"):
            with self.subTest(lie):
                self.refused(image.Image([archive(entry("lie-" + lie, b"x"))], {"Cmd": ["x"]}, compress=packed))

    def test_what_an_unpacker_may_do_is_its_own_layer(self):
        """Its layer is under the diff id of the hostile archive, which nobody else's image has."""
        for lie in ("content", "nothing", "size"):
            with self.subTest(lie):
                used = self.client.ImageFsInfo().image_filesystems[0].used_bytes.value
                made = image.Image([archive(entry("lie-" + lie, b"x" * 100))], {"Cmd": ["x"]}, compress=packed)
                reference = self.registry.serve(made, repository="evil")
                self.pull(reference)
                for name, trees in self.tree.items():
                    self.assertEqual(self.trees()[name], trees)
                # A tar of that size can make so many directories; what it is said to take is for display, and no more than that.
                most = 2 * TAR + (TAR // 2 + 3) * (16 << 10)
                self.assertLessEqual(self.client.ImageFsInfo().image_filesystems[0].used_bytes.value - used, most)
                size = self.client.ImageStatus(image=api.ImageSpec(image=reference)).image.size
                self.assertLess(size, 1 << 20)
                self.honest_pull(lie)
                self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def test_parsers_lie(self):
        for lie in ("die", "flood-answer"):
            with self.subTest(lie):
                self.refused(image.Image([unlike(lie)], {"Cmd": ["x"], "Labels": {"lie-" + lie: ""}}, compress=packed))
        subjects = {"config-digest": self.base.document["config"]["digest"],
                    "layer-digest": self.base.document["layers"][0]["digest"], "layer-size": "", "die": "", "flood-answer": ""}
        for lie, digest in subjects.items():
            with self.subTest("manifest " + lie):
                made = image.Image([unlike(lie)], {"Cmd": ["x"]}, compress=packed)
                made.document["annotations"] = {"lie-" + lie: "about-" + digest}
                self.refused(made)

    def test_a_layer_that_only_the_parser_names(self):
        """The image gets a layer that it could have listed itself, as it is; the blob of its own is never asked for."""
        diff_id = json.loads(self.base.config)["rootfs"]["diff_ids"][0]
        made = image.Image([unlike("diff-id")], {"Cmd": ["x"], "Labels": {"lie-diff-id": "about-" + diff_id}}, compress=packed)
        reference = self.registry.serve(made, repository="evil")
        self.pull(reference)
        self.assertEqual(self.trees()[reference], self.tree[self.base_name])
        # It stands in no document: then it is refused.
        self.client.RemoveImage(image=api.ImageSpec(image=reference))
        self.refused(image.Image([unlike("diff-id")], {"Cmd": ["x"], "Labels": {"lie-diff-id": ""}}, compress=packed))

    def test_a_blob_under_anothers_diff_id(self):
        """Of a layer that nobody has yet, and of one that is there; then the true one comes."""
        true = unlike("popular", entry("sh", b"true"))
        evil = unlike("popular", entry("sh", b"evil"))
        for lie in ("", "other", "short"):
            made = image.Image([true], {"Cmd": ["x"]}, compress=lambda data, lie=lie: packed(evil, lie))
            with self.subTest(lie):
                self.refused(made)
        reference = self.registry.serve(image.Image([true], {"Cmd": ["x"]}, compress=packed), repository="popular")
        self.pull(reference)
        self.assertEqual(self.trees()[reference], [store.of_archive(true)])
        # It is there now: the blob is not even asked for, and what the evil image gets is the true layer.
        thief = image.Image([true], {"Cmd": ["thief"]}, compress=lambda data: packed(evil))
        stolen = self.registry.serve(thief, repository="thief")
        self.pull(stolen)
        self.assertEqual(self.trees()[stolen], [store.of_archive(true)])
        for name in (reference, stolen):
            self.client.RemoveImage(image=api.ImageSpec(image=name))

    def test_silence_holds_up_nobody(self):
        hanging = [image.Image([unlike("hang")], {"Cmd": ["x"]}, compress=lambda data: packed(data, "hang")),
                   # As good: its answer is read when its output has ended, which it never begins.
                   image.Image([unlike("flood")], {"Cmd": ["x"]}, compress=lambda data: packed(data, "flood-answer")),
                   image.Image([archive(entry("lie-hang", b"x"))], {"Cmd": ["x"]}, compress=packed),
                   image.Image([unlike("hang2")], {"Cmd": ["x"], "Labels": {"lie-hang": ""}}, compress=packed)]
        workers = lambda: [name for name, program in self.instance.processes().values()
                           if program.startswith("bulkhead-storage-") and name in ("unpack", "decompress", "parse", "unpack-worker",
                                                                                  "decompressor", "parse-worker")]
        waiting, ends = [], []
        for number, made in enumerate(hanging):
            reference = self.registry.serve(made, repository=f"hang{number}")
            waiting.append(threading.Thread(target=self.give_up, args=(reference, 6, ends)))
            waiting[-1].start()
        for number in range(3):
            self.honest_pull(f"while{number}")
        self.assertTrue(any(thread.is_alive() for thread in waiting))
        for thread in waiting:
            thread.join()
        self.assertEqual(ends.count("DEADLINE_EXCEEDED"), len(hanging), ends)
        wait_until(lambda: not workers(), seconds=40, what=lambda: f"no worker left ({workers()})")

    def give_up(self, reference, seconds, ends):
        try:
            self.pull(reference, seconds)
            ends.append("pulled")
        except grpc.RpcError as error:
            ends.append(error.code().name)


if __name__ == "__main__":
    unittest.main()
