"""Stats and metrics: each figure beside what control groups say of a container that burns, allocates, forks, writes."""

import json
import os
import time
import unittest

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

MIB = 1 << 20
V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def cgroup_file(pid, controller, name):
    """A file of the control group that a process is in."""
    with open(f"/proc/{pid}/cgroup") as file:
        lines = [line.rstrip("\n").split(":", 2) for line in file]
    for _, controllers, path in lines:
        if controllers == "" if V2 else controller in controllers.split(","):
            with open(os.path.join("/sys/fs/cgroup", "" if V2 else controller, path.lstrip("/"), name)) as file:
                return file.read()
    raise AssertionError(f"{pid} is in no group of {controller}")


def cpu_used(pid):
    """Nanoseconds."""
    if not V2:
        return int(cgroup_file(pid, "cpuacct", "cpuacct.usage"))
    return int(cgroup_file(pid, "cpu", "cpu.stat").split()[1]) * 1000


def hold(size):
    """A script that keeps `size` bytes and says so. It waits in a loop: a shell becomes its last command, and its
    memory goes."""
    return f"x=$(head -c {size} /dev/zero | tr '\\0' x); echo full; while :; do sleep 1000; done"


class Stats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.client = cls.instance.client
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))
        cls.pod_config = cri.pod_config("stats", os.path.join(cls.instance.root, "logs", "stats"),
                                        labels={"app": "stats"})
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def start(self, name, script, **resources):
        linux = api.LinuxContainerConfig(resources=api.LinuxContainerResources(**resources))
        config = cri.container_config(name, self.reference, ["sh", "-c", script], labels={"name": name}, annotations={"a": "b"}, linux=linux)
        container = self.client.CreateContainer(pod_sandbox_id=self.pod, sandbox_config=self.pod_config,
                                                config=config).container_id
        self.addCleanup(lambda: self.client.RemoveContainer(container_id=container))
        self.client.StartContainer(container_id=container)
        return container

    def wait_until_full(self, name):
        def is_full():
            with open(os.path.join(self.pod_config.log_directory, name + ".log")) as log:
                return "full" in log.read()
        wait_until(is_full, seconds=60, what="the container holds what it shall")

    def stats(self, container):
        return self.client.ContainerStats(container_id=container).stats

    def pid(self, container):
        info = self.client.send("ContainerStatus", api.ContainerStatusRequest(container_id=container, verbose=True)).info
        return json.loads(info["info"])["pid"]

    def metrics(self, container):
        """{name: {labels behind the first six: value}} of one container."""
        keys = {one.name: list(one.label_keys) for one in self.client.ListMetricDescriptors().descriptors}
        found = {}
        for pod in self.client.ListPodSandboxMetrics().pod_metrics:
            for one in pod.container_metrics:
                for metric in one.metrics:
                    self.assertEqual(len(metric.label_values), len(keys[metric.name]), metric.name)
                    if one.container_id == container:
                        found.setdefault(metric.name, {})[tuple(metric.label_values[6:])] = metric.value.value
        return found

    def test_cpu(self):
        container = self.start("burn", "while :; do :; done")
        pid = self.pid(container)
        before = cpu_used(pid)
        first = self.stats(container).cpu
        self.assertGreaterEqual(first.usage_core_nano_seconds.value, before)
        self.assertLessEqual(first.usage_core_nano_seconds.value, cpu_used(pid))
        time.sleep(1.2)
        second = self.stats(container).cpu
        used = second.usage_core_nano_seconds.value - first.usage_core_nano_seconds.value
        self.assertGreater(used, 0)
        # What was used between the readings, by their own clock; a processor is shared with whatever else runs here.
        rate = used * 1e9 / (second.timestamp - first.timestamp)
        self.assertAlmostEqual(second.usage_nano_cores.value / rate, 1, delta=0.1)
        seconds = self.metrics(container)["container_cpu_usage_seconds_total"][("total",)]
        self.assertLessEqual(seconds, cpu_used(pid) // 10**9)

    def test_memory(self):
        limit = 96 * MIB
        container = self.start("grow", hold(24000000), memory_limit_in_bytes=limit)
        self.wait_until_full("grow")
        wait_until(lambda: self.stats(container).memory.rss_bytes.value >= 24000000, what="24 MB of its own")
        memory = self.stats(container).memory
        self.assertGreater(memory.timestamp, 0)
        self.assertLess(memory.major_page_faults.value, memory.page_faults.value)
        self.assertGreaterEqual(memory.usage_bytes.value, memory.working_set_bytes.value)
        self.assertGreaterEqual(memory.working_set_bytes.value, memory.rss_bytes.value)
        self.assertLess(memory.usage_bytes.value, limit)
        self.assertEqual(memory.available_bytes.value, limit - memory.working_set_bytes.value)
        self.assertGreater(memory.page_faults.value, 24000000 // 4096 // 2)
        metrics = self.metrics(container)
        self.assertEqual(metrics["container_spec_memory_limit_bytes"], {(): limit})
        self.assertGreaterEqual(metrics["container_memory_rss"][()], 24000000)

    def test_processes(self):
        container = self.start("fork", "for i in 1 2 3 4 5 6; do sleep 1000 & done; wait")
        wait_until(lambda: self.metrics(container)["container_processes"] == {(): 7}, what="seven processes")
        pod = self.client.PodSandboxStats(pod_sandbox_id=self.pod).stats.linux
        self.assertGreaterEqual(pod.process.process_count.value, 7)
        self.assertGreater(pod.process.timestamp, 0)
        self.assertGreaterEqual(self.metrics(container)["container_threads"][()], 7)

    def test_a_pod_is_the_sum_of_its_containers_or_more(self):
        container = self.start("part", hold(8000000))
        self.wait_until_full("part")
        wait_until(lambda: self.stats(container).memory.rss_bytes.value >= 8000000, what="8 MB of its own")
        pod = self.client.PodSandboxStats(pod_sandbox_id=self.pod).stats.linux
        # Of usage, which the kernel counts at once: what it sums up later may lag by seconds.
        self.assertGreaterEqual(pod.memory.usage_bytes.value,
                                sum(one.memory.usage_bytes.value for one in pod.containers) * 0.9)
        self.assertGreaterEqual(pod.cpu.usage_core_nano_seconds.value,
                                max(one.cpu.usage_core_nano_seconds.value for one in pod.containers))
        self.assertGreater(pod.io.timestamp, 0)

    def test_metrics_are_described_and_bear_the_labels_of_the_kubelet(self):
        container = self.start("measured", "sleep 1000")
        described = {one.name: one for one in self.client.ListMetricDescriptors().descriptors}
        self.assertTrue(all(one.help and one.label_keys for one in described.values()))
        pod, = [one for one in self.client.ListPodSandboxMetrics().pod_metrics if one.pod_sandbox_id == self.pod]
        self.assertIn("container_memory_working_set_bytes", {one.name for one in pod.metrics})
        mine, = [one for one in pod.container_metrics if one.container_id == container]
        started, = [one for one in mine.metrics if one.name == "container_start_time_seconds"]
        self.assertEqual(started.metric_type, api.MetricType.Value("GAUGE"))
        self.assertEqual(started.timestamp, 0)  # gathered live
        self.assertAlmostEqual(started.value.value, time.time(), delta=60)
        labels = dict(zip(described[started.name].label_keys, started.label_values))
        self.assertEqual({key: labels[key] for key in ("container", "image", "name", "namespace", "pod")},
                         {"container": "measured", "image": self.reference, "name": container, "namespace": "default",
                          "pod": "stats"})
        self.assertTrue(labels["id"].endswith(container))

    def test_io_and_pressure_where_the_kernel_counts_them(self):
        container = self.start("idle", "sleep 1000")
        pid = self.pid(container)
        stats = self.stats(container)
        self.assertGreater(stats.io.timestamp, 0)
        if V2 and os.path.exists("/proc/pressure/cpu"):
            expected = cgroup_file(pid, "cpu", "cpu.pressure").split("total=")[1].split()[0]
            self.assertGreaterEqual(int(expected), stats.cpu.psi.Some.Total // 1000)
            self.assertTrue(stats.io.HasField("psi"))

    def test_writable_layer(self):
        container = self.start("write", "dd if=/dev/zero of=/data bs=1M count=8 2>/dev/null; sleep 1000")
        # Counted in the background, at most every ten seconds.
        wait_until(lambda: self.stats(container).writable_layer.used_bytes.value >= 8 * MIB, seconds=60,
                   what="the file to be counted")
        layer = self.stats(container).writable_layer
        self.assertLess(layer.used_bytes.value, 9 * MIB)
        self.assertGreaterEqual(layer.inodes_used.value, 1)
        self.assertTrue(layer.fs_id.mountpoint.startswith(self.instance.root))
        self.assertGreater(layer.timestamp, 0)

    def test_filters_and_what_is_not_there(self):
        container = self.start("filter", "sleep 1000")

        def listed(**fields):
            stats = self.client.ListContainerStats(filter=api.ContainerStatsFilter(**fields)).stats
            return {item.attributes.id for item in stats}
        self.assertEqual(listed(id=container), {container})
        self.assertEqual(listed(label_selector={"name": "filter"}), {container})
        self.assertIn(container, listed(pod_sandbox_id=self.pod))
        self.assertEqual(listed(pod_sandbox_id="0" * 64), set())
        code, _ = cri.code_of(self.client.ContainerStats, container_id="0" * 64)
        self.assertEqual(code.name, "NOT_FOUND")
        code, _ = cri.code_of(self.client.PodSandboxStats, pod_sandbox_id="0" * 64)
        self.assertEqual(code.name, "NOT_FOUND")
        pods = self.client.ListPodSandboxStats(filter=api.PodSandboxStatsFilter(label_selector={"app": "stats"})).stats
        self.assertEqual([pod.attributes.id for pod in pods], [self.pod])
        self.assertEqual(pods[0].attributes.metadata.name, "stats")
        self.assertEqual((dict(pods[0].attributes.labels), dict(pods[0].attributes.annotations)), ({"app": "stats"}, {}))
        one, = [one for one in pods[0].linux.containers if one.attributes.id == container]
        self.assertEqual(one.attributes.metadata.name, "filter")
        self.assertEqual((one.attributes.labels["name"], one.attributes.annotations["a"]), ("filter", "b"))
        self.assertGreater(pods[0].linux.memory.usage_bytes.value, 0)

    def test_a_container_that_has_ended_has_no_figures_and_is_no_error(self):
        container = self.start("ended", "exit 0")
        wait_until(lambda: self.client.ContainerStatus(container_id=container).status.finished_at > 0, what="its end")
        wait_until(lambda: not self.stats(container).memory.usage_bytes.value, what="its control group to go")
        self.assertEqual(self.stats(container).attributes.metadata.name, "ended")

    # ListPodSandboxMetrics does, for what is open (docs/decisions/0049).
    def test_a_list_starts_no_process_and_asks_no_privileged_one(self):
        self.start("counted", "sleep 1000")
        launcher = self.instance.pid_of("launcher")
        # It reaps what handled the start.
        wait_until(lambda: self.switches(launcher) == [time.sleep(0.5), self.switches(launcher)][1], what="its rest")
        before = self.switches(launcher)
        for _ in range(20):
            self.assertTrue(self.client.ListContainerStats().stats)
            self.assertTrue(self.client.ListPodSandboxStats().stats)
        self.assertEqual(self.switches(launcher), before)

    @staticmethod
    def switches(pid):
        with open(f"/proc/{pid}/status") as file:
            return [line for line in file if line.startswith("voluntary")]


if __name__ == "__main__":
    unittest.main()
