"""kill -9 of any one daemon while a container runs leaves the container running, and known under the same id."""

import os
import signal
import unittest

import grpc

import cri
import host
from cri import api
from instance import wait_until
from pods import BusyboxCase

DAEMONS = ("cri", "imaged", "fetch-zygote", "storaged", "storage-zygote", "mounter", "netd", "netns-helper", "cni-runner",
           "launcher")


class Restart(BusyboxCase):
    def works(self, name):
        """A whole small journey, retried as a kubelet would while something restarts."""
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name))

        def attempt():
            try:
                pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
                self.client.RemovePodSandbox(pod_sandbox_id=pod)
                return True
            except grpc.RpcError as error:
                self.assertIn(error.code().name, ("UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED"), error.details())
                return False
        wait_until(attempt, seconds=20, what="a pod after a restart of " + name)

    def test_kill_each(self):
        config = cri.pod_config("lives", os.path.join(self.instance.root, "logs", "lives"))
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        container = self.client.CreateContainer(
            pod_sandbox_id=pod, sandbox_config=config,
            config=cri.container_config("main", self.reference, ["sh", "-c", "while :; do echo tick; sleep 0.1; done"])
        ).container_id
        self.client.StartContainer(container_id=container)
        before = self.client.ContainerStatus(container_id=container).status
        for name in DAEMONS:
            with self.subTest(name):
                old = self.instance.pid_of(name)
                os.kill(old, signal.SIGKILL)
                wait_until(lambda: [p for p, (n, _) in self.instance.processes().items() if n == name and p != old],
                           what=name + " back")
                status = wait_until(lambda: self.try_status(container), what="status")
                self.assertEqual(status.state, api.CONTAINER_RUNNING)
                self.assertEqual((status.created_at, status.started_at), (before.created_at, before.started_at))
                self.assertEqual([c.id for c in self.client.ListContainers().containers], [container])
                self.assertEqual([p.id for p in self.client.ListPodSandbox().items], [pod])
                self.works(name)
        out = self.client.ExecSync(container_id=container, cmd=["echo", "still here"])
        self.assertEqual(out.stdout, b"still here\n")
        size = os.path.getsize(before.log_path)
        wait_until(lambda: os.path.getsize(before.log_path) > size, what="the log to go on")
        self.assertEqual(self.instance.ctl("audit").returncode, 0)
        self.client.StopContainer(container_id=container, timeout=0)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        self.client.RemoveImage(image=api.ImageSpec(image=self.reference))
        host.wait_nothing_left(self.instance, [pod])

    def try_status(self, container):
        try:
            return self.client.ContainerStatus(container_id=container).status
        except grpc.RpcError:
            return None

    def test_an_exit_while_cri_is_away_is_known_afterwards(self):
        self.client.PullImage(image=api.ImageSpec(image=self.reference))
        config = cri.pod_config("away", os.path.join(self.instance.root, "logs", "away"))
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        container = self.client.CreateContainer(
            pod_sandbox_id=pod, sandbox_config=config,
            config=cri.container_config("main", self.reference, ["sh", "-c", "sleep 0.5; exit 42"])).container_id
        self.client.StartContainer(container_id=container)
        cri_pid = self.instance.pid_of("cri")
        os.kill(cri_pid, signal.SIGSTOP)  # away for as long as the exit takes
        shim = wait_until(lambda: [p for p, (n, _) in self.instance.processes().items() if n == "shim"], what="shim")[0]
        os.kill(cri_pid, signal.SIGKILL)
        status = wait_until(lambda: (s := self.try_status(container)) and s.state == api.CONTAINER_EXITED and s, seconds=20,
                            what="exit of a container whose shim is " + str(shim))
        self.assertEqual(status.exit_code, 42)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)


if __name__ == "__main__":
    unittest.main()
