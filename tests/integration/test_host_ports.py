"""Ports of the node: connections to them arrive in the pod, whoever may not have one hears it by name."""

import os
import socket
import subprocess
import sys
import unittest

import cri
import image
import network
from cri import api
from instance import wait_until
from network import GATEWAY, GATEWAY6
from registry import Registry

PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}}
# busybox has no server for UDP: this one is the host's, in the pod's network.
UDP_SERVER = """
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("", 80))
while True:
    text, client = server.recvfrom(100)
    server.sendto(b"udp: " + text, client)
"""
REFUSED = "config.port_mappings"


def mapping(host_port, container_port=80, protocol=api.TCP, host_ip=""):
    return api.PortMapping(protocol=protocol, container_port=container_port, host_port=host_port, host_ip=host_ip)


def ask(address, port, kind=socket.SOCK_STREAM):
    """What a server that speaks first says; over UDP it is asked first. None if nobody listens."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as client:
        client.settimeout(2)
        try:
            client.connect((address, port))
            if kind == socket.SOCK_DGRAM:
                client.send(b"?\n")
            return client.recv(100).decode().strip() or None
        except OSError:
            return None


def rules(command="iptables"):
    return subprocess.run([command, "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout


class HostPorts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = network.instance(ceiling="host_ports = true\n", registries=[cls.registry.address])
        network.write_list(cls.instance, "10.conflist", [network.bridge(cls.instance), PORTMAP])
        cls.instance.start()
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def pod_config(self, name, *mappings):
        return cri.pod_config(name, os.path.join(self.instance.root, "logs", name), port_mappings=mappings)

    def serve(self, name, *mappings):
        """A pod whose container says its name to whoever connects to port 80."""
        config = self.pod_config(name, *mappings)
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
        container = self.client.CreateContainer(
            pod_sandbox_id=pod, sandbox_config=config,
            config=cri.container_config("main", self.reference, ["nc", "-ll", "-p", "80", "-e", "echo", name])
        ).container_id
        self.client.StartContainer(container_id=container)
        address = self.client.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip
        wait_until(lambda: ask(address, 80) == name, what="the server in the pod")
        return pod

    def refusal(self, *mappings):
        code, text = cri.code_of(self.client.RunPodSandbox, config=self.pod_config("refused", *mappings))
        self.assertTrue(text.startswith(REFUSED), text)
        return code.name, text

    def test_tcp_by_both_families(self):
        pod = self.serve("tcp", mapping(18080))
        self.assertEqual(ask(GATEWAY, 18080), "tcp")
        self.assertEqual(ask(GATEWAY6, 18080), "tcp")
        self.assertIsNone(ask(GATEWAY, 18081))
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        self.assertIsNone(ask(GATEWAY, 18080))
        for command in ("iptables", "ip6tables"):
            self.assertNotIn("18080", rules(command))

    def test_loopback_of_the_node(self):
        self.serve("loopback", mapping(18082))
        self.assertEqual(ask("127.0.0.1", 18082), "loopback")

    def test_udp(self):
        pod = self.serve("udp", mapping(18083, protocol=api.UDP))
        netns = os.path.join(self.instance.root, "run/netns", pod)
        server = subprocess.Popen(["nsenter", "--net=" + netns, sys.executable, "-c", UDP_SERVER])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        wait_until(lambda: ask(GATEWAY, 18083, socket.SOCK_DGRAM) == "udp: ?", what="an answer by UDP")
        self.assertIsNone(ask(GATEWAY, 18083), "TCP was not mapped")

    def test_sctp(self):
        """This kernel has no SCTP: the rule is what there is to see."""
        self.serve("sctp", mapping(18084, protocol=api.SCTP))
        self.assertTrue([line for line in rules().splitlines() if "-p sctp" in line and "18084" in line], rules())

    def test_one_address_of_the_node(self):
        self.serve("address", mapping(18085, host_ip=GATEWAY))
        self.assertEqual(ask(GATEWAY, 18085), "address")
        self.assertIsNone(ask("127.0.0.1", 18085))
        self.assertIsNone(ask(GATEWAY6, 18085))

    def test_two_pods_and_one_port(self):
        first = self.serve("first", mapping(18086))
        code, text = self.refusal(mapping(18086, container_port=81))
        self.assertEqual((code, text), ("FAILED_PRECONDITION",
                                        "config.port_mappings.host_port: tcp port 18086 is taken by pod default/first"))
        self.assertEqual(ask(GATEWAY, 18086), "first", "the first one keeps it")
        self.client.RemovePodSandbox(pod_sandbox_id=first)
        self.serve("second", mapping(18086))
        self.assertEqual(ask(GATEWAY, 18086), "second")

    def test_pods_on_addresses_of_their_own(self):
        self.serve("one", mapping(18087, host_ip=GATEWAY))
        self.serve("two", mapping(18087, host_ip=GATEWAY6))
        self.assertEqual(ask(GATEWAY, 18087), "one")
        self.assertEqual(ask(GATEWAY6, 18087), "two")

    def test_one_port_to_two_places(self):
        code, text = self.refusal(mapping(18088), mapping(18088, container_port=81))
        self.assertEqual(code, "INVALID_ARGUMENT", text)
        self.assertIn("tcp port 18088 is mapped to two ports of the pod", text)
        self.serve("twice", mapping(18088), mapping(18088))
        self.assertEqual(ask(GATEWAY, 18088), "twice")

    def test_ports_outlive_netd(self):
        """Whose port it is, is known to the next netd too."""
        self.serve("lives", mapping(18089))
        os.kill(self.instance.pid_of("netd"), 9)
        self.assertEqual(self.refusal(mapping(18089))[0], "FAILED_PRECONDITION")
        self.assertEqual(ask(GATEWAY, 18089), "lives")

    def test_a_network_without_portmap(self):
        path = os.path.join(self.instance.cni, "05.conflist")
        for plugins in ([network.bridge(self.instance)], [network.bridge(self.instance), {"type": "portmap"}]):
            network.write_list(self.instance, "05.conflist", plugins, network="plain")
            self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
            code, text = self.refusal(mapping(18090))
            self.assertEqual(code, "FAILED_PRECONDITION", text)
            self.assertIn("no plugin of network plain has the capability portMappings", text)
            pod = self.client.RunPodSandbox(config=self.pod_config("portless")).pod_sandbox_id
            self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_a_family_that_the_pod_has_not(self):
        only4 = network.bridge(self.instance, bridge="bh-test4")
        only4["ipam"]["ranges"] = [[{"subnet": "10.114.0.0/16"}]]
        network.write_list(self.instance, "05.conflist", [only4, PORTMAP], network="only4")
        self.addCleanup(os.unlink, os.path.join(self.instance.cni, "05.conflist"))
        code, text = self.refusal(mapping(18091, host_ip="::1"))
        self.assertEqual(code, "FAILED_PRECONDITION", text)
        self.assertIn("::1 is of a family that the pod has no address of", text)


class Ceiling(unittest.TestCase):
    def test_not_listed_is_refused(self):
        instance = network.instance(ceiling='profile = "baseline"\n')
        self.addCleanup(instance.remove)
        network.write_list(instance, "10.conflist", [network.bridge(instance), PORTMAP])
        instance.start()
        config = cri.pod_config("p", os.path.join(instance.root, "logs", "p"), port_mappings=[mapping(18080)])
        code, text = cri.code_of(instance.client.RunPodSandbox, config=config)
        self.assertEqual(code.name, "PERMISSION_DENIED")
        self.assertEqual(text, "config.port_mappings: the ceiling does not grant ports of the node (host_ports)")
        self.assertNotIn("18080", rules())


if __name__ == "__main__":
    unittest.main()
