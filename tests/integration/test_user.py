"""Whom a container runs as: an image's USER and a request's, resolved inside the image and nowhere else."""

import os
import tarfile
import tempfile
import time
import unittest

import grpc

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

PASSWD = b"""root:x:0:0:root:/root:/bin/sh
www-data:x:33:33::/:/bin/sh
default-user:x:1000:1000::/:/bin/sh
1002:x:0:0:a name of digits:/:/bin/sh
wraps:x:4294967296:0::/:/bin/sh
999999999999999999999999999999999999:x:0:0::/:/bin/sh
"""
GROUP = b"""root:x:0:
www-data:x:33:
staff:x:50:
media:x:50000:default-user,www-data
"""
STRICT = api.SupplementalGroupsPolicy.Value("Strict")


def fifo():
    info = tarfile.TarInfo()
    info.type, info.mode = tarfile.FIFOTYPE, 0o644
    return info


def user_image(user, *layers):
    """busybox and account files, in layers of their own."""
    accounts = image.tar_layer([("etc/passwd", PASSWD), ("etc/group", GROUP)])
    return image.Image([image.busybox_layer(), accounts, *layers], {"Cmd": ["sh"], "Env": ["PATH=/bin"], "User": user})


class Users(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.client = cls.instance.client
        cls.images = {}
        cls.pod_config = cri.pod_config("users", os.path.join(cls.instance.root, "logs", "users"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def pulled(self, user, *layers):
        key = (user, layers)
        if key not in self.images:
            reference = self.registry.push(user_image(user, *layers), "library/user", f"v{len(self.images)}")
            self.client.PullImage(image=api.ImageSpec(image=reference))
            self.images[key] = reference
        return self.images[key]

    def create(self, reference, command=("id",), **context):
        type(self).count += 1
        security = api.LinuxContainerSecurityContext(**context)
        config = cri.container_config(f"c{self.count}", reference, command,
                                      linux=api.LinuxContainerConfig(security_context=security))
        return self.client.CreateContainer(pod_sandbox_id=self.pod, config=config,
                                           sandbox_config=self.pod_config).container_id

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def output(self, container):
        self.client.StartContainer(container_id=container)
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        with open(self.status(container).log_path) as file:
            return file.read()

    def ids(self, user, *layers, **context):
        """(uid, gid, sorted groups) as the process and as ContainerStatus have them, which must be the same."""
        container = self.create(self.pulled(user, *layers), ["sh", "-c", "grep -E '^(Uid|Gid|Groups):' /proc/self/status"],
                                **context)
        seen = {}
        for line in self.output(container).splitlines():
            key, value = line.split(" F ", 1)[1].split(":", 1)
            seen[key] = [int(number) for number in value.split()]
        shown = self.status(container).user.linux
        self.assertEqual(set(seen["Uid"]), {shown.uid})
        self.assertEqual(set(seen["Gid"]), {shown.gid})
        self.assertEqual(sorted(seen["Groups"]), sorted(shown.supplemental_groups))
        return shown.uid, shown.gid, sorted(shown.supplemental_groups)

    def refusal(self, user, *layers, **context):
        reference = self.pulled(user, *layers)
        with self.assertRaises(grpc.RpcError) as caught:
            self.create(reference, **context)
        return caught.exception.code(), caught.exception.details()

    def test_an_images_user_in_every_form(self):
        for user, expected in (("", (0, 0, [0])), ("root", (0, 0, [0])), ("1002", (1002, 0, [0])),
                               ("www-data", (33, 33, [33, 50000])), ("1003:1004", (1003, 1004, [1004])),
                               ("www-data:1004", (33, 1004, [1004, 50000])), ("1003:staff", (1003, 50, [50])),
                               ("www-data:staff", (33, 50, [50, 50000])), ("1000", (1000, 1000, [1000, 50000]))):
            with self.subTest(user):
                self.assertEqual(self.ids(user), expected)

    def test_the_request_wins(self):
        number = api.Int64Value
        self.assertEqual(self.ids("www-data", run_as_user=number(value=1000)), (1000, 1000, [1000, 50000]))
        self.assertEqual(self.ids("1003", run_as_username="www-data"), (33, 33, [33, 50000]))
        self.assertEqual(self.ids("", run_as_username="default-user", run_as_group=number(value=7)),
                         (1000, 7, [7, 50000]))
        self.assertEqual(self.ids("", run_as_user=number(value=4242), run_as_group=number(value=4243)),
                         (4242, 4243, [4243]))

    def test_group_policies(self):
        number = api.Int64Value
        asked = {"run_as_user": number(value=1000), "supplemental_groups": [1234, 5678]}
        self.assertEqual(self.ids("", **asked), (1000, 1000, [1000, 1234, 5678, 50000]))
        asked["supplemental_groups_policy"] = STRICT
        # The primary group stays among them (CVE-2022-2995).
        self.assertEqual(self.ids("", **asked), (1000, 1000, [1000, 1234, 5678]))

    def test_numbers_never_wrap_and_are_never_names(self):
        """CVE-2024-40635, CVE-2026-46680, containerd 2c3c9e9d9."""
        for user in ("4294967296", "-1000", "405:4294967296", "9" * 36, "1000:" + "9" * 36):
            with self.subTest(user):
                code, text = self.refusal(user)
                self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
                self.assertIn("image.config.user", text)
        code, text = self.refusal("wraps")
        self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("/etc/passwd", text)
        self.assertIn("/etc/passwd", self.refusal("nobody-known")[1])
        self.assertIn("/etc/group", self.refusal("www-data:no-such-group")[1])

    def test_every_spelling_of_an_image_has_the_same_user(self):
        """CVE-2019-11245."""
        for user, uid, name in (("1000:5", 1000, ""), ("www-data", None, "www-data"), ("9" * 36, None, "9" * 36)):
            reference = self.pulled(user)
            shown = self.client.ImageStatus(image=api.ImageSpec(image=reference)).image
            for spelling in (reference, shown.id, shown.id.removeprefix("sha256:"), shown.repo_digests[0]):
                found = self.client.ImageStatus(image=api.ImageSpec(image=spelling)).image
                self.assertEqual(found.id, shown.id)
                self.assertEqual(found.uid.value if found.HasField("uid") else None, uid, spelling)
                self.assertEqual(found.username, name, spelling)

    def test_hostile_account_files(self):
        """CVE-2025-4437, CVE-2026-47262, CVE-2024-9676: bounded, quick, and nothing of the host's is opened."""
        with tempfile.TemporaryDirectory(prefix="bh-canary-", dir="/tmp") as canary:
            trap = os.path.join(canary, "fifo")
            os.mkfifo(trap)
            cases = {
                "a FIFO": [("etc/group", fifo())],
                "a large file": [("etc/group", b"x" * (11 << 20))],
                "a link to itself": [("etc/group", image.link("group"))],
                "a directory": [("etc/group/x", b"")],
            }
            for name, entries in cases.items():
                with self.subTest(name):
                    began = time.monotonic()
                    _, text = self.refusal("4242", image.tar_layer(entries))
                    self.assertLess(time.monotonic() - began, 5)
                    self.assertIn("/etc/", text)
            # The image has no such file, whatever the host has: a number needs none, a name is not found.
            link = image.tar_layer([("etc/passwd", image.link("../../../../.." + trap))])
            self.assertEqual(self.ids("4242", link)[:2], (4242, 0))
            self.assertIn("/etc/passwd", self.refusal("www-data", link)[1])
            # A writer that opened the FIFO without a reader would have failed so far.
            with self.assertRaises(OSError):
                os.close(os.open(trap, os.O_WRONLY | os.O_NONBLOCK))
        self.assertEqual(self.ids("1000")[0], 1000)  # and everybody else is served


if __name__ == "__main__":
    unittest.main()
