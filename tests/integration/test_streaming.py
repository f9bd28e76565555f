"""Exec as kubelets and crictl use it: a URL, and a command's streams over WebSocket or SPDY."""

import json
import os
import random
import socket
import struct
import threading
import time
import unittest
import urllib.parse

import cri
from instance import wait_until
from pods import PodCase
from streams import Refused, Spdy, WebSocket, exit_code

BOTH = (WebSocket, Spdy)
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close at once


class StreamingCase(PodCase):
    def setUp(self):
        self.container = self.start(self.run_pod(), "sleep", "100000")
        self.cri = self.instance.pid_of("cri")

    def url(self, script, stdin=False, stdout=True, stderr=True, command=None):
        return self.client.Exec(container_id=self.container, cmd=command or ["sh", "-c", script], stdin=stdin, stdout=stdout,
                                stderr=stderr).url

    def exec(self, transport, script, stdin=None, **more):
        streams = ["error", "stdout", "stderr"] + (["stdin"] if stdin is not None else [])
        connection = transport(self.url(script, stdin=stdin is not None, **more), streams=streams)
        if stdin is not None:
            connection.feed(stdin)
        return connection.read_all()

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.cri}/fd"))

    def commands(self, text):
        """How many processes of the container have `text` in their command line."""
        return int(self.client.ExecSync(container_id=self.container, cmd=[
            "sh", "-c", f"cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' ' | grep -o '{text[:1]}[{text[1]}]{text[2:]}' | wc -l"]).stdout)

    def monitors(self):
        return [name for name, _ in self.instance.processes().values() if name == "exec-monitor"]

    def memory(self):
        """Of cri, in bytes."""
        with open(f"/proc/{self.cri}/statm") as file:
            return int(file.read().split()[1]) * 4096


class Exec(StreamingCase):
    def test_output_and_exit_codes(self):
        for transport in BOTH:
            with self.subTest(transport.__name__):
                said = self.exec(transport, "echo out; echo err >&2; exit 3")
                self.assertEqual((said["stdout"], said["stderr"], exit_code(said)), (b"out\n", b"err\n", 3))
                self.assertEqual(exit_code(self.exec(transport, "true")), 0)
                self.assertEqual(exit_code(self.exec(transport, "kill -9 $$")), 137)
                self.assertEqual(self.exec(transport, "cat; echo end")["stdout"], b"end\n")  # /dev/null

    def test_every_version_of_the_protocol(self):
        for version in ("v5.", "v4.", "v3.", "v2.", ""):
            with self.subTest(version):
                said = Spdy(self.url("echo out; exit 3"), protocols=[f"{version}channel.k8s.io"]).read_all()
                self.assertEqual(said["stdout"], b"out\n")
                if version > "v4":
                    self.assertEqual(exit_code(said), 3)
                else:
                    self.assertIn(b"exit status 3", said["error"])
        for names in (["v5.channel.k8s.io"], ["v4.channel.k8s.io"], ["channel.k8s.io"], ["chat", "v4.channel.k8s.io"], []):
            with self.subTest(names):
                self.assertEqual(WebSocket(self.url("echo out"), protocols=names).read_all()["stdout"], b"out\n")

    def test_input_comes_back_whole_and_ends(self):
        data = random.Random(1).randbytes(8 << 20)
        for transport in BOTH:
            with self.subTest(transport.__name__):
                said = self.exec(transport, "cat; echo $? >&2", stdin=data)
                self.assertTrue(said["stdout"] == data, f"{len(said['stdout'])} of {len(data)}")
                self.assertEqual((said["stderr"], exit_code(said)), (b"0\n", 0))

    def test_a_command_that_does_not_read_its_input(self):
        for transport in BOTH:
            with self.subTest(transport.__name__):
                connection = transport(self.url("echo out; exec <&-; sleep 1; exit 4", stdin=True),
                                       streams=["error", "stdout", "stderr", "stdin"])
                sending = connection.feed(bytes(4 << 20))
                said = connection.read_all()
                self.assertEqual((said["stdout"], exit_code(said)), (b"out\n", 4))
                sending.join(10)

    def test_only_what_was_asked_for(self):
        said = WebSocket(self.url("echo out; echo err >&2", stdout=False)).read_all()
        self.assertEqual((said.get("stdout"), said["stderr"]), (None, b"err\n"))
        said = WebSocket(self.url("head -c 1000000 /dev/zero; echo err >&2", stdout=False)).read_all()
        self.assertEqual(said["stderr"], b"err\n")
        said = Spdy(self.url("cat >/dev/null; echo no; exit 5", stdin=True, stdout=False, stderr=False), streams=("error", "stdin"))
        said.end("stdin")
        self.assertEqual(exit_code(said.read_all()), 5)

    def test_a_hundred_at_once_lose_nothing(self):
        before = self.descriptors()
        lost = []

        def run(number):
            for transport in BOTH:
                said = self.exec(transport, f"echo {number}; head -c 100000 /dev/zero; echo {number} >&2; exit {number}")
                if (bytes(said["stdout"]), said["stderr"], exit_code(said)) != \
                        (f"{number}\n".encode() + bytes(100000), f"{number}\n".encode(), number):
                    lost.append((transport.__name__, number, len(said["stdout"])))
        for group in range(0, 100, 10):
            threads = [threading.Thread(target=run, args=(number,)) for number in range(group, group + 10)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual(lost, [])
        wait_until(lambda: self.descriptors() <= before and not self.monitors(), what="everything is gone")

    def test_an_orphan_keeps_nobody_waiting(self):
        began = time.monotonic()
        said = self.exec(WebSocket, "sleep 30 & echo out")
        self.assertEqual((said["stdout"], exit_code(said)), (b"out\n", 0))
        self.assertLess(time.monotonic() - began, 15)

    def test_what_is_refused_by_name(self):
        for fields, code, word in (({}, "INVALID_ARGUMENT", "stdin"),
                                   ({"cmd": [], "stdout": True}, "INVALID_ARGUMENT", "cmd"),
                                   ({"container_id": "0" * 64, "stdout": True}, "NOT_FOUND", "container")):
            with self.subTest(word):
                asked = {"container_id": self.container, "cmd": ["true"], **fields}
                status, text = cri.code_of(self.client.Exec, **asked)
                self.assertEqual(status.name, code)
                self.assertIn(word, text)
        url = self.url("true")
        self.client.StopContainer(container_id=self.container, timeout=0)
        status, _ = cri.code_of(self.client.Exec, container_id=self.container, cmd=["true"], stdout=True)
        self.assertEqual(status.name, "FAILED_PRECONDITION")
        self.assertIn(b"not running", WebSocket(url).read_all()["error"])

    def test_a_command_that_is_not_there(self):
        for transport in BOTH:
            said = transport(self.url("", command=["/no/such/program"])).read_all()
            status = json.loads(bytes(said["error"]))
            self.assertEqual(status["status"], "Failure")
            self.assertIn("/no/such/program", status["message"])


class Windows(StreamingCase):
    """A client of SPDY that has flow control."""

    def test_a_closed_window_holds_up_its_own_stream_only(self):
        settings = Spdy.control(4, struct.pack(">III", 1, 7, 1000))  # an initial window of 1000 bytes
        client = Spdy(self.url("head -c 5000 /dev/zero; echo err >&2; exec sleep 1000"), settings=settings)
        self.addCleanup(client.close)
        got = {"stdout": 0, "stderr": b""}
        names = {number: name for name, number in client.ids.items()}
        while got["stderr"] != b"err\n":
            kind, stream, body, _ = client.read_frame()
            if kind == 0:
                got[names[stream]] += len(body) if names[stream] == "stdout" else body
        self.assertEqual(got["stdout"], 1000)
        client.window(client.ids["stdout"], 4000)
        while got["stdout"] < 5000:
            kind, stream, body, _ = client.read_frame()
            self.assertEqual((kind, names[stream]), (0, "stdout"))
            got["stdout"] += len(body)


class Leaving(StreamingCase):
    def test_a_client_that_vanishes_takes_its_command_along(self):
        before = self.descriptors()
        for transport in BOTH:
            for linger in (None, RESET):
                for script in ("echo here; exec sleep 4321", "exec yes", "echo here; exec cat"):
                    connection = transport(self.url(script, stdin=True), streams=["error", "stdout", "stderr", "stdin"])
                    while b"here" not in connection.buffer and b"y\ny\n" not in connection.buffer:
                        connection._more()
                    if linger:
                        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                    connection.close()
        wait_until(lambda: self.descriptors() <= before and not self.monitors(), what="everything is gone")
        for text in ("sleep 4321", "yes"):
            self.assertEqual(self.commands(text), 0, text)

    def test_a_client_that_vanishes_at_any_point(self):
        before, chance = self.descriptors(), random.Random(2)
        for number in range(60):
            url = self.url("echo out; exec cat", stdin=True)
            parts = urllib.parse.urlsplit(url)
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
                head = f"GET {parts.path} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" \
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n"
                everything = head.encode() + WebSocket.frame(2, b"\0" + bytes(1000)) * 5
                client.sendall(everything[:chance.randrange(len(everything))])
                time.sleep(chance.random() / 50)
        wait_until(lambda: self.descriptors() <= before and not self.monitors(), seconds=20, what="everything is gone")

    def test_a_client_whose_input_is_stuck_is_seen_to_leave(self):
        before = self.descriptors()
        connection = WebSocket(self.url("exec sleep 4322", stdin=True))
        wait_until(lambda: self.commands("sleep 4322") == 1, what="the command")
        connection.socket.settimeout(1)
        with self.assertRaises(TimeoutError):
            while True:
                connection.send("stdin", bytes(60000))
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)  # a FIN would wait behind what is not read
        connection.close()
        wait_until(lambda: self.descriptors() <= before and self.commands("sleep 4322") == 0, what="everything is gone")

    def test_a_client_that_does_not_read_holds_up_its_command_only(self):
        stuck = [transport(self.url("exec yes 0123456789")) for transport in BOTH for _ in range(10)]
        time.sleep(1)
        before = self.memory()
        time.sleep(1)
        self.assertLess(self.memory() - before, 4 << 20)
        self.assertEqual(self.exec(WebSocket, "echo out")["stdout"], b"out\n")
        for connection in stuck:
            connection.close()
        wait_until(lambda: self.commands("yes 0123456789") == 0, what="the commands are gone")

    def test_output_waits_for_a_slow_client(self):
        connection = Spdy(self.url("head -c 5000000 /dev/zero"))
        time.sleep(2)
        self.assertEqual(len(connection.read_all()["stdout"]), 5000000)


class Hostile(StreamingCase):
    """Rows F4, F5 and J2: what is at the listener, and what may be said to it."""

    def status(self, url, head):
        parts = urllib.parse.urlsplit(url)
        with socket.create_connection((parts.hostname, parts.port), timeout=15) as client:
            client.sendall(head.replace("@", parts.path).encode("latin-1"))
            answer = b""
            while part := client.recv(65536):
                answer += part
        self.assertNotIn(b"\nLocation", answer)
        return int(answer.split()[1]) if answer else None

    def test_a_token_is_good_once(self):
        url = self.url("echo out")
        self.assertEqual(WebSocket(url).read_all()["stdout"], b"out\n")
        other = url[:-64] + "0" * 64
        for bad in (url, other, url[:-1], url.rsplit("/", 1)[0] + "/", url.replace("/exec/", "/")):
            for transport in BOTH:
                with self.assertRaises(Refused) as refused:
                    transport(bad)
                self.assertEqual(refused.exception.status, 404)

    def test_a_token_is_for_one_thing(self):
        for kind in ("attach", "portforward", "cri"):
            url = self.url("true")
            with self.assertRaises(Refused):
                WebSocket(url.replace("/exec/", f"/{kind}/"))
            with self.assertRaises(Refused):
                WebSocket(url)  # it is used up

    def test_only_101_or_a_4xx(self):
        host = "Host: a\r\nConnection: Upgrade\r\n"
        for head in ("GET @ HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT @ HTTP/1.1\r\nHost: a\r\n\r\n",
                     f"GET @ HTTP/1.1\r\n{host}Upgrade: h2c\r\n\r\n", f"GET @ HTTP/1.1\r\n{host}Upgrade: websocket\r\n\r\n",
                     f"POST @ HTTP/1.1\r\n{host}Upgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: chat\r\n\r\n",
                     f"POST @ HTTP/1.1\r\n{host}Upgrade: SPDY/3.1\r\nTransfer-Encoding: chunked\r\n\r\n",
                     "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /debug/pprof HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00\x01\r\n\r\n",
                     "GET @ HTTP/1.1\r\nX: " + "x" * 20000 + "\r\n\r\n", "\0" * 100 + "\r\n\r\n"):
            with self.subTest(head[:60]):
                self.assertIn(self.status(self.url("true"), head), range(400, 500))

    def test_frames_that_lie(self):
        bombs = [Spdy.control(4, struct.pack(">I", 0xffffffff)), Spdy.control(4, struct.pack(">II", 0x20000000, 0)),
                 Spdy.control(1, bytes(10) + b"not zlib"), struct.pack(">HHI", 0x8003, 1, 0xffffff) + bytes(1 << 20),
                 struct.pack(">HHI", 0x8002, 1, 0), Spdy.control(9, struct.pack(">II", 0, 0x7fffffff)),
                 Spdy.control(4, struct.pack(">III", 1, 7, 0xffffffff)), os.urandom(100000)]
        before, memory = self.descriptors(), self.memory()
        for bomb in bombs:
            self.assertRaises((AssertionError, OSError), self.bombed, Spdy, bomb)
        client = Spdy(self.url("exec sleep 1000"))
        self.addCleanup(client.close)
        huge = struct.pack(">I", 0xffffffff) + bytes(100)
        client.raw(client.control(1, struct.pack(">IIH", 99, 0, 0) + client.packer.compress(huge) + client.packer.flush(2)))
        self.assertRaises((AssertionError, OSError), client.read_all)
        for bomb in (b"\x82\x01\x01x", b"\xc2\x80\0\0\0\0", b"\x82\xff" + b"\xff" * 8 + bytes(1 << 20), b"\x89\xfe\x7f\xff" + bytes(70000),
                     b"\x80\x81\0\0\0\0x", os.urandom(100000)):
            self.assertRaises((AssertionError, OSError), self.bombed, WebSocket, bomb)
        wait_until(lambda: self.descriptors() <= before and not self.monitors(), what="everything is gone")
        self.assertEqual(self.instance.pid_of("cri"), self.cri)
        self.assertLess(self.memory() - memory, 16 << 20)

    def bombed(self, transport, bomb):
        client = transport(self.url("exec sleep 1000"))
        client.socket.settimeout(5)
        try:
            client.raw(bomb)
            client.read_all()
        finally:
            client.close()

    def test_floods_hurt_nobody_else(self):
        """Pings and streams without end, from somebody who does not read the answers."""
        ping, memory = Spdy.control(6, struct.pack(">I", 1)), self.memory()
        client = Spdy(self.url("exec sleep 1000"))
        client.socket.settimeout(1)
        try:
            for _ in range(200):
                client.raw(ping * 5000)
        except TimeoutError:
            pass  # nothing more is read from it
        resets = Spdy(self.url("exec sleep 1000"))
        for number in range(101, 4001, 2):
            resets.open(number, {"streamtype": "x"})
            resets.raw(Spdy.control(3, struct.pack(">II", number, 5)))
        self.assertEqual(self.exec(WebSocket, "echo out")["stdout"], b"out\n")
        self.assertLess(self.memory() - memory, 16 << 20)
        client.close()
        resets.close()

    def test_strangers_keep_nobody_out(self):
        parts = urllib.parse.urlsplit(self.url("true"))
        strangers = [socket.create_connection((parts.hostname, parts.port), timeout=10) for _ in range(300)]
        self.addCleanup(lambda: [stranger.close() for stranger in strangers])
        self.assertEqual(self.exec(WebSocket, "echo out")["stdout"], b"out\n")
        self.assertEqual(strangers[0].recv(1), b"")

    def test_urls_are_not_endlessly_many(self):
        urls = []
        with self.assertRaises(cri.grpc.RpcError) as refused:
            for _ in range(2000):
                urls.append(self.url("true"))
        self.assertEqual(refused.exception.code().name, "RESOURCE_EXHAUSTED")
        self.assertEqual(len(set(urls)), len(urls))
        self.assertEqual(exit_code(WebSocket(urls[0]).read_all()), 0)
        for url in urls[1:]:  # for the others' sake
            parts = urllib.parse.urlsplit(url)
            with socket.create_connection((parts.hostname, parts.port), timeout=10) as client:
                client.sendall(f"GET {parts.path} HTTP/1.1\r\n\r\n".encode())
                client.recv(100)


if __name__ == "__main__":
    unittest.main()
