"""What pods' interfaces moved, what containers hold open, and the file system they write to."""

import os
import signal
import socket
import time
import unittest

import cri
from cri import api
from instance import wait_until
from pods import PodCase

INTERFACE_METRICS = {
    "container_network_receive_bytes_total": "rx_bytes", "container_network_receive_packets_total": "rx_packets",
    "container_network_receive_errors_total": "rx_errors", "container_network_receive_packets_dropped_total": "rx_dropped",
    "container_network_transmit_bytes_total": "tx_bytes", "container_network_transmit_packets_total": "tx_packets",
    "container_network_transmit_errors_total": "tx_errors", "container_network_transmit_packets_dropped_total": "tx_dropped",
}


class Metrics(PodCase):
    ceiling = "host_network = true\n"

    def start(self, pod, config, script):
        made = cri.container_config("main", self.reference, ["sh", "-c", script])
        container = self.client.CreateContainer(pod_sandbox_id=pod, sandbox_config=config, config=made).container_id
        self.client.StartContainer(container_id=container)
        return container

    def inside(self, container, script):
        done = self.client.ExecSync(container_id=container, cmd=["sh", "-c", script], timeout=20)
        self.assertEqual(done.exit_code, 0, done.stderr)
        return done.stdout.decode()

    def kernel_says(self, container, interface="eth0"):
        names = " ".join(INTERFACE_METRICS.values())
        values = self.inside(container, f"cd /sys/class/net/{interface}/statistics && for each in {names}; do cat $each; done")
        return dict(zip(INTERFACE_METRICS.values(), map(int, values.split())))

    def network(self, pod):
        return self.client.PodSandboxStats(pod_sandbox_id=pod).stats.linux.network

    def metrics(self, pod, container=None):
        """{name: {labels behind the first six: value}} of a pod, or of one of its containers."""
        found = {}
        for each in self.client.ListPodSandboxMetrics().pod_metrics:
            if each.pod_sandbox_id != pod:
                continue
            mine = [one.metrics for one in each.container_metrics if one.container_id == container]
            for metric in mine[0] if container else each.metrics:
                found.setdefault(metric.name, {})[tuple(metric.label_values[6:])] = metric.value.value
        return found

    def test_interfaces(self):
        pod, config = self.run_pod()
        container = self.start(pod, config, "sleep 1000")
        before = self.network(pod)
        self.assertEqual(before.default_interface.name, "eth0")
        self.assertEqual([one.name for one in before.interfaces], [])
        self.assertAlmostEqual(before.timestamp / 1e9, time.time(), delta=30)
        # Datagrams that nobody reads.
        address = self.client.PodSandboxStatus(pod_sandbox_id=pod).status.network.ip
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(8):
                sender.sendto(b"x" * 4000, (address, 9))
        low = self.kernel_says(container)
        after = self.network(pod).default_interface
        shown = self.metrics(pod)
        high = self.kernel_says(container)
        self.assertGreaterEqual(after.rx_bytes.value - before.default_interface.rx_bytes.value, 8 * 4000)
        for field in ("rx_bytes", "rx_errors", "tx_bytes", "tx_errors"):
            self.assertTrue(low[field] <= getattr(after, field).value <= high[field], field)
        for name, field in INTERFACE_METRICS.items():
            self.assertEqual(list(shown[name]), [("eth0",)])
            self.assertTrue(low[field] <= shown[name][("eth0",)] <= high[field], name)

    def test_a_pod_of_the_nodes_network_has_no_figures_of_its_own(self):
        pod, _ = self.run_pod({"namespace_options": api.NamespaceOption(network=api.NODE)})
        self.assertFalse(self.client.PodSandboxStats(pod_sandbox_id=pod).stats.linux.HasField("network"))
        self.assertFalse(set(INTERFACE_METRICS) & set(self.metrics(pod)))

    def test_asking_keeps_no_pod_alive_and_outlives_netd(self):
        pod, config = self.run_pod()
        self.start(pod, config, "sleep 1000")
        self.assertTrue(self.network(pod).default_interface.name)
        os.kill(self.instance.pid_of("netd"), signal.SIGKILL)
        wait_until(lambda: self.network(pod).default_interface.name == "eth0", seconds=20, what="figures from the next netd")
        links = set(socket.if_nameindex())
        self.client.StopPodSandbox(pod_sandbox_id=pod)
        wait_until(lambda: len(links - set(socket.if_nameindex())) == 1, what="the end of the pod's interface")
        self.assertFalse(self.client.PodSandboxStats(pod_sandbox_id=pod).stats.linux.HasField("network"))

    def test_open_files(self):
        pod, config = self.run_pod()
        container = self.start(pod, config, "ulimit -S -n 123; exec 5</dev/null 6</dev/null 7</dev/null; busybox nc -l -p 4000 & "
                                            "busybox nc -l -p 4001 & echo on; wait")
        count = "for each in /proc/[0-9]*; do [ $(cat $each/comm) = ls ] || ls -l $each/fd; done 2>/dev/null | grep -c "
        wait_until(lambda: self.metrics(pod, container).get("container_sockets") == {(): 2}, what="two sockets")
        shown = self.metrics(pod, container)
        # Seen from inside there is the exec as well, whose own are its shell's and its pipeline's.
        self.assertEqual(shown["container_file_descriptors"], {(): 3 * (3 + 3) + 2})
        self.assertEqual(int(self.inside(container, count + "socket:").strip()), 2)
        self.assertEqual(shown["container_ulimits_soft"], {("max_open_files",): 123})

    def test_file_system(self):
        pod, config = self.run_pod()
        container = self.start(pod, config, "sleep 1000")
        # At once: a container that was just made is counted when first asked about.
        shown = self.metrics(pod, container)
        (store,), limit = next(iter(shown["container_fs_limit_bytes"].items()))
        self.assertTrue(store.startswith(self.instance.root))
        host = os.statvfs(store)
        self.assertEqual(limit, host.f_blocks * host.f_frsize)
        self.assertEqual(shown["container_fs_inodes_total"], {(store,): host.f_files})
        self.assertAlmostEqual(shown["container_fs_inodes_free"][(store,)], host.f_favail, delta=host.f_files / 20)
        self.assertIn((), shown["container_memory_kernel_usage"])


if __name__ == "__main__":
    unittest.main()
