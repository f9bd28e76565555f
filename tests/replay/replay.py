"""What the replays share: one instance a file, a registry of hand-made bytes, and a canary that nothing may touch."""

import os
import shutil
import tempfile
import threading
import time
import unittest

import grpc

import cri
import image
import store
from cri import api
from hostile import HostileRegistry
from instance import Instance, children_of, wait_until

REFUSED = ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "RESOURCE_EXHAUSTED")


class Canary:
    """A directory outside of everything, with names that runtimes like to make. Whoever changes anything in it is seen."""

    def __init__(self):
        self.path = tempfile.mkdtemp(prefix="bh-canary-", dir="/tmp")
        os.chmod(self.path, 0o755)
        with open(self.path + "/file", "w") as file:
            file.write("S3CRET")
        os.chmod(self.path + "/file", 0o400)
        open(self.path + "/ptmx", "w").close()
        os.mkdir(self.path + "/etc")
        self.before = self.look()

    def look(self):
        found = {}
        for top, directories, files in os.walk(self.path):
            for path in [top] + [os.path.join(top, name) for name in directories + files]:
                info = os.lstat(path)
                found[path] = (info.st_mode, info.st_uid, info.st_gid, info.st_nlink, info.st_size, info.st_ctime_ns)
        return found

    def remove(self):
        shutil.rmtree(self.path)


class Replay(unittest.TestCase):
    config = "[pull]\nprogress_timeout_seconds = 3\n"
    ceiling = None
    others = 0  # further registries, in `self.more`
    pods = 0

    @classmethod
    def setUpClass(cls):
        cls.registry = HostileRegistry()
        cls.more = [HostileRegistry() for _ in range(cls.others)]
        cls.canary = Canary()
        registries = [each.address for each in [cls.registry] + cls.more]
        ceiling = cls.ceiling and cls.ceiling.format(canary=cls.canary.path)
        cls.instance = Instance(registries=registries, config=cls.config, ceiling=ceiling)
        if ceiling:
            with open(cls.instance.ceiling_file, "a") as file:
                file.write(f'log_roots = ["{cls.instance.root}/logs"]\n')
        cls.instance.start()
        cls.client = cls.instance.client
        cls.storage = os.path.join(cls.instance.root, "state/storage")
        # Workers come and go: one may still be erasing what was tried at start. So do a daemon's forks, which carry its name.
        found = cls.instance.processes()
        forks = {child for pid in found for child in children_of(pid) if found.get(child) == found[pid]}
        cls.daemons = {pid: names for pid, names in found.items() if pid not in forks
                       and names[1] not in ("bulkhead-storage-worker", "bulkhead-storage-decompressor")}

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.canary.remove()
        for each in [cls.registry] + cls.more:
            each.stop()

    def setUp(self):
        for each in [self.registry] + self.more:
            each.answers.clear()
            each.requests.clear()

    def tearDown(self):
        self.assertEqual(self.canary.look(), self.canary.before, "the canary was touched")
        self.assertLessEqual(self.daemons.keys(), self.instance.processes().keys(), "a daemon died")

    # Pulls

    def serve(self, *layers, config=None, repository="replay", **more):
        """Serves an image of these tars; returns its reference."""
        return self.registry.serve(image.Image(list(layers), config or {"Cmd": ["x"]}, **more), repository=repository)

    def pull(self, reference, **more):
        return self.client.PullImage(image=api.ImageSpec(image=reference), **more).image_ref

    def remove(self, reference):
        self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def pulled(self, *layers, **more):
        """The directories of the layers of such an image, base first; it is removed when the test ends."""
        reference = self.serve(*layers, **more)
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        return [directory for _, directory in store.named_layers(self.storage)[reference]]

    def refused(self, reference, *texts, codes=REFUSED, **more):
        """The pull fails as it should, leaves nothing and names `texts` in its error."""
        before = len(self.client.ListImages().images)
        code, text = cri.code_of(self.client.PullImage, image=api.ImageSpec(image=reference), **more)
        self.assertIn(code.name, codes, text)
        for each in texts:
            self.assertIn(each, text)
        self.assertEqual(len(self.client.ListImages().images), before)
        wait_until(lambda: not store.strangers(self.storage), seconds=30, what="no leftovers")
        return text

    # Pods

    def run_pod(self, name="replay", **more):
        """A pod for one test, of a name that no other has: (id, config)."""
        type(self).pods += 1
        name += str(self.pods)
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name), **more)
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
        return pod, config

    def create(self, pod, reference, *command, name="replay", **more):
        pod_id, pod_config = pod
        config = cri.container_config(name, reference, list(command), **more)
        return self.client.CreateContainer(pod_sandbox_id=pod_id, config=config, sandbox_config=pod_config).container_id

    def output(self, container):
        """Starts it and returns what it wrote once it has ended."""
        self.client.StartContainer(container_id=container)
        status = self.ended(container)
        with open(status.log_path) as file:
            return "".join(line.split(" ", 3)[3] for line in file)

    def ended(self, container):
        def status():
            return self.client.ContainerStatus(container_id=container).status
        wait_until(lambda: status().state == api.CONTAINER_EXITED, what="exit")
        return status()


class Peaks:
    """Watches the memory that an instance's processes take, short-lived ones too: `kib` is the most that any one had."""

    def __init__(self, instance, names=("imaged", "fetcher", "storaged", "unpack", "cri", "decompress", "parse")):
        self.instance, self.names, self.kib = instance, names, {}
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.thread.join()

    def watch(self):
        while not self.done.is_set():
            for pid, (name, program) in self.instance.processes().items():
                try:
                    with open(f"/proc/{pid}/status") as file:
                        high = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
                except OSError:
                    continue
                self.kib[program + "/" + name] = max(self.kib.get(program + "/" + name, 0), high)
            time.sleep(0.02)
