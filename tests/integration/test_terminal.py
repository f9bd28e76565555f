"""Terminals, and attaching to a container's own streams, over both transports."""

import json
import os
import signal
import time
import unittest

import grpc

import cri
from cri import api
from instance import wait_until
from pods import PodCase
from streams import Spdy, WebSocket, exit_code

BOTH = (WebSocket, Spdy)


def read_until(connection, text):
    """What came on stdout until `text` did."""
    heard = b""
    names = {number: name for name, number in getattr(connection, "ids", {}).items()}
    while text not in heard:
        frame = connection.read_frame()
        assert frame is not None, heard
        if isinstance(connection, WebSocket):
            opcode, body = frame
            heard += body[1:] if opcode == 2 and body[:1] == b"\1" else b""
        elif frame[0] == 2:
            connection.reply(frame[1], frame[2])
        elif frame[0] == 0 and names[frame[1]] == "stdout":
            heard += frame[2]
    return heard


def resize(connection, width, height):
    connection.send("resize", json.dumps({"Width": width, "Height": height}).encode())


class TerminalCase(PodCase):
    def begin(self, script, **fields):
        """A running container; removed when the test ends."""
        pod, config = self.run_pod()
        made = cri.container_config("main", self.reference, ["sh", "-c", script], **fields)
        container = self.client.CreateContainer(pod_sandbox_id=pod, sandbox_config=config, config=made).container_id
        self.client.StartContainer(container_id=container)
        return container

    def exec(self, transport, container, script):
        url = self.client.Exec(container_id=container, cmd=["sh", "-c", script], stdin=True, stdout=True, tty=True).url
        return transport(url, streams=("error", "stdin", "stdout", "resize"))

    def attach(self, transport, container, tty=False, stdin=True):
        url = self.client.Attach(container_id=container, stdin=stdin, stdout=True, stderr=not tty, tty=tty).url
        streams = ["error", "stdout"] + ["stdin"] * stdin + (["resize"] if tty else ["stderr"])
        return transport(url, streams=streams)

    def answers(self, container):
        try:
            return self.client.ContainerStatus(container_id=container).status
        except grpc.RpcError:
            return None

    def exit_code_of(self, container):
        wait_until(lambda: self.client.ContainerStatus(container_id=container).status.finished_at > 0, what="its end")
        return self.client.ContainerStatus(container_id=container).status.exit_code


class Exec(TerminalCase):
    def test_a_terminal_its_size_and_the_exit_code(self):
        container = self.begin("sleep 1000")
        for transport in BOTH:
            with self.subTest(transport.__name__):
                connection = self.exec(transport, container,
                                       "test -t 0 && test -t 1 && test -t 2 && read x && stty size && echo $TERM $x; exit 5")
                resize(connection, 90, 33)
                time.sleep(0.3)  # another stream: nothing orders the two
                connection.send("stdin", b"word\n")
                said = connection.read_all()
                self.assertIn(b"33 90\r\nxterm word\r\n", said["stdout"])
                self.assertEqual(exit_code(said), 5)

    def test_what_is_typed_last_is_heard_last(self):
        container = self.begin("sleep 1000")
        for round in range(30):
            said = self.exec(BOTH[round % 2], container, f"echo {'x' * 3000}; echo end {round}").read_all()
            self.assertTrue(bytes(said["stdout"]).endswith(f"end {round}\r\n".encode()), said["stdout"][-40:])
            self.assertEqual(exit_code(said), 0)

    def test_an_interrupt_reaches_the_command(self):
        container = self.begin("sleep 1000")
        connection = self.exec(WebSocket, container, "trap 'echo caught; exit 9' INT; echo ready; while :; do sleep 0.1; done")
        read_until(connection, b"ready")
        connection.send("stdin", b"\x03")
        said = connection.read_all()
        self.assertIn(b"caught", said["stdout"])
        self.assertEqual(exit_code(said), 9)

    def test_who_hangs_up_ends_the_command(self):
        container = self.begin("sleep 1000")
        connection = self.exec(WebSocket, container, "echo ready; exec sleep 4321")
        read_until(connection, b"ready")
        running = ["sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 432[1]'"]
        self.assertEqual(self.client.ExecSync(container_id=container, cmd=running).stdout, b"1\n")
        connection.close()
        wait_until(lambda: self.client.ExecSync(container_id=container, cmd=running).stdout == b"0\n", what="its end")

    def test_a_terminal_has_no_stderr(self):
        container = self.begin("sleep 1000")
        status, text = cri.code_of(self.client.Exec, container_id=container, cmd=["true"], stdout=True, stderr=True, tty=True)
        self.assertEqual(status.name, "INVALID_ARGUMENT")
        self.assertIn("stderr", text)


class Attach(TerminalCase):
    def test_a_terminal(self):
        for transport in BOTH:
            with self.subTest(transport.__name__):
                container = self.begin("test -t 1 && echo tty; read x; stty size; echo got $x; read y; exit 6", tty=True, stdin=True)
                connection = self.attach(transport, container, tty=True)
                resize(connection, 71, 17)
                time.sleep(0.3)
                connection.send("stdin", b"hello\n")
                self.assertIn(b"17 71\r\ngot hello", read_until(connection, b"got hello"))
                connection.send("stdin", b"\n")
                said = connection.read_all()
                self.assertEqual(exit_code(said), 0)  # an attached client is not told how the container ended
                self.assertEqual(self.exit_code_of(container), 6)
                with open(self.client.ContainerStatus(container_id=container).status.log_path) as file:
                    self.assertIn("stdout F tty", file.read())

    def test_streams_apart_and_what_came_before_is_not_repeated(self):
        for transport in BOTH:
            with self.subTest(transport.__name__):
                container = self.begin("echo before; read x; echo out $x; echo err $x >&2", stdin=True)
                connection = self.attach(transport, container)
                connection.send("stdin", b"now\n")
                said = connection.read_all()
                self.assertEqual((bytes(said["stdout"]), bytes(said["stderr"])), (b"out now\n", b"err now\n"))

    def test_input_ends_with_the_first_client_if_it_is_to(self):
        container = self.begin("cat; echo over; sleep 0.2", stdin=True, stdin_once=True)
        connection = self.attach(WebSocket, container)
        connection.feed(b"all of it")
        self.assertEqual(bytes(connection.read_all()["stdout"]), b"all of itover\n")

    def test_else_the_next_client_goes_on(self):
        container = self.begin("read x; read y; echo $x $y; exit 3", stdin=True)
        first = self.attach(Spdy, container)
        first.send("stdin", b"one\n")
        first.end("stdin")
        time.sleep(0.3)
        first.close()
        second = self.attach(WebSocket, container)
        second.send("stdin", b"two\n")
        self.assertIn(b"one two\n", bytes(second.read_all()["stdout"]))
        self.assertEqual(self.exit_code_of(container), 3)

    def test_several_hear_the_same(self):
        container = self.begin("read x; echo all hear $x", stdin=True)
        listeners = [self.attach(WebSocket, container, stdin=False) for _ in range(3)]
        speaker = self.attach(Spdy, container)
        time.sleep(0.3)
        speaker.send("stdin", b"this\n")
        for each in (*listeners, speaker):
            self.assertEqual(bytes(each.read_all()["stdout"]), b"all hear this\n")

    def test_it_outlives_cri(self):
        container = self.begin("read x; echo heard $x; exit 4", stdin=True)
        lost = self.attach(WebSocket, container)
        os.kill(self.instance.pid_of("cri"), signal.SIGKILL)
        self.assertRaises((AssertionError, OSError), lost.read_all)  # cut off
        wait_until(lambda: self.answers(container), seconds=20, what="the next cri")
        again = self.attach(WebSocket, container)
        again.send("stdin", b"you\n")
        self.assertEqual(bytes(again.read_all()["stdout"]), b"heard you\n")
        self.assertEqual(self.exit_code_of(container), 4)

    def test_one_that_stalls_holds_nobody_up(self):
        container = self.begin("read x; head -c 30000000 /dev/zero | tr '\\0' x; exit 8", stdin=True)
        stalled = self.attach(WebSocket, container)
        stalled.send("stdin", b"go\n")
        self.assertEqual(self.exit_code_of(container), 8)
        stalled.close()

    def test_what_is_refused_by_name(self):
        container = self.begin("sleep 1000")
        for fields, code, word in (({"stdout": True, "tty": True}, "INVALID_ARGUMENT", "tty"),
                                   ({}, "INVALID_ARGUMENT", "stdin"),
                                   ({"container_id": "0" * 64, "stdout": True}, "NOT_FOUND", "container")):
            status, text = cri.code_of(self.client.Attach, **{"container_id": container, **fields})
            self.assertEqual(status.name, code)
            self.assertIn(word, text)


if __name__ == "__main__":
    unittest.main()
