"""How fast output and forwarded bytes come, beside socat doing the same."""

import ctypes
import os
import socket
import statistics
import struct
import subprocess
import threading
import time
import unittest

from instance import wait_until
from pods import PodCase
from streams import Forward, Spdy, WebSocket

ROUNDS = int(os.environ.get("BULKHEAD_RUNS", "5"))
MIB = 1 << 20
SIZE = 1024 * MIB
LEAST = 0.8
CLONE_NEWNET = 0x40000000
DD = f"dd if=/dev/zero bs=64k count={SIZE // 65536} 2>/dev/null"
WINDOW = 0x7ffe0000  # beyond all that comes


def rate(client, early=0):
    """MiB/s from the first byte to SIZE; frames around the bytes count, they are less than a thousandth."""
    buffer = memoryview(bytearray(MIB))
    total = early or client.recv_into(buffer)
    assert total, "nothing came"
    began = time.monotonic()
    while total < SIZE:
        size = client.recv_into(buffer)
        assert size, f"the end came after {total}"
        total += size
    return SIZE / MIB / (time.monotonic() - began)


def connected(port):
    try:
        return socket.create_connection(("127.0.0.1", port), timeout=60)
    except ConnectionRefusedError:
        return None


def connected_inside(pin, port):
    """A connection made in the network namespace of `pin`."""
    made = []

    def run():
        with open(pin) as space:
            assert ctypes.CDLL(None).setns(space.fileno(), CLONE_NEWNET) == 0  # of this thread
        made.append(socket.create_connection(("127.0.0.1", port)))
    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return made[0]


class Throughput(PodCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        print(f"{SIZE // MIB} MiB, {ROUNDS} rounds", flush=True)

    def compare(self, name, ours, theirs):
        """Turn by turn, so that what else the machine does meets both."""
        rates = [(ours(), theirs()) for _ in range(ROUNDS)]
        here, there = (statistics.median(column) for column in zip(*rates))
        print(f"{name}: {here:.0f} MiB/s, socat {there:.0f} MiB/s: {here / there:.2f}", flush=True)
        self.assertGreaterEqual(here / there, LEAST, rates)

    def socat(self, source, keep=()):
        """The rate of what it serves to one client; it keeps the sockets of `keep`."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = subprocess.Popen(["socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", source],
                                   pass_fds=[one.fileno() for one in keep], stdin=subprocess.DEVNULL)
        try:
            with wait_until(lambda: connected(port), what="socat listens") as client:
                return rate(client)
        finally:
            process.terminate()
            process.wait()

    def test_output_of_a_command(self):
        container = self.start(self.run_pod(), "sleep", "100000")

        def exec(transport):
            url = self.client.Exec(container_id=container, cmd=["sh", "-c", f"exec {DD}"], stdout=True).url
            connection = transport(url, streams=("error", "stdout"))
            if transport is Spdy:
                connection.window(connection.ids["stdout"], WINDOW)
            try:
                return rate(connection.socket, len(connection.buffer))
            finally:
                connection.close()
        for transport in (WebSocket, Spdy):
            with self.subTest(transport.__name__):
                self.compare(f"exec, {transport.__name__}", lambda: exec(transport),
                             lambda: self.socat(f"SYSTEM:busybox {DD}"))

    def test_a_forwarded_port(self):
        pod = self.run_pod()
        container = self.start(pod, "sh", "-c", f"busybox nc -ll -p 8080 -e sh -c '{DD}'")
        wait_until(lambda: ":1F90 " in self.sh(container, "cat /proc/net/tcp /proc/net/tcp6"), what="a listener")
        pin = os.path.join(self.instance.root, "run", "netns", pod[0])

        def forwarded():
            client = Forward(self.client.PortForward(pod_sandbox_id=pod[0], port=[8080]).url)
            _, data = client.connect(8080)
            client.raw(client.control(9, struct.pack(">II", data, WINDOW)))
            try:
                return rate(client.socket, len(client.buffer))
            finally:
                client.close()

        def relayed():
            with connected_inside(pin, 8080) as inside:
                return self.socat(f"FD:{inside.fileno()}", keep=[inside])
        self.compare("port-forward", forwarded, relayed)


if __name__ == "__main__":
    unittest.main()
