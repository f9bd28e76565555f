"""Clients of a streaming URL, by hand: WebSocket and SPDY/3.1 as kubelets and crictl speak them."""

import base64
import json
import os
import re
import socket
import struct
import threading
import urllib.parse
import zlib

CHANNELS = ("stdin", "stdout", "stderr", "error", "resize")


def dictionary():
    """SPDY/3's, as the source has it; a unit test holds that against its checksum."""
    with open(os.path.join(os.environ["BULKHEAD_SOURCE"], "daemons/cri-frontend/streaming/spdy-dictionary.cc")) as file:
        words, rest = file.read().split("words{", 1)[1].split("rest =", 1)
    texts = re.findall(r'"([^"]*)"', words)
    return b"".join(struct.pack(">I", len(word)) + word.encode() for word in texts) + \
        "".join(re.findall(r'"([^"]*)"', rest)).encode()


class Refused(Exception):
    def __init__(self, status, head):
        super().__init__(f"{status}: {head!r}")
        self.status, self.head = status, head


class Connection:
    """After its upgrade. `head` is the server's answer. `tls` is an SSLContext, for https; who uses one does not read and
    write at once, which Python's cannot."""

    def __init__(self, url, method, headers, tls=None, seconds=30):
        parts = urllib.parse.urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=seconds)
        if parts.scheme == "https":
            self.socket = tls.wrap_socket(self.socket, server_hostname=parts.hostname)
        lines = [f"{method} {parts.path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: Upgrade", *headers, "", ""]
        self.socket.sendall("\r\n".join(lines).encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer and self._more():
            pass
        self.head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
        if not self.head.startswith(b"HTTP/1.1 101 "):
            self.socket.close()
            raise Refused(int((self.head.split() or [b"", b"0"])[1]), self.head)

    def _more(self):
        part = self.socket.recv(1 << 16)
        self.buffer += part
        return part

    def take(self, size):
        """None at the end of the connection."""
        while len(self.buffer) < size:
            if not self._more():
                return None
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def raw(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def feed(self, data, piece=32000):
        """Sends stdin and ends it, while somebody else reads."""
        def run():
            for at in range(0, len(data), piece):
                self.send("stdin", data[at:at + piece])
            self.end("stdin")
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread


class WebSocket(Connection):
    def __init__(self, url, protocols=("v5.channel.k8s.io",), streams=(), tls=None):
        key = base64.b64encode(os.urandom(16)).decode()
        named = [f"Sec-WebSocket-Protocol: {', '.join(protocols)}"] if protocols else []
        super().__init__(url, "GET", ["Upgrade: websocket", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *named], tls)

    @staticmethod
    def frame(opcode, body):
        size = len(body)
        length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size) if size < 65536 else \
            b"\xff" + struct.pack(">Q", size)
        return bytes([0x80 | opcode]) + length + b"\0\0\0\0" + body

    def send(self, stream, data):
        self.raw(self.frame(2, bytes([CHANNELS.index(stream)]) + data))

    def end(self, stream):
        self.raw(self.frame(2, bytes([255, CHANNELS.index(stream)])))

    def read_frame(self):
        """(opcode, body); None at the end."""
        head = self.take(2)
        if head is None:
            return None
        size = head[1] & 0x7f
        if size == 126:
            size, = struct.unpack(">H", self.take(2))
        elif size == 127:
            size, = struct.unpack(">Q", self.take(8))
        body = self.take(size)
        return None if body is None else (head[0] & 15, body)

    def read_all(self):
        """What came on each channel until the server closed, which it must say."""
        said = {}
        while (frame := self.read_frame()) is not None:
            opcode, body = frame
            if opcode == 8:
                assert body[:2] == b"\x03\xe8", body
                self.raw(self.frame(8, body[:2]))
                assert self.take(1) is None
                self.close()
                return said
            said.setdefault(CHANNELS[body[0]], bytearray()).extend(body[1:])
        raise AssertionError(f"cut off after {said}")


class Spdy(Connection):
    def __init__(self, url, protocols=("v4.channel.k8s.io",), streams=("error", "stdout", "stderr"), settings=b"", tls=None):
        super().__init__(url, "POST", ["Upgrade: SPDY/3.1", "Content-Length: 0",
                                       *(f"X-Stream-Protocol-Version: {name}" for name in protocols)], tls)
        self.packer = zlib.compressobj(zdict=dictionary())
        self.unpacker = zlib.decompressobj(zdict=dictionary())
        self.ids, self.opened = {}, set()
        self.raw(settings)
        for number, stream in enumerate(streams):
            self.ids[stream] = 2 * number + 1
            self.open(2 * number + 1, {"streamtype": stream})

    @staticmethod
    def control(kind, body, flags=0):
        return struct.pack(">HHI", 0x8003, kind, flags << 24 | len(body)) + body

    def block(self, headers):
        text = struct.pack(">I", len(headers))
        for name, value in headers.items():
            text += struct.pack(">I", len(name)) + name.encode() + struct.pack(">I", len(value)) + value.encode()
        return self.packer.compress(text) + self.packer.flush(zlib.Z_SYNC_FLUSH)

    def open(self, stream, headers):
        self.raw(self.control(1, struct.pack(">IIH", stream, 0, 0) + self.block(headers)))

    def send(self, stream, data):
        self.raw(struct.pack(">II", self.ids[stream], len(data)) + data)

    def end(self, stream):
        self.raw(struct.pack(">II", self.ids[stream], 1 << 24))

    def window(self, stream, size):
        self.raw(self.control(9, struct.pack(">II", stream, size)))

    def read_frame(self):
        """(kind, stream, body, last), kind 0 for data; None at the end."""
        head = self.take(8)
        if head is None:
            return None
        word, size = struct.unpack(">II", head)
        body = self.take(size & 0xffffff)
        if word >> 31 == 0:
            return 0, word, body, size >> 24 & 1
        kind = word & 0xffff
        return kind, struct.unpack(">I", body[:4])[0], body[4:], size >> 24 & 1

    def reply(self, stream, body):
        self.opened.add(stream)
        assert self.unpacker.decompress(body) == b"\0\0\0\0"

    def read_all(self):
        """What came on each stream; the server must have ended every one and said goodbye."""
        said, ended = {name: bytearray() for name in self.ids}, set()
        names = {number: name for name, number in self.ids.items()}
        while (frame := self.read_frame()) is not None:
            kind, stream, body, last = frame
            if kind == 2:
                self.reply(stream, body)
            elif kind == 0:
                assert stream in self.opened, "data before SYN_REPLY"
                said[names[stream]] += body
                if last:
                    ended.add(stream)
            elif kind == 7:
                assert ended == set(names), f"{ended} of {names} ended"
                self.raw(self.control(7, struct.pack(">II", 0, 0)))
                self.close()
                return said
        raise AssertionError(f"cut off after {said}")


def exit_code(said):
    """Of version 4's status on the error channel."""
    status = json.loads(bytes(said["error"]))
    if status["status"] == "Success":
        return 0
    assert status["reason"] == "NonZeroExitCode", status
    causes = [cause["message"] for cause in status["details"]["causes"] if cause["reason"] == "ExitCode"]
    return int(causes[0])


class Forward(Spdy):
    """A client of port-forward: for each connection a pair of streams."""

    def __init__(self, url, tls=None):
        super().__init__(url, ("portforward.k8s.io",), streams=(), tls=tls)
        self.next, self.said, self.over = 1, {}, set()

    def connect(self, port):
        """(its error stream, its data stream)"""
        error, data = self.next, self.next + 2
        for stream, kind in ((error, "error"), (data, "data")):
            self.open(stream, {"streamtype": kind, "port": str(port), "requestid": str(error)})
            self.said[stream] = bytearray()
        self.finish(error)
        self.next += 4
        return error, data

    def say(self, stream, words):
        self.raw(struct.pack(">II", stream, len(words)) + words)

    def finish(self, stream):
        self.raw(struct.pack(">II", stream, 1 << 24))

    def hear(self, condition):
        """Reads until the condition holds; what came is in `said`, and who has ended in `over`."""
        while not condition():
            frame = self.read_frame()
            assert frame is not None, f"the end came first: {self.said}"
            kind, stream, body, last = frame
            if kind == 2:
                self.reply(stream, body)
            elif kind == 0:
                self.said[stream] += body
                if body:
                    self.window(stream, len(body))
                if last:
                    self.over.add(stream)
            elif kind == 3:
                self.over.add(stream)

    def heard(self, pair):
        """All that a connection said: (error, data)."""
        self.hear(lambda: self.over.issuperset(pair))
        return tuple(bytes(self.said[stream]) for stream in pair)
