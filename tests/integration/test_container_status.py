"""What status calls say of containers and pods, held against the processes themselves."""

import json
import os
import unittest

import grpc

import cri
import host
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

# Touches 200 MiB, and never ends by itself.
HOG = "dd if=/dev/zero of=/dev/null bs=200M"
TIGHT = api.LinuxContainerResources(memory_limit_in_bytes=32 << 20, memory_swap_limit_in_bytes=32 << 20)


class ContainerStatus(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        volumes = "/tmp/bh-status-volumes"
        os.makedirs(volumes, exist_ok=True)
        cls.volumes = volumes
        cls.instance = Instance(registries=[cls.registry.address],
                                ceiling=f'profile = "baseline"\nbind_sources = ["{volumes}"]\nlog_roots = ["/tmp"]\n').start()
        cls.client = cls.instance.client
        cls.image_id = cls.client.PullImage(image=api.ImageSpec(image=cls.reference)).image_ref
        cls.pod_config = cri.pod_config("status", os.path.join(cls.instance.root, "logs/status"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()
        os.rmdir(cls.volumes)

    def create(self, name, script, resources=None, **more):
        linux = more.pop("linux", None) or api.LinuxContainerConfig()
        if resources:
            linux.resources.CopyFrom(resources)
        asked = cri.container_config(name, self.reference, ["sh", "-c", script], linux=linux, **more)
        container = self.client.CreateContainer(pod_sandbox_id=self.pod, config=asked,
                                                sandbox_config=self.pod_config).container_id
        self.addCleanup(lambda: self.client.RemoveContainer(container_id=container))
        return container

    def start(self, name, script, *arguments, **more):
        container = self.create(name, script, *arguments, **more)
        self.client.StartContainer(container_id=container)
        return container

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def ended(self, container):
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        return self.status(container)

    def info(self, container):
        return json.loads(self.client.ContainerStatus(container_id=container, verbose=True).info["info"])

    def test_an_oom_kill_is_always_named(self):
        for number in range(20):
            ended = self.ended(self.start(f"hog{number}", "exec " + HOG, TIGHT))
            self.assertEqual((number, ended.exit_code, ended.reason), (number, 137, "OOMKilled"))

    def test_an_oom_kill_of_another_process_than_the_first(self):
        ended = self.ended(self.start("handled", HOG + "; exit 3", TIGHT))
        self.assertEqual((ended.exit_code, ended.reason), (3, "OOMKilled"))
        ended = self.ended(self.start("survived", HOG + "; exit 0", TIGHT))
        self.assertEqual((ended.exit_code, ended.reason), (0, "Completed"))

    def test_other_ends(self):
        ended = self.ended(self.start("good", "exit 0"))
        self.assertEqual((ended.exit_code, ended.reason, ended.message), (0, "Completed", ""))
        ended = self.ended(self.start("bad", "exit 9"))
        self.assertEqual((ended.exit_code, ended.reason), (9, "Error"))
        container = self.start("killed", "sleep 1000", TIGHT)
        self.client.StopContainer(container_id=container, timeout=0)
        self.assertEqual((self.status(container).exit_code, self.status(container).reason), (137, "Error"))

    def test_times_in_every_state(self):
        container = self.create("times", "sleep 1000")
        created = self.status(container)
        self.assertEqual(created.state, api.CONTAINER_CREATED)
        self.assertGreater(created.created_at, 0)
        self.assertEqual((created.started_at, created.finished_at), (0, 0))
        self.client.StartContainer(container_id=container)
        running = self.status(container)
        self.assertEqual(running.state, api.CONTAINER_RUNNING)
        self.assertGreaterEqual(running.started_at, created.created_at)
        self.assertEqual(running.finished_at, 0)
        self.client.StopContainer(container_id=container, timeout=0)
        self.assertGreater(self.status(container).finished_at, running.started_at)

    def test_what_was_asked_is_shown(self):
        user = api.LinuxContainerSecurityContext(run_as_user=api.Int64Value(value=1234),
                                                 run_as_group=api.Int64Value(value=2345), supplemental_groups=[3456])
        resources = api.LinuxContainerResources(cpu_shares=512, cpu_quota=50_000, cpu_period=100_000, oom_score_adj=500,
                                                memory_limit_in_bytes=64 << 20)
        mount = api.Mount(host_path=self.volumes, container_path="/data", readonly=True)
        container = self.start("asked", "id -u; id -g; id -G; exec sleep 1000", resources, mounts=[mount],
                               linux=api.LinuxContainerConfig(security_context=user), labels={"a": "b"},
                               annotations={"c": "d"}, stop_signal=api.SIGNAL_SIGUSR1)
        shown = self.status(container)
        self.assertEqual(shown.resources.linux, resources)
        self.assertEqual([(m.host_path, m.container_path, m.readonly) for m in shown.mounts], [(self.volumes, "/data", True)])
        self.assertEqual((dict(shown.labels), dict(shown.annotations)), ({"a": "b"}, {"c": "d"}))
        self.assertEqual(shown.stop_signal, api.SIGNAL_SIGUSR1)
        self.assertEqual(shown.log_path, self.pod_config.log_directory + "/asked.log")
        self.assertEqual((shown.user.linux.uid, shown.user.linux.gid), (1234, 2345))
        self.assertIn(3456, shown.user.linux.supplemental_groups)
        process = host.status(self.info(container)["pid"])
        self.assertEqual(process["Uid"].split()[0], "1234")
        self.assertEqual(process["Gid"].split()[0], "2345")
        self.assertEqual(set(map(int, process["Groups"].split())), set(shown.user.linux.supplemental_groups) | {2345})

    def test_one_image_id_everywhere(self):
        container = self.start("image", "sleep 1000")
        listed = [c for c in self.client.ListContainers().containers if c.id == container]
        shown = self.status(container)
        self.assertEqual({self.image_id, listed[0].image_id, listed[0].image_ref, shown.image_id, shown.image_ref,
                          self.client.ImageStatus(image=api.ImageSpec(image=self.reference)).image.id}, {self.image_id})
        self.assertEqual(shown.image.image, self.reference)

    def test_verbose_names_the_process_and_the_namespace(self):
        container = self.start("verbose", "sleep 1000")
        info = self.info(container)
        with open(f"/proc/{info['pid']}/cgroup") as file:
            self.assertIn(container, file.read())
        self.assertEqual(info["sandboxID"], self.pod)
        self.assertEqual(info["config"]["metadata"]["name"], "verbose")
        self.assertNotIn("info", self.client.ContainerStatus(container_id=container).info)
        pod = json.loads(self.client.PodSandboxStatus(pod_sandbox_id=self.pod, verbose=True).info["info"])
        self.assertEqual(os.stat(pod["netNsPath"]).st_ino, os.stat(f"/proc/{info['pid']}/ns/net").st_ino)
        self.assertEqual(pod["config"]["hostname"], "status")
        self.client.StopContainer(container_id=container, timeout=0)
        self.assertNotIn("pid", self.info(container))

    def test_a_pods_status_has_its_containers_and_the_time(self):
        container = self.start("listed", "sleep 1000")
        answer = self.client.PodSandboxStatus(pod_sandbox_id=self.pod)
        self.assertGreater(answer.timestamp, answer.status.created_at)
        mine = [status for status in answer.containers_statuses if status.id == container]
        self.assertEqual(mine, [self.status(container)])

    def test_an_update_of_the_pod_is_shown_and_survives(self):
        self.client.UpdatePodSandboxResources(pod_sandbox_id=self.pod,
                                              resources=api.LinuxContainerResources(cpu_shares=777))
        self.client.UpdatePodSandboxResources(pod_sandbox_id=self.pod,
                                              overhead=api.LinuxContainerResources(memory_limit_in_bytes=1 << 20))
        linux = json.loads(self.client.PodSandboxStatus(pod_sandbox_id=self.pod, verbose=True).info["info"])["config"]["linux"]
        self.assertEqual((linux["resources"]["cpu_shares"], linux["overhead"]["memory_limit_in_bytes"]), ("777", "1048576"))
        code, _ = cri.code_of(self.client.UpdatePodSandboxResources, pod_sandbox_id="0" * 64)
        self.assertEqual(code, grpc.StatusCode.NOT_FOUND)

    def test_the_nodes_pod_range_is_taken_note_of(self):
        network = api.NetworkConfig(pod_cidr="10.1.0.0/16,fd00::/64")
        self.assertEqual(self.client.UpdateRuntimeConfig(runtime_config=api.RuntimeConfig(network_config=network)),
                         api.UpdateRuntimeConfigResponse())

    def test_checkpoints_are_refused_by_name(self):
        place = os.path.join(self.instance.root, "archive")
        for name, request in (("CheckpointContainer", api.CheckpointContainerRequest(container_id="x", location=place)),
                              ("CheckpointPod", api.CheckpointPodRequest(pod_sandbox_id=self.pod, output_path=place)),
                              ("RestorePod", api.RestorePodRequest(checkpoint_path=place))):
            with self.subTest(name), self.assertRaises(grpc.RpcError) as caught:
                self.client.send(name, request)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)
            self.assertIn("CRIU", caught.exception.details())
            self.assertFalse(os.path.exists(place))


if __name__ == "__main__":
    unittest.main()
