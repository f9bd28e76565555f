"""A test case's own instance with one busybox image (BusyboxCase), and pods and containers in it in a line each."""

import os
import unittest

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry


class BusyboxCase(unittest.TestCase):
    """`ceiling`, if a class has one, gets the instance's own log root."""
    ceiling = None

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address], ceiling=cls.ceiling)
        if cls.ceiling is not None:
            with open(cls.instance.ceiling_file, "a") as file:
                file.write(f'log_roots = ["{cls.instance.root}/logs"]\n')
        cls.instance.start()
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()


class PodCase(BusyboxCase):
    ceiling = ""
    count = 0  # of names given

    def pod_config(self, security=None, **linux):
        type(self).count += 1
        name = f"p{self.count}"
        if security is not None:
            linux["security_context"] = api.LinuxSandboxSecurityContext(**security)
        return cri.pod_config(name, os.path.join(self.instance.root, "logs", name),
                              linux=api.LinuxPodSandboxConfig(**linux))

    def run_pod(self, security=None, **linux):
        """(id, config); removed when the test ends."""
        config = self.pod_config(security, **linux)
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
        return pod, config

    def refused_pod(self, security=None, **linux):
        """(code, text) of the refusal."""
        before = len(self.client.ListPodSandbox().items)
        code, text = cri.code_of(self.client.RunPodSandbox, config=self.pod_config(security, **linux))
        self.assertEqual(len(self.client.ListPodSandbox().items), before)
        return code.name, text

    def container_config(self, *command, security=None, **more):
        type(self).count += 1
        if security is not None:
            more["linux"] = api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**security))
        return cri.container_config(f"c{self.count}", self.reference, list(command or ("sleep", "1000")), **more)

    def start(self, pod, *command, **more):
        """A running container of `pod`, as run_pod has it."""
        container = self.client.CreateContainer(pod_sandbox_id=pod[0], config=self.container_config(*command, **more),
                                                sandbox_config=pod[1]).container_id
        self.client.StartContainer(container_id=container)
        return container

    def refused(self, pod, *command, **more):
        code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=pod[0],
                                 config=self.container_config(*command, **more), sandbox_config=pod[1])
        return code.name, text

    def sh(self, container, script):
        """What it prints there, errors too; with its exit code if that is not 0."""
        done = self.client.ExecSync(container_id=container, cmd=["sh", "-c", f"exec 2>&1; {script}"])
        text = done.stdout.decode()
        return text if done.exit_code == 0 else f"{text}[{done.exit_code}]"

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def ended(self, container):
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        return self.status(container)

    def main_pid(self, container):
        """Of its first process, on the host."""
        shims = [pid for pid, (name, _) in self.instance.processes().items() if name == "shim"]
        for shim in shims:
            with open(f"/proc/{shim}/cmdline", "rb") as file:
                words = file.read().decode().split("\0")
            if container in words:
                return int(words[words.index("--pid") + 1])
        raise AssertionError("no such container runs")
