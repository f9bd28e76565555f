"""One pod through every compartment: the journey that tools/demo shows, with everything checked."""

import os
import unittest

import grpc

import cri
import host
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry


class Journey(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.client = cls.instance.client

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def run_pod(self, name, **more):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name), **more)
        return self.client.RunPodSandbox(config=config).pod_sandbox_id, config

    def run_container(self, pod, pod_config, config):
        container = self.client.CreateContainer(pod_sandbox_id=pod, config=config,
                                                sandbox_config=pod_config).container_id
        self.client.StartContainer(container_id=container)
        return container

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def wait_exited(self, container):
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        return self.status(container)

    def log_of(self, container):
        with open(self.status(container).log_path) as file:
            return file.read()

    def test_whole_journey(self):
        client = self.client
        self.assertEqual(client.Version().runtime_api_version, "v1")
        status = client.Status().status
        self.assertEqual({c.type: c.status for c in status.conditions}, {"RuntimeReady": True, "NetworkReady": True})

        image_ref = client.PullImage(image=api.ImageSpec(image=self.reference)).image_ref
        shown = client.ImageStatus(image=api.ImageSpec(image=self.reference)).image
        self.assertEqual(shown.id, image_ref)
        self.assertIn(self.reference, shown.repo_tags)
        self.assertGreaterEqual(len(shown.repo_digests), 1)
        self.assertGreater(shown.size, os.path.getsize(image.BUSYBOX))
        self.assertEqual([i.id for i in client.ListImages().images], [image_ref])
        mounts_before = host.mountinfo()

        pod, pod_config = self.run_pod("journey", labels={"app": "demo"}, annotations={"note": "kept"})
        sandbox = client.PodSandboxStatus(pod_sandbox_id=pod).status
        self.assertEqual(sandbox.state, api.SANDBOX_READY)
        self.assertTrue(sandbox.network.ip.startswith("10.111."), sandbox.network.ip)
        self.assertEqual(dict(sandbox.labels), {"app": "demo"})
        self.assertEqual(dict(sandbox.annotations), {"note": "kept"})
        self.assertGreater(sandbox.created_at, 0)

        container = self.run_container(pod, pod_config, cri.container_config(
            "main", self.reference, ["sh", "-c", "echo out; echo err >&2; exec sleep 1000"],
            envs=[api.KeyValue(key="COLOUR", value=b"blue")]))
        running = self.status(container)
        self.assertEqual(running.state, api.CONTAINER_RUNNING)
        self.assertEqual(running.image_id, image_ref)
        wait_until(lambda: "err" in self.log_of(container), what="log line")
        for line, (stream, text) in zip(sorted(self.log_of(container).splitlines(), key=lambda l: l.split()[1]),
                                        (("stderr", "err"), ("stdout", "out"))):
            self.assertRegex(line, rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{9}}Z {stream} F {text}$")

        executed = client.ExecSync(container_id=container, cmd=["sh", "-c", "echo $COLOUR; hostname; echo no >&2; exit 3"])
        self.assertEqual((executed.stdout, executed.stderr, executed.exit_code), (b"blue\njourney\n", b"no\n", 3))
        address = client.ExecSync(container_id=container, cmd=["ip", "-4", "addr", "show", "eth0"]).stdout.decode()
        self.assertIn(sandbox.network.ip, address)

        # ARCHITECTURE, what always holds, 7: the host's mount table shows pins and nothing of a container.
        for line in set(host.mountinfo()) - set(mounts_before):
            self.assertIn(" nsfs ", line, "only namespace pins may appear in the host's mount table")

        client.StopContainer(container_id=container, timeout=1)
        stopped = self.status(container)
        self.assertEqual(stopped.state, api.CONTAINER_EXITED)
        self.assertEqual(stopped.exit_code, 137)
        self.assertGreaterEqual(stopped.finished_at, stopped.started_at)
        self.assertGreater(stopped.started_at, 0)
        client.RemoveContainer(container_id=container)
        client.StopPodSandbox(pod_sandbox_id=pod)
        self.assertEqual(client.PodSandboxStatus(pod_sandbox_id=pod).status.state, api.SANDBOX_NOTREADY)
        client.RemovePodSandbox(pod_sandbox_id=pod)
        self.assertEqual(len(client.ListPodSandbox().items), 0)
        client.RemoveImage(image=api.ImageSpec(image=self.reference))
        self.assertEqual(len(client.ListImages().images), 0)
        host.wait_nothing_left(self.instance, [pod])

    def test_exit_codes_and_reasons(self):
        self.client.PullImage(image=api.ImageSpec(image=self.reference))
        pod, pod_config = self.run_pod("exits")
        for name, command, code, reason in (("fine", ["true"], 0, "Completed"), ("bad", ["sh", "-c", "exit 7"], 7, "Error")):
            container = self.run_container(pod, pod_config, cri.container_config(name, self.reference, command))
            ended = self.wait_exited(container)
            self.assertEqual((ended.exit_code, ended.reason), (code, reason))
        self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_a_term_handler_gets_its_grace(self):
        self.client.PullImage(image=api.ImageSpec(image=self.reference))
        pod, pod_config = self.run_pod("grace")
        container = self.run_container(pod, pod_config, cri.container_config(
            "main", self.reference, ["sh", "-c", "trap 'echo bye; exit 5' TERM; echo up; while :; do sleep 0.05; done"]))
        wait_until(lambda: "up" in self.log_of(container), what="start")
        self.client.StopContainer(container_id=container, timeout=20)
        self.assertEqual(self.status(container).exit_code, 5)
        self.assertIn("bye", self.log_of(container))
        self.client.StopContainer(container_id=container, timeout=20)  # idempotent
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_two_containers_share_the_pod(self):
        self.client.PullImage(image=api.ImageSpec(image=self.reference))
        pod, pod_config = self.run_pod("shared")
        first = self.run_container(pod, pod_config, cri.container_config("a", self.reference, ["sleep", "1000"]))
        second = self.run_container(pod, pod_config, cri.container_config("b", self.reference, ["sleep", "1000"]))
        self.client.ExecSync(container_id=first, cmd=["sh", "-c", "echo hello > /dev/shm/note; echo mine > /own"])
        seen = self.client.ExecSync(container_id=second, cmd=["sh", "-c", "cat /dev/shm/note; cat /own"])
        self.assertEqual(seen.stdout, b"hello\n")
        self.assertNotEqual(seen.exit_code, 0)
        links = [self.client.ExecSync(container_id=c, cmd=["sh", "-c", "cd /proc/1/ns; for n in net ipc uts pid mnt; do "
                                                           "stat -L -c %i $n; done"]).stdout.split() for c in (first, second)]
        self.assertEqual(links[0][:3], links[1][:3])
        self.assertNotIn(links[0][3], links[1][3:4])
        self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_exec_timeout_and_output_limit(self):
        self.client.PullImage(image=api.ImageSpec(image=self.reference))
        pod, pod_config = self.run_pod("execs")
        container = self.run_container(pod, pod_config, cri.container_config("main", self.reference, ["sleep", "1000"]))
        request = api.ExecSyncRequest(container_id=container, cmd=["sleep", "100"], timeout=1)
        code, _ = cri.code_of(self.client.send, name="ExecSync", request=request)
        self.assertEqual(code, grpc.StatusCode.DEADLINE_EXCEEDED)
        left = self.client.ExecSync(container_id=container, cmd=["sh", "-c", "ps | grep -c 'sleep [1]00$'"]).stdout
        self.assertEqual(left, b"0\n", "the timed-out process still runs")
        loud = self.client.ExecSync(container_id=container, cmd=["sh", "-c", "head -c 20000000 /dev/zero"])
        # As much as one gRPC message of 16 MiB holds, beside its frame.
        limit = 16 * 1024 * 1024
        self.assertTrue(limit - 4096 <= len(loud.stdout) < limit, len(loud.stdout))
        self.assertEqual(loud.stdout.count(b"\0"), len(loud.stdout))
        self.assertEqual(loud.exit_code, 0)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)

    def test_an_image_by_index_and_by_digest(self):
        by_index = self.registry.push(image.busybox_image(Labels={"way": "index"}), "multi", "v2", index=True)
        image_ref = self.client.PullImage(image=api.ImageSpec(image=by_index)).image_ref
        shown = self.client.ImageStatus(image=api.ImageSpec(image=by_index)).image
        again = self.client.PullImage(image=api.ImageSpec(image=shown.repo_digests[0])).image_ref
        self.assertEqual(image_ref, again)
        self.client.RemoveImage(image=api.ImageSpec(image=image_ref))

    def test_everything_else_is_unimplemented(self):
        subset = {"Version", "Status", "RuntimeConfig", "RunPodSandbox", "StopPodSandbox", "RemovePodSandbox",
                  "PodSandboxStatus", "ListPodSandbox", "CreateContainer", "StartContainer", "StopContainer",
                  "RemoveContainer", "ContainerStatus", "ListContainers", "ExecSync", "Exec", "Attach", "PortForward", "PullImage", "ImageStatus",
                  "ListImages", "RemoveImage", "ImageFsInfo", "ReopenContainerLog", "UpdatePodSandboxResources",
                  "UpdateRuntimeConfig", "UpdateContainerResources", "ContainerStats", "ListContainerStats",
                  "PodSandboxStats", "ListPodSandboxStats", "ListMetricDescriptors", "ListPodSandboxMetrics",
                  "GetContainerEvents"} | {name for name in cri.SERVICES if name.startswith("Stream")}
        for name, (service, method) in cri.SERVICES.items():
            if name in subset:
                continue
            request = getattr(api, method.input_type.name)
            response = getattr(api, method.output_type.name)
            with self.subTest(name), self.assertRaises(grpc.RpcError) as caught:
                call = self.client.channel.unary_unary(f"/{service}/{name}", request.SerializeToString, response.FromString)
                call(request(), timeout=10)
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED, name)

    def test_image_fs_info_follows_the_images(self):
        before = self.client.ImageFsInfo().image_filesystems[0].used_bytes.value
        reference = self.registry.push(image.Image([image.tar_layer([("big", os.urandom(3_000_000))])], {"Cmd": ["/x"]}),
                                       "big", "v1")
        self.client.PullImage(image=api.ImageSpec(image=reference))
        self.assertGreaterEqual(self.client.ImageFsInfo().image_filesystems[0].used_bytes.value, before + 3_000_000)
        self.client.RemoveImage(image=api.ImageSpec(image=reference))
        self.assertLess(self.client.ImageFsInfo().image_filesystems[0].used_bytes.value, before + 3_000_000)


if __name__ == "__main__":
    unittest.main()
