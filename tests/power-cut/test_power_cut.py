"""The power fails at any moment of pulls and removals: what the index names is whole, and nothing needs a hand.

One recording per file system gives any number of cuts (support/volatile_disk.py). Positions are counted in writes of
the disk, so that for every cut it is known which pulls and removals had been answered before it.
"""

import os
import random
import shutil
import subprocess
import threading
import time
import unittest

import grpc

import image
import store
from cri import api
from hostile import HostileRegistry
from instance import BUILD, Instance, wait_until
from volatile_disk import VolatileDisk

CUTS = int(os.environ.get("BULKHEAD_CUTS", "16"))       # of each file system
SEED = int(os.environ.get("BULKHEAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SECONDS = max(4, min(30, CUTS // 4))                    # how long a recording is
WITHOUT_SYNC = os.path.join(BUILD, "tests/without-sync/bulkhead-storaged")

MAKE = {"ext4": ["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,nodiscard"], "xfs": ["mkfs.xfs", "-q", "-K"],
        "btrfs": ["mkfs.btrfs", "-q", "-K"]}
DISK = 512 << 20
THREADS = 3  # each has images of its own: only calls for different images are concurrent
IMAGES = 9


def layer(chance, name):
    """A few dozen files of every kind, incompressible, none alike."""
    entries = [(name, None)]
    for number in range(chance.randrange(5, 40)):
        size = chance.choice((0, 1, chance.randrange(5000), chance.randrange(100_000)))
        entries.append((f"{name}/{number}", chance.randbytes(size)))
    entries += [(f"{name}/link", image.link("1")), (f"{name}/hard", image.link(f"{name}/0", hard=True)),
                (f"{name}/.wh.gone", b"")]
    return image.tar_layer(entries)


class Library:
    """The images that are pulled and removed. Two in three share a base."""

    def __init__(self, registry, chance):
        base = layer(chance, "base")
        self.trees = {}
        self.references = []
        for number in range(IMAGES + 1):
            layers = [layer(chance, f"own{number}"), layer(chance, f"top{number}")]
            if number % 3:
                layers.insert(0, base)
            self.trees.update({image.digest(each): store.of_archive(each) for each in layers})
            made = image.Image(layers, {"Cmd": [str(number)]}, compress=lambda data: image.gzip.compress(data, 1))
            self.references.append(registry.serve(made, repository=f"image{number}"))
        self.unused = self.references.pop()  # for a pull after the cut


class Operation:
    def __init__(self, begin, verb):
        self.begin, self.verb, self.end = begin, verb, None


class Recording:
    """What was asked of each image, with the disk's positions before the call and after the answer."""

    def __init__(self, disk, client, library):
        self.disk, self.client, self.library = disk, client, library
        self.history = {reference: [] for reference in library.references}
        self.failures = []

    def run(self, seconds, seed):
        self.stop_at = time.monotonic() + seconds
        threads = [threading.Thread(target=self.work, args=(number, random.Random(seed + number)))
                   for number in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def work(self, number, chance):
        mine = self.library.references[number::THREADS]
        there = set()
        while time.monotonic() < self.stop_at and not self.failures:
            reference = chance.choice(mine)
            verb = "RemoveImage" if reference in there else "PullImage"
            operation = Operation(self.disk.position(), verb)
            self.history[reference].append(operation)
            try:
                getattr(self.client, verb)(image=api.ImageSpec(image=reference))
            except grpc.RpcError as error:
                self.failures.append(f"{verb} {reference}: {error.details()}")
                return
            operation.end = self.disk.position()
            there ^= {reference}

    def expected(self, reference, cut):
        """True: must be there after a cut at this position; False: must not; None: was in flight."""
        there = False
        for operation in self.history[reference]:
            if operation.begin >= cut:
                break
            if operation.end is None or operation.end > cut:
                return None
            there = operation.verb == "PullImage"
        return there


class PowerCut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.library = Library(cls.registry, random.Random(7))

    @classmethod
    def tearDownClass(cls):
        cls.registry.stop()

    def setUp(self):
        print(f"  seed {SEED}", flush=True)

    def test_ext4(self):
        self.survives("ext4")

    def test_xfs(self):
        self.survives("xfs")

    def test_btrfs(self):
        self.survives("btrfs")

    def test_a_store_that_does_not_sync_is_caught(self):
        """The same on a storaged whose syncfs and fsync do nothing (fsyncs of SQLite's excepted)."""
        wrong = self.cuts("ext4", 8, storaged=WITHOUT_SYNC)
        self.assertTrue(any(wrong), "a store that is never synced passed")
        print(f"  caught by {sum(map(bool, wrong))} cuts of 8: {next(filter(None, wrong))[0]}", flush=True)

    def survives(self, kind):
        wrong = self.cuts(kind, CUTS)
        self.assertEqual([problem for problems in wrong for problem in problems], [])

    def cuts(self, kind, count, storaged=None):
        """The problems that each of `count` cuts left."""
        disk = VolatileDisk(DISK)
        instance = Instance(registries=[self.registry.address], programs=storaged and {"bulkhead-storaged": storaged})
        state = os.path.join(instance.root, "state")
        os.mkdir(state)
        try:
            subprocess.run([*MAKE[kind], disk.device], check=True, stdout=subprocess.DEVNULL)
            subprocess.run(["mount", "-t", kind, disk.device, state], check=True)
            recording = self.record(disk, instance)
            unmount(instance, state, disk)
            chance = random.Random(SEED)
            positions = sorted(chance.randrange(recording.first, recording.last + 1) for _ in range(count))
            problems = []
            stakes = []
            for number, position in enumerate(positions):
                stakes.append(disk.cut_at(position, SEED + number))
                problems.append([f"{kind}, cut at {position} of {recording.last}: {problem}"
                                 for problem in self.after(kind, position, disk, instance, state, recording)])
            calls = sum(map(len, recording.history.values()))
            print(f"  {kind}: {count} cuts in {recording.last - recording.first} writes of {calls} calls, "
                  f"{sum(kept < pending for pending, kept in stakes)} lost something that was not flushed", flush=True)
            return problems
        finally:
            instance.remove()
            disk.close()

    def record(self, disk, instance):
        instance.start()
        recording = Recording(disk, instance.client, self.library)
        recording.first = disk.position()
        recording.run(SECONDS, SEED)
        recording.last = disk.position()
        self.assertEqual(recording.failures, [])
        return recording

    def after(self, kind, cut, disk, instance, state, recording):
        """The machine comes up again. Returns what is not as it should be."""
        shutil.rmtree(os.path.join(instance.root, "run"), ignore_errors=True)  # a reboot empties /run
        disk.attach()
        subprocess.run(["mount", "-t", kind, disk.device, state], check=True)
        logged = instance.log_size()
        try:
            instance.start()
        except RuntimeError as error:
            unmount(instance, state, disk)
            return [f"does not start: {error}"]
        problems = []
        storage = os.path.join(state, "storage")
        names = store.named_layers(storage)
        listed = {tag for each in instance.client.ListImages().images for tag in each.repo_tags}
        for reference in recording.history:
            expected = recording.expected(reference, cut)
            if expected is not None and expected != (reference in listed):
                problems.append(f"{reference} is {'gone' if expected else 'back'}")
        for reference in listed:
            problems += self.differences(reference, names[reference])
        if "lost a layer" in instance.daemon_log(logged):
            problems.append("an image had lost a layer")
        problems += self.new_pull(instance, storage)
        try:
            wait_until(lambda: not store.strangers(storage))
        except AssertionError:
            problems.append(f"not swept: {store.strangers(storage)}")
        unmount(instance, state, disk)
        return problems

    def differences(self, reference, layers):
        found = []
        for diff_id, directory in layers:
            if not os.path.isdir(directory):
                found.append(f"{reference}: layer {diff_id} is not there")
                continue
            pushed, there = self.library.trees[diff_id], store.of_directory(directory)
            wrong = [path for path in pushed.keys() | there.keys() if pushed.get(path) != there.get(path)]
            if wrong:
                found.append(f"{reference}: {len(wrong)} of {len(pushed)} files differ, such as {wrong[0]}: "
                             f"{there.get(wrong[0])}")
        return found

    def new_pull(self, instance, storage):
        unused = self.library.unused
        try:
            instance.client.PullImage(image=api.ImageSpec(image=unused))
        except grpc.RpcError as error:
            return [f"a new pull fails: {error.details()}"]
        return self.differences(unused, store.named_layers(storage)[unused])


def unmount(instance, state, disk):
    """As good as nothing happened: the disk drops what is written after a cut."""
    instance.stop()
    if os.path.ismount(state):  # the last workers' namespaces may still be on their way out
        wait_until(lambda: subprocess.run(["umount", state], stderr=subprocess.DEVNULL).returncode == 0, what="umount")
    disk.detach()


if __name__ == "__main__":
    unittest.main()
