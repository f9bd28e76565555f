"""Users that images name: cve.md B4, B5, B6, B8, B10, B11, W1."""

import os
import tarfile
import threading
import time
import unittest

import grpc

import image
from cri import api
from image import archive, entry, symlink
from replay import Peaks, REFUSED, Replay

NINES = "9" * 36
PASSWD = b"root:x:0:0:root:/root:/bin/sh\napp:x:1000:1001::/:/bin/sh\n"
GROUP = b"root:x:0:\napp:x:1001:\nextra:x:50000:app\n"


class Users(Replay):
    def image(self, user="", passwd=PASSWD, group=GROUP, entries=()):
        """Busybox with this USER and these files, pulled; its reference."""
        files = [entry("etc/passwd", passwd), entry("etc/group", group)] if passwd is not None else []
        type(self).pods += 1
        made = image.Image([image.busybox_layer(), archive(*files, *entries)], {"Cmd": ["sh"], "Env": ["PATH=/bin"], "User": user})
        reference = self.registry.serve(made, repository=f"users{self.pods}")
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        return reference

    def id_in(self, reference, **security):
        """"uid gid groups" as the kernel has them, or the code of the refusal."""
        linux = api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**security)) if security else None
        try:
            container = self.create(self.run_pod(), reference, "grep", "-E", "^(Uid|Gid):", "/proc/self/status", linux=linux)
            said = self.output(container)
        except grpc.RpcError as error:
            return error.code().name
        return " ".join(line.split()[2] for line in said.splitlines())

    def test_users_as_they_should_be(self):
        """The positive control: the refusals below are not of users as such."""
        for user, expected in (("", "0 0"), ("app", "1000 1001"), ("1000", "1000 1001"), ("1000:5", "1000 5"), ("app:extra", "1000 50000"),
                               ("4242", "4242 0"), ("2147483647", "2147483647 0")):
            with self.subTest(user):
                self.assertEqual(self.id_in(self.image(user)), expected)

    # Vulnerable: the number wraps, and the container's process is root.
    def test_cve_2024_40635(self):
        for user in ("4294967296", "4294967295", "-1000", "-1", "405:4294967296", "0:" + NINES, "405:-1", "+5", "0x0", " 0", "1e3"):
            with self.subTest(user):
                self.assertIn(self.id_in(self.image(user)), REFUSED)
        for user, ids in (("2147483648", "2147483648 0"), ("405:2147483648", "405 2147483648")):
            with self.subTest(user):  # users, though not of runc's: it takes none beyond int32
                self.assertIn(self.id_in(self.image(user)), (ids, "FAILED_PRECONDITION"))

    # Vulnerable: what is no number for strtol is a name, and passwd has it.
    def test_cve_2026_46680(self):
        passwd = PASSWD + f"{NINES}:x:0:0::/:/bin/sh\n4294967296:x:0:0::/:/bin/sh\n".encode()
        group = GROUP + f"{NINES}:x:0:\n".encode()
        for user in (NINES, "4294967296", f"1000:{NINES}"):
            with self.subTest(user):
                reference = self.image(user, passwd, group)
                self.assertIn(self.id_in(reference), REFUSED)
                shown = self.client.ImageStatus(image=api.ImageSpec(image=reference)).image
                self.assertFalse(shown.HasField("uid") and shown.uid.value != 0 and user == NINES)

    # Vulnerable: 1000 is looked for among the names first.
    def test_cve_2016_3697(self):
        reference = self.image("1000", PASSWD + b"1000:x:0:0::/:/bin/sh\n", GROUP)
        self.assertEqual(self.id_in(reference), "1000 1001")
        self.assertEqual(self.id_in(self.image("1000:1001", PASSWD, GROUP + b"1001:x:0:\n")), "1000 1001")

    # Vulnerable: passwd's own number wraps.
    def test_w1_numbers_in_passwd(self):
        for line in ("app:x:4294967296:0", "app:x:-1:0", "app:x:1000:4294967296", "app:x:4294967295:0", f"app:x:{NINES}:0"):
            with self.subTest(line):
                self.assertIn(self.id_in(self.image("app", (line + "::/:/bin/sh\n").encode())), REFUSED)
        self.assertIn(self.id_in(self.image("app:wheel", group=b"wheel:x:4294967296:\n")), REFUSED)

    # Vulnerable: by its id the image has no user, so the kubelet takes it for root, or the other way round.
    def test_cve_2019_11245(self):
        for user, uid, username in (("1000", 1000, ""), ("app", None, "app"), ("", 0, ""), ("1000:5", 1000, "")):
            reference = self.image(user)
            shown = self.client.ImageStatus(image=api.ImageSpec(image=reference)).image
            spellings = [reference, shown.id, shown.id.removeprefix("sha256:"), *shown.repo_digests, *shown.repo_tags]
            self.assertGreaterEqual(len(spellings), 5)
            for spelling in spellings:
                with self.subTest(user=user, spelling=spelling):
                    same = self.client.ImageStatus(image=api.ImageSpec(image=spelling)).image
                    self.assertEqual((same.id, same.uid, same.username), (shown.id, shown.uid, shown.username))
            self.assertEqual(shown.username, username)
            if uid:
                self.assertEqual(shown.uid.value, uid)

    def strange_files(self):
        big = b"x" * (11 << 20)
        return {
            "eleven MiB of passwd": dict(passwd=PASSWD + big, group=GROUP),
            "eleven MiB of group": dict(passwd=PASSWD, group=GROUP + big),
            "gigabytes of holes": dict(passwd=None, entries=[entry(
                "etc/passwd", b"1\n0\n1\n".ljust(512, b"\0") + b"x", pax_headers={
                    "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "etc/passwd",
                    "GNU.sparse.realsize": str(8 << 30)})]),
            "a FIFO": dict(passwd=None, entries=[entry("etc/passwd", type=tarfile.FIFOTYPE)]),
            "a device": dict(passwd=None, entries=[entry("etc/passwd", type=tarfile.CHRTYPE, devmajor=1, devminor=5)]),
            "a directory": dict(passwd=None, entries=[image.directory("etc/passwd")]),
            "a loop": dict(passwd=None, entries=[symlink("etc/passwd", "passwd")]),
        }

    # B10. Vulnerable: all of it is read into memory, or for ever.
    def test_cve_2025_4437_and_cve_2026_47262(self):
        for name, files in self.strange_files().items():
            with self.subTest(name):
                try:
                    reference = self.image("app", **files)
                except grpc.RpcError as error:  # some do not even become a layer
                    self.assertIn(error.code().name, REFUSED)
                    continue
                with Peaks(self.instance, names=()) as peaks:
                    began = time.monotonic()
                    # By name, and by a number whose group is looked for.
                    self.assertIn(self.id_in(reference), REFUSED)
                    self.assertIn(self.id_in(reference, run_as_user=api.Int64Value(value=4242)), REFUSED + ("4242 0",))
                    took = time.monotonic() - began
                self.assertLess(took, 20)
                self.assertLess(max(peaks.kib.values()), 64 << 10, peaks.kib)

    # B11. Vulnerable: the host's FIFO is opened, and whoever did so waits for a writer.
    def test_cve_2024_9676(self):
        fifo = self.instance.root + "/fifo"  # the root is the instance's own, so the canary stays as it was
        os.mkfifo(fifo, 0o666)
        opened = threading.Event()

        def wait():
            os.close(os.open(fifo, os.O_WRONLY))  # returns once somebody reads
            opened.set()
        writer = threading.Thread(target=wait, daemon=True)
        writer.start()
        for target in (fifo, "../" * 9 + fifo[1:], self.canary.path + "/file"):
            with self.subTest(target):
                reference = self.image("app", passwd=None, entries=[symlink("etc/passwd", target), symlink("etc/group", target)])
                began = time.monotonic()
                self.assertIn(self.id_in(reference), REFUSED)
                self.assertLess(time.monotonic() - began, 20)
        self.assertFalse(opened.is_set(), "the host's FIFO was opened")
        os.close(os.open(fifo, os.O_RDONLY | os.O_NONBLOCK))  # lets the writer go
        writer.join(5)
        self.assertTrue(opened.is_set())


del Replay

if __name__ == "__main__":
    unittest.main()
