"""Holes of CNI plugins and of those who run them: 1I. One pod whose port 53 is the node's too, made after a service."""

import os
import subprocess
import unittest

import cri
import network
from cri import api
from instance import wait_until

SERVICE = ["PREROUTING", "-p", "tcp", "--dport", "53", "-j", "REDIRECT", "--to-ports", "1"]
PORTMAP = {"type": "portmap", "capabilities": {"portMappings": True}}


def nat(chain=""):
    text = subprocess.run(["iptables", "-t", "nat", "-S"], capture_output=True, text=True, check=True).stdout
    return [line for line in text.splitlines() if chain in line]


class Network(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        subprocess.run(["iptables", "-t", "nat", "-A", *SERVICE], check=True)
        cls.instance = network.instance(ceiling="host_ports = true\n")
        network.write_list(cls.instance, "10.conflist", [network.bridge(cls.instance), PORTMAP])
        cls.instance.start()
        config = cri.pod_config("dns", os.path.join(cls.instance.root, "logs", "dns"),
                                port_mappings=[api.PortMapping(container_port=53, host_port=53)])
        cls.pod = cls.instance.client.RunPodSandbox(config=config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()

    def test_cve_2019_9946_rules_come_last(self):
        """A vulnerable portmap puts its rules before all others, and takes a service's packets."""
        chain = nat("-A PREROUTING")
        ours = [i for i, line in enumerate(chain) if "-j CNI-HOSTPORT-DNAT" in line]
        services = [i for i, line in enumerate(chain) if "-j REDIRECT" in line]
        self.assertTrue(ours and services and min(ours) > max(services), chain)

    def test_cve_2025_67499_only_packets_for_the_node(self):
        """Vulnerable rules have no address to match, and take what other pods send to port 53 of the world."""
        jumps = [line for line in nat("-j CNI-HOSTPORT-DNAT") if line.startswith("-A")]
        self.assertEqual(len(jumps), 2, jumps)
        for line in jumps:
            self.assertIn("--dst-type LOCAL", line)

    def test_cve_2021_20206_a_type_is_no_path(self):
        """A vulnerable runtime executes the canary, which lies beside the plugins."""
        canary = os.path.join(self.instance.root, "canary")
        network.write(canary + ".sh", f"#!/bin/sh\ntouch {canary}\n", 0o755)
        path = os.path.join(self.instance.cni, "05.conflist")
        self.addCleanup(lambda: os.path.exists(path) and os.unlink(path))
        for plugins in ([{"type": "../canary.sh"}], [{"type": "bridge", "ipam": {"type": "../canary.sh"}}]):
            network.write_list(self.instance, "05.conflist", plugins)
            config = cri.pod_config("p", os.path.join(self.instance.root, "logs", "p"))
            pod = self.instance.client.RunPodSandbox(config=config).pod_sandbox_id
            self.instance.client.RemovePodSandbox(pod_sandbox_id=pod)
            self.assertFalse(os.path.exists(canary))
        wait_until(lambda: "05.conflist: a plugin's type" in self.instance.daemon_log()
                   or "05.conflist: ipam.type" in self.instance.daemon_log(), what="a warning")


if __name__ == "__main__":
    unittest.main()
