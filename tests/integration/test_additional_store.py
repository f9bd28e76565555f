"""Images that lie in another store: used where they are, never written, never erased, and no reason not to start."""

import os
import shutil
import sqlite3
import subprocess
import unittest

import grpc

import cri
import image
from cri import api
from disk import Disk
from instance import Instance, wait_until
from registry import Registry

ACCOUNTS = image.tar_layer([("etc/passwd", b"alice:x:1234:1234::/:/bin/sh\n"), ("data/file", b"from elsewhere\n"),
                            ("data/gone", b"x")])
TOP = image.tar_layer([("data/.wh.gone", b""), ("data/top", b"top\n")])


def tree(top):
    """Every file beneath `top` with what a change of it would change."""
    found = {}
    for directory, _, files in os.walk(top):
        for path in [directory] + [os.path.join(directory, name) for name in files]:
            info = os.lstat(path)
            found[path] = (info.st_ino, info.st_mode, info.st_uid, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
    return found


class Stores(unittest.TestCase):
    driver = "overlay"

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        shared = [image.busybox_layer(), ACCOUNTS, TOP]
        cls.elsewhere = cls.registry.push(image.Image(shared, {"Cmd": ["sh"], "User": "alice"}), "library/elsewhere", "v1")
        fresh = image.tar_layer([("data/fresh", b"fresh\n")])
        cls.derived = cls.registry.push(image.Image(shared + [fresh], {"Cmd": ["sh"]}), "library/derived", "v1")
        cls.maker = Instance(registries=[cls.registry.address]).start()
        cls.maker.client.PullImage(image=api.ImageSpec(image=cls.elsewhere))
        cls.maker.stop()
        cls.other = os.path.join(cls.maker.root, "state/storage")
        os.chown(cls.other, 0, 0)

    @classmethod
    def tearDownClass(cls):
        cls.maker.remove()
        cls.registry.stop()

    def start(self, *stores):
        listed = ", ".join(f'"{store}"' for store in stores)
        self.instance = Instance(registries=[self.registry.address],
                                 config=f'storage.driver = "{self.driver}"\nstorage.additional_stores = [{listed}]')
        self.addCleanup(self.instance.remove)
        self.store = os.path.join(self.instance.root, "state/storage")
        self.prepare()
        self.instance.start()
        self.client = self.instance.client
        self.count = 0

    def prepare(self):
        pass

    def names(self):
        return sorted(tag for stored in self.client.ListImages().images for tag in stored.repo_tags)

    def create(self, reference, command, mounts=()):
        self.count += 1  # a log of its own
        config = cri.container_config(f"c{self.count}", reference, ["sh", "-c", command], mounts=mounts)
        return self.client.CreateContainer(pod_sandbox_id=self.pod, config=config,
                                           sandbox_config=self.pod_config).container_id

    def said(self, *arguments, **more):
        container = self.create(*arguments, **more)
        self.client.StartContainer(container_id=container)
        status = wait_until(lambda: (lambda s: s.state == api.CONTAINER_EXITED and s)(
            self.client.ContainerStatus(container_id=container).status), what="exit")
        with open(status.log_path) as file:
            text = "".join(line.split(" F ", 1)[1] for line in file)
        self.client.RemoveContainer(container_id=container)
        return text

    def run_pod(self):
        self.pod_config = cri.pod_config("additional", os.path.join(self.instance.root, "logs", "additional"))
        self.pod = self.client.RunPodSandbox(config=self.pod_config).pod_sandbox_id
        self.addCleanup(lambda: self.client.RemovePodSandbox(pod_sandbox_id=self.pod))


class OnOverlay(Stores):
    own_directories = 1

    def test_images_are_used_where_they_lie(self):
        before = tree(self.other)
        self.start(self.other)
        self.run_pod()
        self.assertEqual(self.names(), [self.elsewhere])
        self.assertEqual(self.client.ImageFsInfo().image_filesystems[0].used_bytes.value, 0)
        # The user is looked up in it, its layers hide and show, what is written goes elsewhere; nothing was pulled.
        self.assertEqual(self.said(self.elsewhere, "id -u; echo $(ls /data); cat /data/file"),
                         "1234\nfile top\nfrom elsewhere\n")
        # As a volume too.
        volume = api.Mount(container_path="/v", image=api.ImageSpec(image=self.elsewhere), readonly=True)
        self.assertEqual(self.said(self.elsewhere, "cat /v/data/file; ls /v/data", mounts=[volume]),
                         "from elsewhere\nfile\ntop\n")
        # What shares layers with it fetches only what is not there.
        self.client.PullImage(image=api.ImageSpec(image=self.derived))
        changed = "exec 2>&1; cat /data/file /data/fresh; echo changed > /data/file; rm /data/top; echo $(ls /data)"
        self.assertEqual(self.said(self.derived, changed), "from elsewhere\nfresh\nfile fresh\n")
        names = os.listdir(os.path.join(self.store, "layers"))
        self.assertEqual(len(names), self.own_directories, names)
        # It is not erased; what was pulled is.
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.RemoveImage(image=api.ImageSpec(image=self.elsewhere))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.client.RemoveImage(image=api.ImageSpec(image=self.derived))
        self.assertEqual(self.names(), [self.elsewhere])
        self.assertEqual(tree(self.other), before)


class OnVfs(OnOverlay):
    driver = "vfs"


class OnBtrfs(OnOverlay):
    """No snapshot can be taken of a layer on another file system: trees begin empty."""

    driver = "btrfs"
    own_directories = 3  # with a tree for each of the images

    def prepare(self):
        disk = Disk("btrfs")
        self.addCleanup(disk.remove)
        self.addCleanup(self.instance.stop)
        disk.mount(self.store)


class Trouble(Stores):
    def copy(self):
        path = os.path.join(self.maker.root, "copy")
        self.addCleanup(shutil.rmtree, path, True)
        subprocess.run(["cp", "-a", self.other, path], check=True)
        return path

    def test_what_cannot_be_used_is_said_and_left_out(self):
        broken = self.copy()
        with open(os.path.join(broken, "bulkhead.sqlite"), "r+b") as file:
            file.truncate(5000)
        with open(os.path.join(broken, "bulkhead.sqlite-wal"), "wb"):
            pass
        somebodys = os.path.join(self.maker.root, "somebodys")
        os.mkdir(somebodys)
        os.chown(somebodys, 65534, 65534)
        self.addCleanup(os.rmdir, somebodys)
        self.start("/nonexistent/store", broken, somebodys, self.other)
        self.assertEqual(self.names(), [self.elsewhere])
        log = self.instance.daemon_log()
        for path in ("/nonexistent/store", broken, somebodys):
            self.assertRegex(log, f"an additional store is left out.*{path}")
        self.assertNotRegex(log, f"an additional store is left out.*{self.other}")

    def test_what_goes_away_is_forgotten_and_pulled_again(self):
        other = self.copy()
        self.start(other)
        self.client.PullImage(image=api.ImageSpec(image=self.derived))
        self.assertEqual(self.names(), [self.derived, self.elsewhere])
        self.instance.stop()
        shutil.rmtree(other)
        self.instance.start()
        self.client = self.instance.client
        self.assertEqual(self.names(), [])
        self.client.PullImage(image=api.ImageSpec(image=self.derived))
        self.run_pod()
        self.assertEqual(self.said(self.derived, "cat /data/file"), "from elsewhere\n")
        with sqlite3.connect(f"file:{self.store}/bulkhead.sqlite?mode=ro", uri=True) as index:
            self.assertEqual(index.execute("SELECT count(*) FROM layers WHERE elsewhere").fetchone(), (0,))


if __name__ == "__main__":
    unittest.main()
