"""Ports of pods, forwarded: bytes and ends both ways, refusals, and what is left when somebody leaves."""

import ctypes
import os
import socket
import threading
import unittest

import grpc

import cri
from cri import api
from instance import wait_until
from pods import PodCase
from streams import Forward, Refused, WebSocket

ECHO = "busybox nc -ll -p 8080 -e cat"


class PortForwardCase(PodCase):
    ceiling = "host_network = true\n"

    def url(self, pod, *ports):
        return self.client.PortForward(pod_sandbox_id=pod[0], port=list(ports)).url

    def forward(self, pod, *ports):
        client = Forward(self.url(pod, *ports))
        self.addCleanup(client.socket.close)
        return client

    def serving(self, script, port=8080):
        """A pod in which the script listens."""
        pod = self.run_pod()
        container = self.start(pod, "sh", "-c", script)
        wait_until(lambda: f":{port:04X} " in self.sh(container, "cat /proc/net/tcp /proc/net/tcp6"), what="a listener")
        return pod

    def pumps(self):
        return [pid for pid, (name, _) in self.instance.processes().items() if name == "port-pump"]

    def wait_until_no_pump(self):
        wait_until(lambda: not self.pumps(), what=lambda: f"pumps are left: {self.pumps()}")


class PortForward(PortForwardCase):
    def test_bytes_both_ways(self):
        client = self.forward(self.serving(ECHO), 8080)
        error, data = client.connect(8080)
        sent = b""
        for size in (1, 1000, 20000, 40000):
            sent += (part := os.urandom(size))
            client.say(data, part)
            client.hear(lambda: len(client.said[data]) >= len(sent))
        client.finish(data)
        self.assertEqual(client.heard((error, data)), (b"", sent))
        self.wait_until_no_pump()

    def test_a_side_that_has_ended_still_hears(self):
        pod = self.serving("busybox nc -l -p 8080 -e sh -c 'wc -c; dd if=/dev/zero bs=1M count=20 2>/dev/null'")
        client = self.forward(pod)
        pair = client.connect(8080)
        client.say(pair[1], bytes(5000))
        client.finish(pair[1])
        error, data = client.heard(pair)
        self.assertEqual((error, data[:5], len(data)), (b"", b"5000\n", 5 + (20 << 20)))

    def test_connections_know_nothing_of_each_other(self):
        client = self.forward(self.serving(ECHO), 8080, 81)
        pairs = [client.connect(8080) for _ in range(20)]
        nobody = client.connect(81)
        for number, (_, data) in enumerate(pairs):
            client.say(data, b"I am %d" % number)
        error, data = client.heard(nobody)
        self.assertEqual(data, b"")
        self.assertIn(b"port: could not connect to port 81 of the pod: Connection refused", error)
        for number, pair in enumerate(pairs):
            client.finish(pair[1])
            self.assertEqual(client.heard(pair), (b"", b"I am %d" % number))

    def test_a_port_that_was_not_asked_for(self):
        client = self.forward(self.serving(ECHO), 81)
        pair = client.connect(8080)
        client.hear(lambda: client.over)
        self.assertEqual(self.pumps(), [])
        self.assertEqual(client.said[pair[1]], b"")

    def test_who_leaves_leaves_nothing(self):
        pod = self.serving(ECHO)
        for _ in range(3):
            client = self.forward(pod)
            for _ in range(5):
                data = client.connect(8080)[1]
                client.say(data, b"x")
                client.hear(lambda: client.said[data] == b"x")
            self.assertEqual(len(self.pumps()), 5)
            client.socket.close()
            self.wait_until_no_pump()

    def test_a_pods_end_is_its_connections(self):
        pod = self.serving(ECHO)
        client = self.forward(pod)
        pair = client.connect(8080)
        client.say(pair[1], b"x")
        client.hear(lambda: client.said[pair[1]] == b"x")
        self.client.StopPodSandbox(pod_sandbox_id=pod[0])
        self.assertEqual(client.heard(pair)[1], b"x")
        self.wait_until_no_pump()
        code, text = cri.code_of(self.client.PortForward, pod_sandbox_id=pod[0], port=[8080])
        self.assertEqual((code.name, "not ready" in text), ("FAILED_PRECONDITION", True))

    def test_a_pump_has_two_sockets_and_nothing_else(self):
        pod = self.serving(ECHO)
        client = self.forward(pod)
        pair = client.connect(8080)
        client.say(pair[1], b"x")
        client.hear(lambda: client.said[pair[1]] == b"x")
        pump, = self.pumps()
        with open(f"/proc/{pump}/status") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual({status[one] for one in ("CapInh", "CapPrm", "CapEff", "CapAmb")}, {"0" * 16})
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"], status["Groups"].strip()), ("1", "2", ""))
        files = [os.readlink(f"/proc/{pump}/fd/{fd}") for fd in os.listdir(f"/proc/{pump}/fd") if int(fd) > 2]
        self.assertEqual([file.split(":")[0] for file in files], ["socket", "socket"])
        pin = os.stat(os.path.join(self.instance.root, "run", "netns", pod[0]))
        spaces = {os.stat(f"/proc/{one}/ns/net").st_ino for one in (pump, "self")} | {pin.st_ino}
        self.assertEqual(len(spaces), 3)
        with open(f"/proc/{pump}/net/dev") as file:
            self.assertEqual([line.split(":")[0].strip() for line in file.readlines()[2:]], ["lo"])

    def test_what_is_refused(self):
        pod = self.run_pod()
        for ports in ([0], [65536], [-1], list(range(1, 66))):
            code, _ = cri.code_of(self.client.PortForward, pod_sandbox_id=pod[0], port=ports)
            self.assertEqual(code.name, "INVALID_ARGUMENT")
        self.assertEqual(cri.code_of(self.client.PortForward, pod_sandbox_id="0" * 64)[0], grpc.StatusCode.NOT_FOUND)
        with self.assertRaises(Refused):
            WebSocket(self.url(pod, 80))

    def test_the_nodes_network(self):
        node = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(node.close)
        pod = self.run_pod(security={"namespace_options": api.NamespaceOption(network=api.NODE)})
        client = self.forward(pod)
        pair = client.connect(node.getsockname()[1])
        there, _ = node.accept()
        there.sendall(b"node")
        there.close()
        self.assertEqual(client.heard(pair), (b"", b"node"))

    def test_a_port_of_ipv6_only(self):
        pod = self.run_pod()
        container = self.start(pod, "sleep", "1000")
        pid = self.main_pid(container)
        ready = threading.Event()

        def serve():
            with open(f"/proc/{pid}/ns/net") as space:
                self.assertEqual(ctypes.CDLL(None).setns(space.fileno(), 0x40000000), 0)  # CLONE_NEWNET, of this thread
            six = socket.create_server(("::1", 8080), family=socket.AF_INET6)
            ready.set()
            there, _ = six.accept()
            there.sendall(b"six")
            there.close()
            six.close()
        thread = threading.Thread(target=serve)
        thread.start()
        self.assertTrue(ready.wait(10))
        client = self.forward(pod)
        self.assertEqual(client.heard(client.connect(8080)), (b"", b"six"))
        thread.join()


if __name__ == "__main__":
    unittest.main()
