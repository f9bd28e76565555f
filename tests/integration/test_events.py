"""GetContainerEvents: what happens, in order, with whole statuses; and the lists that stream."""

import os
import signal
import threading
import unittest

import grpc

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

CREATED, STARTED, STOPPED, DELETED = (api.ContainerEventType.Value(f"CONTAINER_{name}_EVENT")
                                      for name in ("CREATED", "STARTED", "STOPPED", "DELETED"))


class Listener:
    """Reads events on a thread of its own from the moment it is made."""

    def __init__(self, client):
        self.events = []
        self.error = None
        self.call = client.stream("GetContainerEvents", seconds=280)
        self.call.initial_metadata()  # it is heard from here on
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def _read(self):
        try:
            for event in self.call:
                self.events.append(event)
        except grpc.RpcError as error:
            self.error = error

    def of(self, *ids):
        return [(event.container_id, event.container_event_type) for event in list(self.events)
                if event.container_id in ids]

    def close(self):
        self.call.cancel()
        self.thread.join(10)


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance.client.PullImage(image=api.ImageSpec(image=cls.reference))

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    @property
    def client(self):
        return self.instance.client

    def config(self, name):
        return cri.pod_config(name, os.path.join(self.instance.root, "logs", name), labels={"app": name})

    def create(self, pod, config, name, command):
        return self.client.CreateContainer(pod_sandbox_id=pod, sandbox_config=config,
                                           config=cri.container_config(name, self.reference, command)).container_id

    def listen(self):
        listener = Listener(self.client)
        self.addCleanup(listener.close)
        return listener

    def test_a_life_in_order(self):
        listeners = [self.listen(), self.listen()]
        config = self.config("life")
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        container = self.create(pod, config, "main", ["sh", "-c", "exit 3"])
        self.client.StartContainer(container_id=container)
        wait_until(lambda: self.client.ContainerStatus(container_id=container).status.exit_code == 3, what="its end")
        self.client.StopContainer(container_id=container, timeout=0)
        self.client.RemoveContainer(container_id=container)
        self.client.RemoveContainer(container_id=container)  # again: nothing new
        self.client.StopPodSandbox(pod_sandbox_id=pod)
        self.client.StopPodSandbox(pod_sandbox_id=pod)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        expected = [(pod, CREATED), (pod, STARTED), (container, CREATED), (container, STARTED), (container, STOPPED),
                    (container, DELETED), (pod, STOPPED), (pod, DELETED)]
        for listener in listeners:
            wait_until(lambda one=listener: len(one.of(pod, container)) == len(expected), what="every event")
            self.assertEqual(listener.of(pod, container), expected)
        events = [event for event in listeners[0].events if event.container_id in (pod, container)]
        times = [event.created_at for event in events]
        self.assertEqual(times, sorted(times))
        for event in events:
            self.assertEqual(event.pod_sandbox_status.id, pod)
            self.assertEqual(event.pod_sandbox_status.metadata.name, "life")
            self.assertEqual(event.pod_sandbox_status.labels["app"], "life")
        ready, not_ready = api.PodSandboxState.Value("SANDBOX_READY"), api.PodSandboxState.Value("SANDBOX_NOTREADY")
        self.assertEqual([event.pod_sandbox_status.state for event in events], [ready] * 6 + [not_ready] * 2)
        self.assertTrue(events[0].pod_sandbox_status.network.ip)
        states = [[status.state for status in event.containers_statuses] for event in events]
        created, running, exited = (api.ContainerState.Value(f"CONTAINER_{name}")
                                    for name in ("CREATED", "RUNNING", "EXITED"))
        self.assertEqual(states, [[], [], [created], [running], [exited], [], [], []])
        ended = events[4].containers_statuses[0]
        self.assertEqual((ended.id, ended.exit_code, ended.reason), (container, 3, "Error"))
        self.assertGreater(ended.finished_at, ended.started_at)

    def test_removing_a_pod_tells_of_its_containers_first(self):
        listener = self.listen()
        config = self.config("whole")
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        container = self.create(pod, config, "main", ["sleep", "1000"])
        self.client.StartContainer(container_id=container)
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        expected = [(container, STOPPED), (pod, STOPPED), (container, DELETED), (pod, DELETED)]
        wait_until(lambda: (pod, DELETED) in listener.of(pod), what="the pod's removal")
        self.assertEqual(listener.of(pod, container)[4:], expected)

    def test_a_refused_creation_is_no_event(self):
        listener = self.listen()
        config = self.config("refused")
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        cri.code_of(self.create, pod=pod, config=config, name="none", command=["/no/such/program"])
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        wait_until(lambda: (pod, DELETED) in listener.of(pod), what="the pod's removal")
        ids = {event.container_id for event in listener.events
               if event.pod_sandbox_status.metadata.name == "refused"}
        self.assertEqual(ids, {pod})

    def test_who_does_not_read_delays_nobody(self):
        silent = [self.client.stream("GetContainerEvents", seconds=250) for _ in range(5)]
        for call in silent:
            call.initial_metadata()
        listener = self.listen()
        config = self.config("silent")
        for _ in range(5):
            pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
            self.client.RemovePodSandbox(pod_sandbox_id=pod)
            wait_until(lambda one=pod: (one, DELETED) in listener.of(one), what="the pod's removal")
        for call in silent:
            call.cancel()

    def test_listeners_are_bounded_and_come_back(self):
        calls = []
        self.addCleanup(lambda: [call.cancel() for call in calls])
        code = None
        while code is None and len(calls) < 40:
            call = self.client.stream("GetContainerEvents", seconds=250)
            call.initial_metadata()
            calls.append(call)
            code = call.code() if call.done() else None
        self.assertEqual(code, grpc.StatusCode.RESOURCE_EXHAUSTED)
        for call in calls:
            call.cancel()
        wait_until(lambda: not self._refused(), what="a place for a listener")

    def _refused(self):
        call = self.client.stream("GetContainerEvents", seconds=5)
        call.initial_metadata()
        refused = call.done()
        call.cancel()
        return refused

    def test_the_lists_that_stream_say_what_their_twins_say(self):
        config = self.config("lists")
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(lambda: self.client.RemovePodSandbox(pod_sandbox_id=pod))
        for i in range(3):
            self.create(pod, config, f"c{i}", ["sleep", "1000"])

        def streamed(name, field, **fields):
            request = getattr(api, name + "Request")(**fields)
            messages = list(self.client.stream(name, request))
            self.assertTrue(all(getattr(message, field) for message in messages))
            return [item for message in messages for item in getattr(message, field)]

        of_pod = api.ContainerFilter(pod_sandbox_id=pod)
        self.assertEqual(streamed("StreamContainers", "containers", filter=of_pod),
                         list(self.client.ListContainers(filter=of_pod).containers))
        self.assertEqual(streamed("StreamContainers", "containers", filter=api.ContainerFilter(id="f" * 64)), [])
        one = api.PodSandboxFilter(label_selector={"app": "lists"})
        self.assertEqual(streamed("StreamPodSandboxes", "pod_sandboxes", filter=one),
                         list(self.client.ListPodSandbox(filter=one).items))
        self.assertEqual(streamed("StreamImages", "images"), list(self.client.ListImages().images))
        here = api.ImageFilter(image=api.ImageSpec(image=self.reference))
        self.assertEqual(len(streamed("StreamImages", "images", filter=here)), 1)
        stats = api.ContainerStatsFilter(pod_sandbox_id=pod)
        self.assertEqual([item.attributes for item in streamed("StreamContainerStats", "container_stats", filter=stats)],
                         [item.attributes for item in self.client.ListContainerStats(filter=stats).stats])
        pods = streamed("StreamPodSandboxStats", "pod_sandbox_stats", filter=api.PodSandboxStatsFilter(id=pod))
        self.assertEqual([len(item.linux.containers) for item in pods], [3])
        metrics = streamed("StreamPodSandboxMetrics", "pod_sandbox_metrics")
        self.assertIn(pod, [item.pod_sandbox_id for item in metrics])

    def test_z_a_listener_hears_that_cri_has_gone_and_listens_again(self):
        listener = self.listen()
        os.kill(self.instance.pid_of("cri"), signal.SIGKILL)
        listener.thread.join(30)
        self.assertEqual(listener.error.code(), grpc.StatusCode.UNAVAILABLE)
        again = self.listen()
        pod = self.client.RunPodSandbox(config=self.config("again")).pod_sandbox_id
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        wait_until(lambda: (pod, DELETED) in again.of(pod), what="the pod's removal")


if __name__ == "__main__":
    unittest.main()
