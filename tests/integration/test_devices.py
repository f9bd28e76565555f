"""Devices of the node in a container: those that the ceiling names, with the access that it names."""

import os
import stat
import tempfile
import unittest

from cri import api
from pods import PodCase


def device(host_path, container_path=None, permissions="rw"):
    return api.Device(host_path=host_path, container_path=container_path or host_path, permissions=permissions)


class Devices(PodCase):
    ceiling = """devices = ["/dev/zero:rw", "/dev/bh-test/*:rwm"]
capabilities = ["CAP_MKNOD", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID",
                "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_KILL", "CAP_NET_RAW"]
"""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # What is mounted on a directory of devices is not a part of it: so none of our own mounts here.
        os.makedirs("/dev/bh-test/deep")
        cls.addClassCleanup(cls.forget)
        os.mknod("/dev/bh-test/a", stat.S_IFCHR | 0o640, os.makedev(1, 5))
        os.chmod("/dev/bh-test/a", 0o640)
        os.chown("/dev/bh-test/a", 12, 34)
        os.mknod("/dev/bh-test/deep/b", stat.S_IFCHR | 0o666, os.makedev(1, 7))
        os.chmod("/dev/bh-test/deep/b", 0o666)
        os.mknod("/dev/bh-test/t", stat.S_IFCHR | 0o600, os.makedev(10, 237))  # loop-control
        os.symlink("/dev/full", "/dev/bh-test/link")
        open("/dev/bh-test/file", "w").close()

    @staticmethod
    def forget():
        for name in ("a", "t", "deep/b", "link", "file"):
            if os.path.lexists("/dev/bh-test/" + name):
                os.unlink("/dev/bh-test/" + name)
        os.rmdir("/dev/bh-test/deep")
        os.rmdir("/dev/bh-test")

    def test_a_device_under_another_name(self):
        container = self.start(self.run_pod(), devices=[device("/dev/zero", "/dev/nought")])
        self.assertEqual(self.sh(container, "head -c 4 /dev/nought | od -An -tx1; stat -c %t:%T /dev/nought"),
                         " 00 00 00 00\n1:5\n")

    def test_only_the_access_that_was_asked(self):
        container = self.start(self.run_pod(), devices=[device("/dev/bh-test/t", "/dev/t", "r")])
        self.assertNotIn("[", self.sh(container, "exec 3< /dev/t"))
        self.assertIn("not permitted", self.sh(container, "exec 3> /dev/t"))
        # GHSA-g54h-m393-cpwq: what was not asked for is denied, whoever makes the node.
        self.assertIn("not permitted", self.sh(container, "mknod /tmp/kmsg c 1 11 && exec 3< /tmp/kmsg"))

    def test_a_directory_of_devices(self):
        container = self.start(self.run_pod(), devices=[device("/dev/bh-test", "/dev/many")])
        self.assertEqual(self.sh(container, "cd /dev/many; stat -c '%n %a %u %g %t:%T' a deep/b; ls"),
                         "a 640 12 34 1:5\ndeep/b 666 0 0 1:7\na\ndeep\nt\n")
        self.assertIn("1", self.sh(container, "head -c 1 /dev/many/a | wc -c"))

    def test_what_the_ceiling_does_not_name(self):
        pod = self.run_pod()
        for path, access in (("/dev/full", "r"), ("/dev/urandom", "rw"), ("/dev/zero", "rwm"), ("/dev/bh-test/link", "r"),
                             ("/dev/../dev/zero", "r")):
            code, text = self.refused(pod, devices=[device(path, "/dev/x", access)])
            self.assertIn(code, ("PERMISSION_DENIED", "INVALID_ARGUMENT"), text)
            self.assertIn("config.devices[0].host_path", text)

    def test_what_is_no_device(self):
        pod = self.run_pod()
        with tempfile.NamedTemporaryFile(prefix="bh-") as file:
            for path in (file.name, "/dev/bh-test/file", "/dev/bh-test/none", "/tmp", "/"):
                code, text = self.refused(pod, devices=[device(path, "/dev/x")])
                self.assertEqual(code, "FAILED_PRECONDITION", text)
                self.assertIn("config.devices[0].host_path", text)

    def test_where_it_may_not_lie(self):
        pod = self.run_pod()
        for place in ("/dev/null", "/dev", "/proc/x", "/sys/x", "/dev/pts/0"):
            code, text = self.refused(pod, devices=[device("/dev/zero", place)])
            self.assertEqual(code, "INVALID_ARGUMENT", text)
            self.assertIn("config.devices[0].container_path", text)

    def test_cdi_is_refused_by_name(self):
        code, text = self.refused(self.run_pod(), CDI_devices=[api.CDIDevice(name="vendor.com/gpu=0")])
        self.assertEqual(code, "INVALID_ARGUMENT")
        self.assertIn("config.CDI_devices", text)


# CVE-2018-1000400 and its opposite: a user other than root has what was asked to be ambient, and nothing else.
class Ambient(PodCase):
    ceiling = Devices.ceiling

    def sets(self, **capabilities):
        capabilities = api.Capability(**capabilities)
        user = api.Int64Value(value=1000)
        container = self.start(self.run_pod(), security=dict(run_as_user=user, run_as_group=user, capabilities=capabilities))
        script = "cat /proc/1/status | grep -E '^Cap(Inh|Prm|Eff|Amb)' | cut -f2"
        inside = self.sh(container, script).split()
        own = self.sh(container, "cat /proc/self/status | grep -E '^Cap(Inh|Prm|Eff|Amb)' | cut -f2").split()
        self.assertEqual(inside, own, "an exec has the same")
        return {int(each, 16) for each in inside}

    def test_ambient(self):
        net_raw = 1 << 13
        self.assertEqual(self.sets(add_ambient_capabilities=["NET_RAW"]), {net_raw})
        self.assertEqual(self.sets(add_capabilities=["NET_RAW"]), {0})

    def test_the_ceiling_counts_here_too(self):
        security = dict(capabilities=api.Capability(add_ambient_capabilities=["SYS_ADMIN"]))
        self.assertEqual(self.refused(self.run_pod(), security=security)[0], "PERMISSION_DENIED")


if __name__ == "__main__":
    unittest.main()
