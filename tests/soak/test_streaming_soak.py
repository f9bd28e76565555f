"""Thousands of execs, and thousands of clients that drop theirs: nothing is lost, and nothing is left."""

import collections
import ctypes
import os
import random
import socket
import struct
import threading
import time
import unittest
import urllib.parse

import grpc

from instance import wait_until
from pods import PodCase
from streams import Spdy, WebSocket, exit_code

RUNS = int(os.environ.get("BULKHEAD_RUNS", "200"))
SEED = int(os.environ.get("BULKHEAD_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
AT_ONCE = 4
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once
PR_SET_CHILD_SUBREAPER = 36
# gRPC's own threads: as many as its load once needed, up to a few per core, whoever's calls they were.
POOLS = ("default-executo", "resolver-execut", "grpc_global_tim", "event_engine", "timer_manager", "nexting_thread")


def parents():
    """{pid: (parent, state)} of every process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/stat") as file:
                state, parent = file.read().rsplit(")", 1)[1].split()[:2]
        except OSError:
            continue
        found[int(pid)] = int(parent), state
    return found


def threads_of(pid):
    names = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm") as file:
            names.append(file.read().strip())
    return names


class SoakCase(PodCase):
    """All that an instance starts stays a descendant of this process, whoever is its parent for a while."""

    @classmethod
    def setUpClass(cls):
        assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
        super().setUpClass()
        print(f"seed {SEED}, {RUNS} runs", flush=True)

    def setUp(self):
        self.container = self.start(self.run_pod(), "sleep", "100000")

    def held(self):
        """{(pid, name): (descriptors, threads)} of the daemons, their helpers, shims, containers and what those started."""
        own, held = {os.getpid()}, {}
        table, grew = parents(), True
        table.pop(self.registry.process.pid, None)
        while grew:
            more = {pid for pid, (parent, _) in table.items() if parent in own} - own
            grew = bool(more)
            own |= more
        for pid in own - {os.getpid()}:
            if table[pid] == (os.getpid(), "Z") and pid != self.instance.process.pid:
                os.waitpid(pid, 0)  # an orphan, now ours to bury
                continue
            try:
                with open(f"/proc/{pid}/comm") as file:
                    name = file.read().strip()
                held[pid, name] = len(os.listdir(f"/proc/{pid}/fd")), len([one for one in threads_of(pid) if one not in POOLS])
            except OSError:
                pass  # it ended meanwhile
        return held

    @staticmethod
    def left(before, now):
        """What there is more of."""
        more = {who: "new" for who in now.keys() - before.keys()}
        for who in now.keys() & before.keys():
            if any(after > then for after, then in zip(now[who], before[who])):
                more[who] = f"{before[who]} were {now[who]}"
        return more

    def settled(self):
        """What is held once nothing changes: the same at eleven looks, 100 ms apart."""
        seen, deadline = [], time.monotonic() + 30
        while len(seen) < 11 or any(one != seen[-1] for one in seen[-11:]):
            self.assertLess(time.monotonic(), deadline, "processes come and go")
            seen.append(self.held())
            time.sleep(0.1)
        return seen[-1]

    def nothing_left(self, before):
        wait_until(lambda: not self.left(before, self.held()), seconds=60,
                   what=lambda: f"nothing is left ({self.left(before, self.held())})")
        self.assertEqual(before.keys(), self.held().keys())
        pools = [name for name in threads_of(self.instance.pid_of("cri")) if name in POOLS]
        self.assertLessEqual(len(pools), 8 + 4 * os.cpu_count())

    def url(self, *command, stdin=False, tty=True):
        """A reset may overtake the request before it, and then its token is out for a minute; only so many may be."""
        deadline = time.monotonic() + 90
        while True:
            try:
                return self.client.Exec(container_id=self.container, cmd=list(command), stdin=stdin, stdout=True, tty=tty).url
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED or time.monotonic() > deadline:
                    raise
                time.sleep(0.1)

    def share(self, count, work):
        """work(number) for each, some at once; its failures."""
        numbers, failures = iter(range(count)), collections.deque(maxlen=20)
        lock = threading.Lock()

        def run():
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None or len(failures) >= 5:
                    return
                try:
                    work(number)
                except (AssertionError, OSError, grpc.RpcError, ValueError, KeyError) as error:
                    failures.append((number, repr(error)))
        threads = [threading.Thread(target=run) for _ in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return list(failures)

    def warm(self):
        """What is made once, at first use, is no leak."""
        self.assertEqual(self.share(20, self.echo), [])
        self.assertEqual(self.share(20, self.drop), [])
        return self.settled()

    def echo(self, number):
        """A short command, whose output is all there and nothing else."""
        words = f"{number} " + "x" * random.Random(f"{SEED} {number}").randrange(2000)
        transport = (WebSocket, Spdy)[number % 2]
        said = transport(self.url("echo", words), streams=("error", "stdout", "resize")).read_all()
        assert bytes(said["stdout"]) == words.encode() + b"\r\n", (number, bytes(said["stdout"][-100:]))
        assert exit_code(said) == 0, said

    unused = threading.local()

    def drop(self, number):
        """A client that leaves at some point between its first byte and its command's last."""
        chance = random.Random(f"{SEED} {number}")
        url, began = getattr(self.unused, "url", None) or (self.url("sh", "-c", "echo out; exec cat", stdin=True,
                                                                    tty=chance.random() < 0.5), time.monotonic())
        self.unused.url = None
        parts = urllib.parse.urlsplit(url)
        head = f"GET {parts.path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" \
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" \
            "Sec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
        everything = head.encode() + WebSocket.frame(2, b"\0" + bytes(300)) * 3
        size = chance.randrange(len(everything) + 1)
        with socket.create_connection((parts.hostname, parts.port), timeout=30) as client:
            client.sendall(everything[:size])
            time.sleep(chance.choice((0, chance.random() / 1000, chance.random() / 20, chance.random() / 10)))
            if chance.random() < 0.5:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        # Half a request uses no token up; only so many may be out.
        if size < len(head) and time.monotonic() - began < 30:
            self.unused.url = url, began


class Soak(SoakCase):
    def test_echoes(self):
        before = self.warm()
        began = time.monotonic()
        self.assertEqual(self.share(RUNS, self.echo), [])
        print(f"{RUNS} execs in {time.monotonic() - began:.0f} s", flush=True)
        self.nothing_left(before)

    def test_drops(self):
        before = self.warm()
        began = time.monotonic()
        self.assertEqual(self.share(RUNS, self.drop), [])
        print(f"{RUNS} dropped in {time.monotonic() - began:.0f} s", flush=True)
        self.nothing_left(before)
        self.echo(0)


if __name__ == "__main__":
    unittest.main()
