"""A pod's kernel parameters: set in its own namespaces, and nowhere else."""

import unittest

from cri import api
from pods import PodCase

NODE = api.NamespaceMode.Value("NODE")
CONTAINER = api.NamespaceMode.Value("CONTAINER")
# What a pod may try to change of the node.
NODES = ("kernel/shm_rmid_forced", "kernel/msgmax", "net/ipv4/ip_local_port_range", "net/core/somaxconn",
         "kernel/core_pattern", "fs/mqueue/msg_max")


def read(name):
    with open("/proc/sys/" + name) as file:
        return file.read()


class Sysctls(PodCase):
    ceiling = 'host_network = true\nhost_ipc = true\nsysctls = ["net.core.somaxconn", "fs.mqueue.*"]\n'

    def setUp(self):
        self.before = {name: read(name) for name in NODES}

    def tearDown(self):
        self.assertEqual({name: read(name) for name in NODES}, self.before, "the node was changed")

    def values(self, container, *names):
        return self.sh(container, "cd /proc/sys; cat " + " ".join(names)).split("\n")[:-1]

    def test_every_container_of_the_pod_has_them(self):
        pod = self.run_pod(sysctls={"net.ipv4.ip_local_port_range": "2048 65000", "kernel.shm_rmid_forced": "1",
                                    "net/ipv4/tcp_syncookies": "0", "net.core.somaxconn": "321",
                                    "fs.mqueue.msg_max": "17"})
        names = ("net/ipv4/ip_local_port_range", "kernel/shm_rmid_forced", "net/ipv4/tcp_syncookies", "net/core/somaxconn",
                 "fs/mqueue/msg_max")
        for _ in range(2):
            self.assertEqual(self.values(self.start(pod), *names), ["2048\t65000", "1", "0", "321", "17"])
        other = self.values(self.start(self.run_pod()), *names)
        self.assertNotIn("2048\t65000", other)
        self.assertNotIn("321", other)

    def test_what_is_not_listed_is_refused(self):
        for name in ("kernel.msgmax", "net.ipv4.ip_forward", "net.core.somaxconnx"):
            code, text = self.refused_pod(sysctls={name: "1"})
            self.assertEqual(code, "PERMISSION_DENIED", text)
            self.assertIn("config.linux.sysctls[", text)

    def test_what_is_the_nodes_is_refused(self):
        for name in ("kernel.core_pattern", "vm.overcommit_memory", "fs.file-max", "kernel.hostname"):
            code, text = self.refused_pod(sysctls={name: "1"})
            self.assertEqual(code, "INVALID_ARGUMENT", text)

    def test_a_value_the_kernel_does_not_take(self):
        pod = self.run_pod(sysctls={"net.ipv4.tcp_syncookies": "many"})
        code, text = self.refused(pod)
        self.assertEqual(code, "FAILED_PRECONDITION", text)

    def test_namespaces_of_the_host(self):
        for options, name in ((dict(network=NODE), "net.ipv4.ip_local_port_range"), (dict(ipc=NODE), "kernel.shm_rmid_forced"),
                              (dict(ipc=NODE), "fs.mqueue.msg_max"), (dict(network=NODE), "kernel.domainname")):
            options = api.NamespaceOption(pid=CONTAINER, **options)
            code, text = self.refused_pod(security=dict(namespace_options=options), sysctls={name: "1"})
            self.assertEqual(code, "INVALID_ARGUMENT", text)


if __name__ == "__main__":
    unittest.main()
