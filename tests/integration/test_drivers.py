"""The whole journey on every storage driver, each on a file system that it is for, and what only a driver can get wrong."""

import json
import os
import subprocess
import time
import unittest

import cri
import image
import test_journey
from cri import api
from disk import Disk
from instance import Instance, wait_until
from registry import Registry

# Two layers that differ in everything a driver has to bring together.
BASE = image.archive(
    image.directory("data"), image.directory("data/dir"), image.directory("data/sub", mode=0o2750, uid=7, gid=8),
    image.entry("data/gone", b"gone"), image.entry("data/kept", b"kept", mode=0o4755, uid=70000, gid=80000),
    image.entry("data/dir/old", b"old"), image.entry("data/sub/replaced", b"a file"), image.entry("data/a", b"linked"),
    image.hardlink("data/b", "data/a"), image.symlink("data/link", "../etc/passwd"),
    image.entry("data/marked", b"m", pax_headers={"SCHILY.xattr.user.mark": "yes"}))
TOP = image.archive(
    image.directory("data"), image.entry("data/.wh.gone"), image.directory("data/dir"), image.entry("data/dir/.wh..wh..opq"),
    image.entry("data/dir/new", b"new"), image.directory("data/sub", mode=0o711), image.directory("data/sub/replaced"),
    image.entry("data/sub/replaced/inside", b"now a directory"), image.entry("data/big", os.urandom(300_000)))

LOOK = """cd /data; ls; ls dir; cat sub/replaced/inside; echo; stat -c '%n %a %u %g %h %Y' kept a b;
stat -c '%n %a %u %g %Y' sub dir . sub/replaced;
cat link | head -c 4; echo; test a -ef b && echo same"""
SEEN = """a
b
big
dir
kept
link
marked
sub
new
now a directory
kept 4755 70000 80000 1 1700000000
a 644 0 0 2 1700000000
b 644 0 0 2 1700000000
sub 711 0 0 1700000000
dir 755 0 0 1700000000
. 755 0 0 1700000000
sub/replaced 755 0 0 1700000000
root
same
"""


class OnDriver:
    """Mixed into Journey: the same tests, on an instance whose store is a disk of its own."""

    least_used = 0  # by a container that wrote nothing

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address], config=f'storage.driver = "{cls.driver}"')
        cls.store = os.path.join(cls.instance.root, "state/storage")
        cls.disk = Disk(cls.file_system)
        try:
            cls.disk.mount(cls.store)
            cls.instance.start()
        except BaseException:
            cls.tearDownClass()
            raise
        cls.client = cls.instance.client

    @classmethod
    def tearDownClass(cls):
        cls.instance.stop()
        cls.disk.remove()
        cls.instance.remove()
        cls.registry.stop()

    def tearDown(self):
        for pod in self.client.ListPodSandbox().items:
            self.client.RemovePodSandbox(pod_sandbox_id=pod.id)
        for stored in self.client.ListImages().images:
            self.client.RemoveImage(image=api.ImageSpec(image=stored.id))

    def usage(self):
        shown = self.client.ImageFsInfo()
        return (shown.image_filesystems[0].used_bytes.value, shown.container_filesystems[0].used_bytes.value)

    def start_container(self, reference, name):
        self.client.PullImage(image=api.ImageSpec(image=reference))
        pod, pod_config = self.run_pod(name)
        return self.run_container(pod, pod_config, cri.container_config("main", reference, ["sleep", "1000"]))

    def layered(self, name):
        layers = [image.busybox_layer(), BASE, TOP]
        return self.registry.push(image.Image(layers, {"Cmd": ["sleep", "1000"]}), name, "v1")

    def test_layers_become_one_root(self):
        container = self.start_container(self.layered("layered"), "layers")
        shown = self.client.ExecSync(container_id=container, cmd=["sh", "-c", LOOK])
        self.assertEqual(shown.stdout.decode(), SEEN, shown.stderr)

    def test_containers_share_nothing_that_they_write(self):
        reference = self.layered("shared")
        one = self.start_container(reference, "writes")
        self.client.ExecSync(container_id=one, cmd=["sh", "-c", "echo mine > /data/kept; rm -r /data/dir; touch /new"])
        other = self.start_container(reference, "reads")
        shown = self.client.ExecSync(container_id=other, cmd=["sh", "-c", "cat /data/kept; ls /data/dir; ls /new"])
        self.assertEqual(shown.stdout, b"keptnew\n")

    def test_usage_follows_what_containers_write(self):
        container = self.start_container(self.reference, "usage")
        self.usage()  # starts a count
        time.sleep(11)
        wait_until(lambda: self.usage()[1] >= self.least_used, seconds=30, what="a count")
        before = self.usage()[1]
        self.client.ExecSync(container_id=container, cmd=["sh", "-c", "head -c 5000000 /dev/zero > /tmp/f; sync"])
        wait_until(lambda: before + 4_900_000 <= self.usage()[1] <= before + 6_500_000, seconds=30,
                   what=lambda: f"{before} + 5 MB, but {self.usage()[1]}: the count")

    def test_the_store_remembers_its_driver(self):
        with open(os.path.join(self.store, "driver")) as file:
            self.assertEqual(file.read(), self.driver + "\n")

    def test_removed_means_gone(self):
        def left():
            return {place: set(os.listdir(os.path.join(self.store, place)))
                    for place in ("trash", "staging", "containers", "layers")}

        self.client.PullImage(image=api.ImageSpec(image=self.layered("kept")))  # on the same base
        wait_until(lambda: not left()["trash"], seconds=30, what="an empty trash")
        before = left()
        one = image.tar_layer([("one", b"of its own")])
        reference = self.registry.push(image.Image([image.busybox_layer(), one], {"Cmd": ["sleep", "1000"]}), "gone", "v1")
        self.client.PullImage(image=api.ImageSpec(image=reference))
        pod, pod_config = self.run_pod("gone")
        container = self.run_container(pod, pod_config, cri.container_config("main", reference, ["sleep", "1000"]))
        self.make_it_hard(container)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        self.client.RemoveImage(image=api.ImageSpec(image=reference))
        wait_until(lambda: left() == before, seconds=30, what=lambda: f"{before}, but {left()}: what is left")

    def make_it_hard(self, container):
        """What a container may do to be hard to erase."""
        deep = "/tmp" + "/d" * 300
        self.client.ExecSync(container_id=container, cmd=["sh", "-c", f"mkdir -p {deep}; touch {deep}/f; chmod 0 /tmp/d"])

    def test_nobody_else_gets_into_the_store(self):
        """E7: CVE-2021-41103, CVE-2024-25621."""
        self.start_container(self.layered("closed"), "closed")
        seen = subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "find", self.store,
                               "-mindepth", "1"], capture_output=True, text=True)
        self.assertEqual(seen.stdout, "")
        self.assertIn("Permission denied", seen.stderr)


class OverlayOnExt4(OnDriver, test_journey.Journey):
    driver, file_system = "overlay", "ext4"


class BtrfsOnBtrfs(OnDriver, test_journey.Journey):
    driver, file_system = "btrfs", "btrfs"

    def make_it_hard(self, container):
        """Whoever runs in a directory of btrfs can make subvolumes, and one inside another."""
        super().make_it_hard(container)
        pid = self.pid_of(container)
        inside = f"/proc/{pid}/root/tmp"
        subprocess.run(["btrfs", "subvolume", "create", f"{inside}/one"], check=True, capture_output=True)
        subprocess.run(["btrfs", "subvolume", "create", f"{inside}/one/two"], check=True, capture_output=True)
        os.mkdir(f"{inside}/one/two/dir")
        subprocess.run(["btrfs", "subvolume", "snapshot", f"{inside}/one", f"{inside}/one/two/dir/three"], check=True,
                       capture_output=True)

    def pid_of(self, container):
        info = self.client.ContainerStatus(container_id=container, verbose=True).info
        return json.loads(info["info"])["pid"]

    def test_a_root_is_a_snapshot(self):
        self.start_container(self.layered("snapshot"), "snapshot")
        listed = subprocess.run(["btrfs", "subvolume", "list", "-s", self.store], check=True, capture_output=True, text=True)
        self.assertRegex(listed.stdout, r"path containers/[0-9a-f]{64}/closed/root\n")


class VfsOnExt4(OnDriver, test_journey.Journey):
    driver, file_system = "vfs", "ext4"
    least_used = 1_000_000  # its own copy


class Choice(unittest.TestCase):
    def started(self, instance):
        self.addCleanup(instance.remove)
        return instance.start()

    def test_auto_is_overlay_where_that_works(self):
        instance = self.started(Instance())
        with open(os.path.join(instance.root, "state/storage/driver")) as file:
            self.assertEqual(file.read(), "overlay\n")

    def test_a_driver_that_does_not_work_is_refused_at_start(self):
        instance = Instance(config='storage.driver = "btrfs"')
        self.addCleanup(instance.remove)
        with self.assertRaisesRegex(RuntimeError, "storage.driver 'btrfs' does not work on the store's file system"):
            instance.start()

    def test_a_store_keeps_its_driver(self):
        instance = self.started(Instance(config='storage.driver = "vfs"'))
        instance.stop()
        with open(instance.config_file) as file:
            text = file.read()
        with open(instance.config_file, "w") as file:
            file.write(text.replace('"vfs"', '"overlay"'))
        with self.assertRaisesRegex(RuntimeError, "was made by 'vfs'"):
            instance.start()

    def test_modes_that_were_wrong_are_put_right(self):
        """E8: CVE-2024-25621."""
        instance = Instance()
        store = os.path.join(instance.root, "state/storage")
        for place in ("", "layers", "staging", "containers", "trash"):
            os.makedirs(os.path.join(store, place), exist_ok=True)
            os.chmod(os.path.join(store, place), 0o755)
        self.started(instance)
        for place in ("", "layers", "staging", "containers", "trash"):
            self.assertEqual(os.stat(os.path.join(store, place)).st_mode & 0o7777, 0o700, place)


if __name__ == "__main__":
    unittest.main()
