"""Many creations at once (CVE-2021-21334): nothing is mixed up, the same request twice is one, and no name stays taken."""

import concurrent.futures
import os
import unittest

import cri
from cri import api
from instance import wait_until
from pods import BusyboxCase

PODS, EACH = 4, 50


class Parallel(BusyboxCase):
    def pod_config(self, name):
        return cri.pod_config(name, os.path.join(self.instance.root, "logs", name), labels={"pod": name})

    def create(self, pod, pod_config, name):
        config = cri.container_config(name, self.reference, ["sh", "-c", "echo $WHO"], labels={"who": name},
                                      envs=[api.KeyValue(key="WHO", value=name.encode())])
        request = api.CreateContainerRequest(pod_sandbox_id=pod, config=config, sandbox_config=pod_config)
        return self.client.send("CreateContainer", request, seconds=300).container_id

    def test_two_hundred_at_once(self):
        with concurrent.futures.ThreadPoolExecutor(PODS * EACH) as many:
            configs = [self.pod_config(f"pod{i}") for i in range(PODS)]
            # Each is asked for twice: the kubelet repeats what it got no answer to.
            runs = [many.submit(lambda config=config: self.client.RunPodSandbox(config=config).pod_sandbox_id)
                    for config in configs * 2]
            pods = [run.result() for run in runs]
            self.assertEqual(pods[:PODS], pods[PODS:])
            self.assertEqual(len(set(pods)), PODS)
            asked = [(pod, config, f"{config.metadata.name}-c{i}") for pod, config in zip(pods, configs) for i in range(EACH)]
            made = list(many.map(lambda each: self.create(*each), asked))
        self.assertEqual(len(set(made)), PODS * EACH)
        listed = {item.id: item for item in self.client.ListContainers().containers}
        self.assertEqual(set(listed), set(made))
        for container, (pod, _, name) in zip(made, asked):
            item = listed[container]
            self.assertEqual((item.pod_sandbox_id, item.metadata.name, dict(item.labels)), (pod, name, {"who": name}))
            self.assertEqual(item.state, api.CONTAINER_CREATED)
        for container, (_, config, name) in list(zip(made, asked))[::20]:
            self.client.StartContainer(container_id=container)
            wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, seconds=30, what="exit")
            with open(os.path.join(config.log_directory, name + ".log")) as log:
                self.assertTrue(log.read().endswith(f" stdout F {name}\n"))
        for pod in pods[:PODS]:
            self.client.send("RemovePodSandbox", api.RemovePodSandboxRequest(pod_sandbox_id=pod), seconds=300)
        self.assertEqual((len(self.client.ListContainers().containers), len(self.client.ListPodSandbox().items)), (0, 0))

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def test_the_same_creation_joins_the_one_under_way(self):
        config = self.pod_config("joined")
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        with concurrent.futures.ThreadPoolExecutor(20) as many:
            for name in ("one", "two"):
                made = set(many.map(lambda _: self.create(pod, config, name), range(20)))
                self.assertEqual(len(made), 1)
                # Once it is gone, so is its name.
                self.client.RemoveContainer(container_id=made.pop())
                self.assertEqual(len(self.client.ListContainers().containers), 0)
        again = self.create(pod, config, "one")
        self.assertEqual(self.status(again).metadata.name, "one")
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        later = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.assertNotEqual(later, pod)
        self.client.RemovePodSandbox(pod_sandbox_id=later)


if __name__ == "__main__":
    unittest.main()
