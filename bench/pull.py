"""Pulling an image through Bulkhead, and the same bytes by hand: `curl | sha256sum | igzip -dc | tar x`. See README.md."""

import argparse
import contextlib
import gzip
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import threading
import time

import image
from cri import api
from instance import Instance
from registry import Registry

AT_ONCE = 2  # layers, by hand
MEMORY_DISK = 6 << 30
PATIENCE = 1800  # seconds, on whatever machine
BY_HAND = 'curl -sf "$1" | tee >(sha256sum > "$2.sum") | igzip -dc | tar x -C "$2" --numeric-owner --same-owner -p'


def half_random(size, seed):
    """Bytes that gzip makes half as long, in runs like a program's: noise and repetition, line by line."""
    source = random.Random(seed)
    words = [source.randbytes(64) for _ in range(64)]
    parts = []
    while size > 0:
        part = source.randbytes(2048) + b"".join(source.choices(words, k=32))
        parts.append(part[:size])
        size -= len(part)
    return b"".join(parts)


def packed(layer):
    """As builders do it: zlib's default level."""
    return gzip.compress(layer, 6)


def large_image(scale):
    """Ten layers, 500 MB of files unpacked: from a few kilobytes to tens of megabytes each."""
    layers = []
    for number in range(10):
        content = half_random(int(50_000_000 * scale), number)
        files, at = [], 0
        for size in (20_000_000, 10_000_000, 5_000_000, *[1_000_000] * 8, *[100_000] * 50, *[10_000] * 200):
            size = int(size * scale)
            files.append((f"layer{number}/d{len(files) % 16}/f{len(files)}", content[at:at + size]))
            at += size
        layers.append(image.tar_layer(files))
    return image.Image(layers, {"Cmd": ["/none"]}, compress=packed)


def many_files_image(scale):
    """40,000 files of 0 to 8 KiB in 2,000 directories, two layers."""
    source = random.Random(40)
    content = half_random(1_000_000, 41)
    layers = []
    for number in range(2):
        files = []
        for index in range(int(20_000 * scale)):
            size = source.randrange(8192)
            at = source.randrange(len(content) - size)
            files.append((f"usr/share/l{number}/d{index % 1000}/file-{index}", content[at:at + size]))
        layers.append(image.tar_layer(files))
    return image.Image(layers, {"Cmd": ["/none"]}, compress=packed)


def cpu_of(pid):
    """Seconds of a process and the children it has waited for."""
    with open(f"/proc/{pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """The peak, over all moments, of the summed memory (PSS) of imaged, storaged and what they start."""

    PROGRAMS = ("bulkhead-imaged", "bulkhead-storage", "bulkhead-mounter")  # the latter storaged's, too

    def __init__(self, instance):
        self.instance, self.peak, self.parts, self.over = instance, 0, {}, threading.Event()
        self.thread = threading.Thread(target=self._run)

    def _run(self):
        while not self.over.is_set():
            found = {}
            for pid, (name, program) in self.instance.processes().items():
                if program.startswith(self.PROGRAMS):
                    found[name] = found.get(name, 0) + pss(pid)
            if sum(found.values()) > self.peak:
                self.peak, self.parts = sum(found.values()), found
            self.over.wait(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def pss(pid):
    """KiB; 0 of a process that is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return 0


class Ours:
    def __init__(self, registry, directory):
        self.instance = Instance(registries=[registry.address], directory=directory).start()
        self.disk = directory

    def _cpu(self):
        """Of those that stay; what they started is counted when they have waited for it."""
        return sum(cpu_of(pid) for pid in self.instance.processes())

    def pull(self, reference):
        """Wall and CPU seconds."""
        self.settle()
        before, start = self._cpu(), time.perf_counter()
        self.instance.client.send("PullImage", api.PullImageRequest(image=api.ImageSpec(image=reference)), seconds=PATIENCE)
        wall = time.perf_counter() - start
        time.sleep(0.05)  # the last workers are reaped
        return wall, self._cpu() - before

    def settle(self):
        """The image is gone and so are its files; the disk is quiet."""
        for known in self.instance.client.ListImages().images:
            self.instance.client.RemoveImage(image=api.ImageSpec(image=known.id))
        trash = os.path.join(self.instance.root, "state/storage/trash")
        deadline = time.monotonic() + 60
        while os.path.isdir(trash) and os.listdir(trash) and time.monotonic() < deadline:
            time.sleep(0.02)
        settle_disk(self.disk)

    def watched(self, reference):
        with Watch(self.instance) as watch:
            self.pull(reference)
        return watch

    def remove(self):
        self.instance.remove()


class ByHand:
    def __init__(self, registry, directory):
        self.registry, self.disk = registry, directory

    def pull(self, repository, layers):
        """Wall and CPU seconds of the pipelines, two layers at a time, in a directory on the same file system; and wall
        seconds until that is on the disk, as ours is."""
        directory = tempfile.mkdtemp(prefix="bh-hand-", dir=self.disk)
        try:
            settle_disk(self.disk)
            jobs = iter([(f"http://{self.registry.address}/v2/{repository}/blobs/{name}", os.path.join(directory, name[7:19]))
                         for name in layers])
            before, start = children_cpu(), time.perf_counter()
            running = set()
            while True:
                while len(running) < AT_ONCE and (job := next(jobs, None)):
                    os.mkdir(job[1])
                    running.add(subprocess.Popen(["bash", "-o", "pipefail", "-c", BY_HAND, "bash", *job]).pid)
                if not running:
                    break
                pid, status = os.wait()
                if status != 0:
                    raise RuntimeError(f"the pipeline by hand failed: {status}")
                running.discard(pid)
            wall, cpu = time.perf_counter() - start, children_cpu() - before
            settle_disk(self.disk)
            return wall, cpu, time.perf_counter() - start
        finally:
            shutil.rmtree(directory)


def settle_disk(directory):
    """What one way left to be written is not to be written in the other's time."""
    subprocess.run(["sync", "-f", directory], check=True)


@contextlib.contextmanager
def memory_disk():
    """A directory on an ext4 that is in memory."""
    with tempfile.NamedTemporaryFile(prefix="bh-disk-", dir="/dev/shm") as image:
        image.truncate(MEMORY_DISK)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0", image.name], check=True)
        directory = tempfile.mkdtemp(prefix="bd", dir="/tmp")  # short: paths of sockets begin with it
        try:
            subprocess.run(["mount", "-o", "loop", image.name, directory], check=True)
            try:
                os.chmod(directory, 0o755)
                yield directory
            finally:
                subprocess.run(["umount", directory], check=True)
        finally:
            os.rmdir(directory)


def children_cpu():
    times = os.times()
    return times.children_user + times.children_system


def compare(name, made, registry, ours, hand, rounds):
    reference = registry.push(made, name, "v1")
    layers = [layer["digest"] for layer in made.document["layers"]]
    ours.pull(reference), hand.pull(name, layers)  # warm
    timings = {"ours": [], "hand": []}
    for _ in range(rounds):
        timings["ours"].append(ours.pull(reference))
        timings["hand"].append(hand.pull(name, layers))
    watch = ours.watched(reference)
    (wall, cpu), (hand_wall, hand_cpu, _) = ([statistics.median(column) for column in zip(*timings[way])] for way in ("ours", "hand"))
    # Neighbours in time meet the same machine.
    ratio = statistics.median(a[0] / b[0] for a, b in zip(timings["ours"], timings["hand"]))
    durable = statistics.median(a[0] / b[2] for a, b in zip(timings["ours"], timings["hand"]))
    print(f"{name:<8}{wall:>9.2f}{hand_wall:>9.2f}{ratio:>8.2f}{durable:>8.2f}{cpu:>10.2f}{hand_cpu:>9.2f}{cpu / hand_cpu:>8.2f}"
          f"{watch.peak / 1024:>12.1f}", flush=True)
    parts = ", ".join(f"{part} {kib / 1024:.1f}" for part, kib in sorted(watch.parts.items(), key=lambda p: -p[1]))
    print(f"        at the peak: {parts}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0, help="a part of the images' size, for a quick look")
    parser.add_argument("--image", choices=("large", "files"), action="append")
    parser.add_argument("--directory", help="on the disk to measure on; without it an ext4 in memory")
    options = parser.parse_args()
    makers = {"large": large_image, "files": many_files_image}
    with contextlib.ExitStack() as undo:
        disk = options.directory or undo.enter_context(memory_disk())
        registry = Registry()
        undo.callback(registry.stop)
        ours, hand = Ours(registry, disk), ByHand(registry, disk)
        undo.callback(ours.remove)
        print(f"{'image':<8}{'wall s':>9}{'by hand':>9}{'ratio':>8}{'+ sync':>8}{'CPU s':>10}{'by hand':>9}{'ratio':>8}{'peak MiB':>12}   "
              "budget: wall 1.15, peak 64", flush=True)
        for name in options.image or makers:
            compare(name, makers[name](options.scale), registry, ours, hand, options.rounds)


if __name__ == "__main__":
    main()
