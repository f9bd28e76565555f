"""Fields of stats and metrics, each beside what the kernel says; test_stats has what a container can do to them."""

import json
import os
import unittest

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

LABELS, NOTES = {"app": "figures"}, {"note": "of figures"}
BASE = ["container", "id", "image", "name", "namespace", "pod"]


class Figures(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.client = cls.instance.client
        reference = cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.client.PullImage(image=api.ImageSpec(image=reference))
        config = cri.pod_config("figures", os.path.join(cls.instance.root, "logs", "figures"), labels=LABELS, annotations=NOTES)
        cls.pod = cls.client.RunPodSandbox(config=config).pod_sandbox_id
        made = cri.container_config("main", reference, ["sh", "-c", "cat /bin/busybox > /copy; sleep 1000"],
                                    labels=LABELS, annotations=NOTES)
        cls.container = cls.client.CreateContainer(pod_sandbox_id=cls.pod, sandbox_config=config, config=made).container_id
        cls.client.StartContainer(container_id=cls.container)

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def inside(self, script):
        return self.client.ExecSync(container_id=self.container, cmd=["sh", "-c", script]).stdout.decode()

    def group_file(self, controller, name):
        """A file of the container's control group; None where this kernel does not have it."""
        info = self.client.ContainerStatus(container_id=self.container, verbose=True).info
        with open(f"/proc/{json.loads(info['info'])['pid']}/cgroup") as file:
            groups = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in file}
        path = next((f"/sys/fs/cgroup/{controller}{path}" for names, path in groups.items() if controller in names.split(",")),
                    f"/sys/fs/cgroup{groups.get('', '/')}")
        if not os.path.exists(os.path.join(path, name)):
            return None
        with open(os.path.join(path, name)) as file:
            return file.read()

    def container_stats(self):
        return self.client.ContainerStats(container_id=self.container).stats

    def pod_stats(self):
        return self.client.PodSandboxStats(pod_sandbox_id=self.pod).stats

    def test_whose_they_are(self):
        shown = self.container_stats().attributes
        self.assertEqual((shown.id, shown.metadata.name, shown.metadata.attempt), (self.container, "main", 0))
        self.assertEqual((dict(shown.labels), dict(shown.annotations)), (LABELS, NOTES))
        shown = self.pod_stats().attributes
        self.assertEqual((shown.id, shown.metadata.name, shown.metadata.uid), (self.pod, "figures", "figures-uid"))
        self.assertEqual((dict(shown.labels), dict(shown.annotations)), (LABELS, NOTES))
        listed = self.client.ListContainerStats(filter=api.ContainerStatsFilter(id=self.container)).stats
        self.assertEqual([each.attributes for each in listed], [self.container_stats().attributes])
        listed = self.client.ListPodSandboxStats(filter=api.PodSandboxStatsFilter(id=self.pod)).stats
        self.assertEqual([each.attributes for each in listed], [shown])

    def test_processor_and_memory(self):
        stats, pod = self.container_stats(), self.pod_stats().linux
        self.assertGreater(stats.cpu.usage_core_nano_seconds.value, 0)
        self.assertGreaterEqual(pod.cpu.usage_core_nano_seconds.value, stats.cpu.usage_core_nano_seconds.value)
        self.assertGreater(pod.cpu.timestamp, 0)
        self.assertGreaterEqual(pod.memory.usage_bytes.value, stats.memory.usage_bytes.value)
        self.assertGreater(stats.memory.timestamp, 0)
        counted = dict(line.split() for line in self.group_file("memory", "memory.stat").splitlines())
        faults = counted.get("total_pgfault", counted.get("pgfault"))
        major = counted.get("total_pgmajfault", counted.get("pgmajfault"))
        self.assertEqual((stats.memory.page_faults.value, stats.memory.major_page_faults.value), (int(faults), int(major)))
        self.assertEqual(stats.memory.rss_bytes.value, int(counted.get("total_rss", counted.get("anon"))))
        self.assertEqual((pod.process.process_count.value, pod.process.timestamp > 0), (1, True))
        self.assertEqual([each.attributes.id for each in pod.containers], [self.container])
        self.assertGreater(pod.io.timestamp, 0)

    def test_swap_where_it_is_counted(self):
        stats = self.container_stats()
        counted = self.group_file("memory", "memory.memsw.usage_in_bytes") or self.group_file("memory", "memory.swap.current")
        self.assertEqual(stats.HasField("swap"), counted is not None)
        if counted is not None:
            self.assertEqual((stats.swap.swap_usage_bytes.value, stats.swap.timestamp > 0), (0, True))

    def pressure(self, controller):
        """{(line, key): value} of the kernel's pressure file of the container's group; None where there is none."""
        info = self.client.ContainerStatus(container_id=self.container, verbose=True).info
        with open(f"/proc/{json.loads(info['info'])['pid']}/cgroup") as file:
            path = next((line.strip().split("::", 1)[1] for line in file if line.startswith("0::")), None)
        for top in ("/sys/fs/cgroup/unified", "/sys/fs/cgroup"):
            name = f"{top}{path}/{controller}.pressure"
            if path not in (None, "/") and os.path.exists(name):
                with open(name) as file:
                    return {(line.split()[0], word.split("=")[0]): float(word.split("=")[1])
                            for line in file for word in line.split()[1:]}
        return None

    def test_pressure_where_the_kernel_has_it(self):
        for controller in ("cpu", "memory", "io"):
            before, shown, after = self.pressure(controller), self.container_stats(), self.pressure(controller)
            usage = getattr(shown, controller)
            with self.subTest(controller, kernel=before):
                self.assertEqual(usage.HasField("psi"), before is not None)
                for kind, data in (("some", usage.psi.Some), ("full", usage.psi.Full)):
                    said = {"total": data.Total / 1000, "avg10": data.Avg10, "avg60": data.Avg60, "avg300": data.Avg300}
                    for key, value in said.items() if before else ():
                        low, high = sorted((before.get((kind, key), 0), after.get((kind, key), 0)))
                        self.assertTrue(low - 0.01 <= value <= high + 0.01, (kind, key, value, low, high))

    def test_images_stream_by_filter(self):
        for name, expected in ((self.reference, 1), ("registry.example/absent:v1", 0)):
            request = api.StreamImagesRequest(filter=api.ImageFilter(image=api.ImageSpec(image=name)))
            found = [image for message in self.client.stream("StreamImages", request) for image in message.images]
            self.assertEqual(len(found), expected)

    def test_metrics_bear_what_is_described(self):
        described = {each.name: each for each in self.client.ListMetricDescriptors().descriptors}
        self.assertTrue(all(each.help for each in described.values()))
        pod = next(each for each in self.client.ListPodSandboxMetrics().pod_metrics if each.pod_sandbox_id == self.pod)
        mine = next(each for each in pod.container_metrics if each.container_id == self.container)
        counters = {metric.name for metric in mine.metrics if metric.metric_type == api.COUNTER}
        self.assertIn("container_cpu_usage_seconds_total", counters)
        self.assertNotIn("container_memory_working_set_bytes", counters)
        for metric in mine.metrics:
            keys = list(described[metric.name].label_keys)
            self.assertEqual(keys[:len(BASE)], BASE)
            self.assertEqual(len(metric.label_values), len(keys))
            values = dict(zip(keys, metric.label_values))
            self.assertEqual((values["container"], values["pod"], values["namespace"], values["name"]),
                             ("main", "figures", "default", self.container))
        started = next(metric for metric in mine.metrics if metric.name == "container_start_time_seconds")
        at = self.client.ContainerStatus(container_id=self.container).status.started_at
        self.assertEqual(started.value.value, at // 1_000_000_000)


if __name__ == "__main__":
    unittest.main()
