"""CNI: what plugins are told, every version, readiness, GC, configuration that goes and comes, plugins that fail."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

import grpc

import cri
import host
import network
from cri import api
from instance import wait_until

PROBE = {"type": "probe", "capabilities": {"bandwidth": True, "dns": True, "cgroupPath": True,
                                           "io.kubernetes.cri.pod-annotations": True, "portMappings": True}}


class Cni(unittest.TestCase):
    """One instance a test: each has a network of its own."""

    config = ""

    def setUp(self):
        self.instance = network.instance(ceiling="host_ports = true\n", network=self.config)
        self.addCleanup(self.instance.remove)
        for name in ("probe", "deaf"):
            network.write_plugin(self.instance, name)

    def start(self, plugins=None, version="1.0.0", **more):
        if plugins:
            network.write_list(self.instance, "10.conflist", plugins, version, **more)
        self.instance.start()
        self.client = self.instance.client

    def pod(self, name="pod", **more):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name), **more)
        return self.client.RunPodSandbox(config=config).pod_sandbox_id

    def refusal(self, name="pod", **more):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name), **more)
        code, text = cri.code_of(self.client.RunPodSandbox, config=config)
        return code.name, text

    def calls(self, verb=None, plugin=None):
        return network.calls(self.instance, verb, plugin)

    def mood(self, name):
        network.write(os.path.join(self.instance.root, name), "")

    def calm(self, name):
        os.unlink(os.path.join(self.instance.root, name))

    def not_ready(self):
        """Why the node's network is not ready; empty when it is."""
        condition = {c.type: c for c in self.client.Status().status.conditions}["NetworkReady"]
        return "" if condition.status else condition.message

    def wait_ready(self, seconds=10):
        def ready():
            try:
                return not self.not_ready()
            except grpc.RpcError:
                return False
        wait_until(ready, seconds, what="a ready network")

    def kill_netd(self):
        old = self.instance.pid_of("netd")
        os.kill(old, signal.SIGKILL)
        wait_until(lambda: old not in self.instance.processes(), what="the end of netd")


class Told(Cni):
    """Capabilities: a plugin is told what it asks for, and nothing else."""

    asked = {"annotations": {"kubernetes.io/ingress-bandwidth": "10M", "kubernetes.io/egress-bandwidth": "1.5Mi", "a/b": "c"},
             "dns_config": api.DNSConfig(servers=["10.0.0.10"], searches=["svc"], options=["ndots:5"]),
             "linux": api.LinuxPodSandboxConfig(cgroup_parent="/bulkhead/told"),
             "port_mappings": [api.PortMapping(host_port=18080, container_port=80, host_ip="10.1.1.1")]}
    runtime_config = {
        "bandwidth": {"ingressRate": 10_000_000, "ingressBurst": 0xffffffff,
                      "egressRate": 1_572_864, "egressBurst": 0xffffffff},
        "dns": {"servers": ["10.0.0.10"], "searches": ["svc"], "options": ["ndots:5"]},
        "cgroupPath": "/bulkhead/told",
        "io.kubernetes.cri.pod-annotations": asked["annotations"],
        "portMappings": [{"hostPort": 18080, "containerPort": 80, "protocol": "tcp", "hostIP": "10.1.1.1"}]}

    def test_who_asks_is_told(self):
        self.start([{"type": "deaf"}, PROBE])
        pod = self.pod(**self.asked)
        (deaf,), (probe,) = self.calls("ADD", "deaf"), self.calls("ADD", "probe")
        self.assertEqual(deaf["config"], {"type": "deaf", "name": "test", "cniVersion": "1.0.0"})
        self.assertEqual(probe["config"]["runtimeConfig"], self.runtime_config)
        self.assertEqual(probe["environment"]["CNI_NETNS"], os.path.join(self.instance.root, "run/netns", pod))
        added = probe["config"]["prevResult"]

        # DEL is told the same, with what the ADD said, also by a netd that did not see it.
        self.kill_netd()
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        for call in self.calls("DEL"):
            self.assertEqual(call["config"].get("runtimeConfig"),
                             self.runtime_config if call["plugin"] == "probe" else None)
            self.assertEqual(call["config"]["prevResult"], added)
        self.assertEqual([call["plugin"] for call in self.calls("DEL")], ["probe", "deaf"])

    def test_what_nobody_asks_for_is_not_kept(self):
        self.start([{"type": "probe", "capabilities": {"dns": True}}])
        pod = self.pod(annotations={"secret": "S3CRET"}, dns_config=self.asked["dns_config"])
        with open(os.path.join(self.instance.root, "state/netd/owed", pod)) as file:
            record = file.read()
        self.assertIn("10.0.0.10", record)
        self.assertNotIn("S3CRET", record)

    def test_a_bad_rate_is_refused_by_name(self):
        self.start([PROBE])
        code, text = self.refusal(annotations={"kubernetes.io/egress-bandwidth": "fast"})
        self.assertEqual((code, text), ("INVALID_ARGUMENT", "config.annotations[kubernetes.io/egress-bandwidth]: "
                                                            "is not a quantity from 1k to 1P"))
        self.assertEqual(self.calls(), [])

    def test_bandwidth_is_limited(self):
        """Debian's plugin, and the kernel's word for it."""
        self.start([network.bridge(self.instance), {"type": "bandwidth", "capabilities": {"bandwidth": True}}])
        self.pod(annotations={"kubernetes.io/ingress-bandwidth": "8M"})
        shown = subprocess.run(["tc", "qdisc"], capture_output=True, text=True, check=True).stdout
        self.assertRegex(shown, r"qdisc tbf .* rate 8Mbit")


class Versions(Cni):
    def test_every_version_with_the_real_bridge(self):
        self.start([network.bridge(self.instance)], "0.3.0")
        for version in ("0.3.0", "0.3.1", "0.4.0", "1.0.0"):
            with self.subTest(version):
                network.write_list(self.instance, "10.conflist", [network.bridge(self.instance), {"type": "probe"}], version)
                network.forget_calls(self.instance)
                pod = self.pod()
                self.assertTrue(self.client.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip.startswith("10.112."))
                self.client.RemovePodSandbox(pod_sandbox_id=pod)
                (deleted,) = self.calls("DEL")
                self.assertEqual("prevResult" in deleted["config"], version not in ("0.3.0", "0.3.1"))
        self.assertEqual([f for f in os.listdir(os.path.join(self.instance.ipam, "test")) if f.startswith("10.")], [])

    def test_a_single_plugin_and_the_highest_version(self):
        self.start()
        for name, text in (("10.conf", {"cniVersion": "0.3.1", "name": "single", "type": "probe"}),
                           ("05.json", {"cniVersion": "0.4.0", "cniVersions": ["1.1.0", "0.3.1"], "name": "x", "type": "probe"}),
                           ("01.conflist", {"cniVersion": "1.2.0", "name": "later", "type": "probe"})):
            network.write(os.path.join(self.instance.cni, name), json.dumps(text))
            network.forget_calls(self.instance)
            pod = self.pod()
            self.assertEqual(self.client.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip, "10.99.0.9")
            self.client.RemovePodSandbox(pod_sandbox_id=pod)
            (added,) = self.calls("ADD")
            # Of a version that nobody knows yet: passed over, and the next by name is used.
            self.assertEqual(added["config"]["cniVersion"], "0.3.1" if name == "10.conf" else "1.1.0")


class Verbs(Cni):
    """STATUS, GC and CHECK."""

    def test_status_decides_readiness(self):
        self.start()
        self.mood("fail-STATUS")
        network.write_list(self.instance, "10.conflist", [{"type": "probe"}], "1.1.0")
        self.assertIn("CNI plugin probe failed: not now; it wrote: the agent said", self.not_ready())
        self.calm("fail-STATUS")
        self.assertEqual(self.not_ready(), "")
        (call, *_) = self.calls("STATUS")
        self.assertEqual(call["config"], {"type": "probe", "name": "test", "cniVersion": "1.1.0"})
        self.assertNotIn("CNI_CONTAINERID", call["environment"])

        # An upgrade of the plugin takes seconds, and does not make the node unready.
        self.mood("fail-STATUS")
        began = time.monotonic()
        while time.monotonic() < began + 6:
            self.assertEqual(self.not_ready(), "")
            time.sleep(0.5)
        wait_until(self.not_ready, 20, what="not ready after a while")

    def test_a_status_that_hangs_does_not_hang_the_node(self):
        self.start()
        self.mood("hang-STATUS")
        network.write_list(self.instance, "10.conflist", [{"type": "probe"}], "1.1.0")
        began = time.monotonic()
        self.assertIn("have not answered yet", self.not_ready())
        self.assertLess(time.monotonic() - began, 5)
        wait_until(lambda: "did not finish within 10000 ms and was killed; it wrote: waiting for the agent" in self.not_ready(),
                   20, what="the deadline")

    def test_older_networks_are_asked_neither(self):
        self.start([{"type": "probe"}], "1.0.0")
        self.pod()
        self.assertEqual(self.not_ready(), "")
        self.kill_netd()
        wait_until(lambda: self.calls("CHECK"), what="CHECK at start")
        self.assertEqual({call["verb"] for call in self.calls()}, {"ADD", "CHECK"})

    def test_gc_names_every_pod_there_is(self):
        self.start([{"type": "deaf"}, {"type": "probe"}], "1.1.0")
        wait_until(lambda: self.calls("GC", "probe"), what="the first GC")
        self.assertEqual(self.calls("GC", "probe")[0]["config"]["cni.dev/valid-attachments"], [])
        runs, owed = self.pod("runs"), self.pod("owed")
        self.mood("fail-DEL")
        self.client.StopPodSandbox(pod_sandbox_id=owed)
        network.forget_calls(self.instance)
        self.mood("fail-GC")
        self.kill_netd()
        wait_until(lambda: self.calls("GC", "probe"), 20, what="a GC at start")
        self.assertTrue(self.calls("GC", "deaf"), "all are asked, though the first fails")
        for call in self.calls("GC"):
            self.assertEqual(sorted(call["config"]["cni.dev/valid-attachments"], key=lambda a: a["containerID"]),
                             [{"containerID": pod, "ifname": "eth0"} for pod in sorted((runs, owed))])
        self.calm("fail-DEL")

    def test_gc_can_be_switched_off(self):
        self.start([{"type": "probe"}], "1.1.0", disableGC=True, disableCheck=True)
        self.pod()
        self.kill_netd()
        self.wait_ready()
        time.sleep(1)
        self.assertEqual(self.calls("GC") + self.calls("CHECK"), [])

    def test_check_finds_what_is_broken(self):
        self.start([{"type": "deaf"}, {"type": "probe"}], "0.4.0")
        pod = self.pod()
        result = self.calls("ADD", "probe")[0]["config"]["prevResult"]
        self.mood("fail-CHECK")
        self.kill_netd()
        wait_until(lambda: "is not as its ADD left it" in self.instance.daemon_log(), what="a warning")
        (checked,) = self.calls("CHECK")
        self.assertEqual((checked["plugin"], checked["config"]["prevResult"]), ("deaf", result))
        self.assertEqual(checked["environment"]["CNI_CONTAINERID"], pod)


class Places(Cni):
    """The configuration directory goes, comes, is another, and netd follows."""

    def setUp(self):
        super().setUp()
        self.start([{"type": "probe"}])
        self.parent = os.path.dirname(self.instance.cni)
        self.assertEqual(self.not_ready(), "")

    def works(self, name):
        self.wait_ready()
        pod = self.pod(name)
        self.assertEqual(self.calls("ADD")[-1]["config"]["name"], name)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_deleted_and_made_anew(self):
        shutil.rmtree(self.instance.cni)
        self.assertIn("no valid CNI configuration", self.not_ready())
        os.mkdir(self.instance.cni)
        network.write_list(self.instance, "20.conflist", [{"type": "probe"}], network="anew")
        self.works("anew")

    def test_its_parent_replaced(self):
        """Whoever may read a directory may not read another that has its name: netd ends, and its successor may."""
        before = self.instance.pid_of("netd")
        os.rename(self.parent, self.parent + ".old")
        self.assertIn("no valid CNI configuration", self.not_ready())
        self.assertEqual(self.instance.pid_of("netd"), before, "nothing to start anew for")
        os.makedirs(self.instance.cni)
        network.write_list(self.instance, "20.conflist", [{"type": "probe"}], network="moved")
        self.works("moved")
        self.assertNotEqual(self.instance.pid_of("netd"), before)

    def test_a_link_to_elsewhere(self):
        elsewhere = os.path.join(self.instance.root, "elsewhere", "net.d")
        os.makedirs(os.path.dirname(elsewhere))
        os.rename(self.instance.cni, elsewhere)
        os.symlink(elsewhere, self.instance.cni)
        network.write_list(self.instance, "05.conflist", [{"type": "probe"}], network="linked")
        self.works("linked")

    def test_plugin_and_list_in_any_order(self):
        os.unlink(os.path.join(self.instance.cni, "10.conflist"))
        network.write_list(self.instance, "10.conflist", [{"type": "late"}], network="late")
        self.assertIn("CNI plugin late of network late is not installed", self.not_ready())
        network.write_plugin(self.instance, "late")
        self.assertEqual(self.not_ready(), "")
        self.works("late")


class Trouble(Cni):
    config = "add_timeout_seconds = 2\ndel_timeout_seconds = 2\n"

    def leases(self):
        try:
            return [f for f in os.listdir(os.path.join(self.instance.ipam, "test")) if f.startswith("10.")]
        except FileNotFoundError:
            return []

    def test_what_a_plugin_writes_is_in_the_error(self):
        self.start([{"type": "probe"}])
        self.mood("fail-ADD")
        code, text = self.refusal()
        self.assertEqual((code, text), ("UNAVAILABLE", "CNI plugin probe failed: not now; it wrote: the agent said \\x1b[31mno"))
        self.calm("fail-ADD")
        self.mood("hang-ADD")
        code, text = self.refusal()
        self.assertEqual(code, "DEADLINE_EXCEEDED")
        self.assertRegex(text, r"^CNI plugin probe did not finish within \d+ ms and was killed; it wrote: waiting for the agent$")

    def test_fifty_failures_leak_no_address(self):
        """Every ADD fails behind an address, every DEL fails before it: only the debts are left, and then they are not."""
        self.start([network.bridge(self.instance), {"type": "probe"}])
        self.mood("fail-ADD")
        self.mood("fail-DEL")
        for i in range(50):
            self.assertEqual(self.refusal(f"pod{i}")[0], "UNAVAILABLE")
        wait_until(lambda: not self.leases(), 60, what=lambda: f"no address ({self.leases()})")
        self.calm("fail-DEL")
        self.calm("fail-ADD")
        wait_until(lambda: not os.listdir(os.path.join(self.instance.root, "state/netd/owed")), 90, what="no debt")
        self.pod()
        self.assertEqual(len(self.leases()), 1)
        self.assertEqual(len([line for line in host.mountinfo() if "/run/netns/" in line and self.instance.root in line]), 1)


if __name__ == "__main__":
    unittest.main()
