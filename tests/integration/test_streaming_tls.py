"""Streaming URLs with TLS: who is let in, what a renewed certificate changes, and who only half comes in."""

import os
import socket
import ssl
import subprocess
import unittest
import urllib.parse

import image
from cri import api
from instance import Instance, wait_until
from pods import PodCase
from registry import Registry
from streams import Forward, Spdy, WebSocket, exit_code

UID_BASE = 1900000000  # cri's uid is the first


class Authority:
    """A CA in a directory, by the openssl program."""

    def __init__(self, directory, name):
        self.base = os.path.join(directory, name)
        self.certificate = self.base + ".pem"
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                      "-subj", f"/CN={name}", "-keyout", self.base + ".key", "-out", self.certificate)

    @staticmethod
    def _openssl(*words):
        subprocess.run(["openssl", *words], check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)

    def issue(self, name):
        """(certificate, key): paths."""
        base = f"{self.base}-{name}"
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                      "-keyout", base + ".key", "-out", base + ".csr")
        with open(base + ".ext", "w") as file:
            file.write("subjectAltName=IP:127.0.0.1\n")
        self._openssl("x509", "-req", "-in", base + ".csr", "-CA", self.certificate, "-CAkey", self.base + ".key",
                      "-CAcreateserial", "-days", "2", "-extfile", base + ".ext", "-out", base + ".pem")
        return base + ".pem", base + ".key"


class TlsCase(PodCase):
    asks_clients = False

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        lines = ['[streaming]', 'tls_certificate = "@ROOT@/tls/server.pem"', 'tls_key = "@ROOT@/tls/server.key"']
        if cls.asks_clients:
            lines.append('tls_client_ca = "@ROOT@/tls/clients.pem"')
        lines += ["[identity]", f"uid_base = {UID_BASE}"]
        cls.instance = Instance(registries=[cls.registry.address], ceiling="", config="\n".join(lines))
        with open(cls.instance.ceiling_file, "a") as file:
            file.write(f'log_roots = ["{cls.instance.root}/logs"]\n')
        cls.tls = os.path.join(cls.instance.root, "tls")
        cls.elsewhere = os.path.join(cls.instance.root, "ca")  # cri sees nothing of it
        os.mkdir(cls.tls, 0o755)
        os.mkdir(cls.elsewhere, 0o700)
        cls.authority, cls.other = (Authority(cls.elsewhere, name) for name in ("one", "two"))
        cls.put(cls.authority.issue("server"))
        cls.place("clients.pem", cls.authority.certificate)
        cls.instance.start()
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))

    @classmethod
    def place(cls, name, source, mode=0o644):
        """In one step, as who renews certificates does it."""
        with open(source, "rb") as file:
            data = file.read()
        path = os.path.join(cls.tls, name)
        with open(path + ".new", "wb") as file:
            file.write(data)
        os.chown(path + ".new", UID_BASE, 0)
        os.chmod(path + ".new", mode)
        os.rename(path + ".new", path)

    @classmethod
    def put(cls, issued):
        cls.place("server.key", issued[1], 0o400)
        cls.place("server.pem", issued[0])

    def setUp(self):
        self.put(self.authority.issue("server"))
        self.pod = self.run_pod()
        self.container = self.start(self.pod, "sleep", "100000")
        self.cri = self.instance.pid_of("cri")

    def url(self, script="echo out; exit 3", **fields):
        return self.client.Exec(container_id=self.container, cmd=["sh", "-c", script], stdout=True, **fields).url

    @staticmethod
    def context(authority, shows=None):
        context = ssl.create_default_context(cafile=authority.certificate)
        if shows:
            context.load_cert_chain(*shows)
        return context

    def address(self):
        parts = urllib.parse.urlsplit(self.url())
        return parts.hostname, parts.port

    def serial(self):
        """Of the certificate that the server shows now."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(self.address(), timeout=30) as plain, context.wrap_socket(plain) as client:
            return client.getpeercert(binary_form=True)

    @staticmethod
    def der(path):
        with open(path) as file:
            return ssl.PEM_cert_to_DER_cert(file.read())

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.cri}/fd"))

    def refused(self, context, url=None):
        """In TLS 1.3 a client hears of it when it reads."""
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            WebSocket(url or self.url(), tls=context)


class Server(TlsCase):
    def test_both_transports_and_port_forward(self):
        context = self.context(self.authority)
        for transport in (WebSocket, Spdy):
            url = self.url()
            self.assertTrue(url.startswith("https://127.0.0.1:"), url)
            connection = transport(url, streams=("error", "stdout"), tls=context)
            self.assertEqual(connection.socket.version(), "TLSv1.3")
            said = connection.read_all()
            self.assertEqual((said["stdout"], exit_code(said)), (b"out\n", 3))
        data = WebSocket(self.url("head -c 5000000 /dev/zero"), tls=context).read_all()["stdout"]
        self.assertEqual(data, bytes(5000000))
        script = "busybox nc -ll -p 8080 -e cat & sleep 1000"
        listening = self.start(self.pod, "sh", "-c", script)
        wait_until(lambda: ":1F90 " in self.sh(listening, "cat /proc/net/tcp /proc/net/tcp6"), what="a listener")
        client = Forward(self.client.PortForward(pod_sandbox_id=self.pod[0], port=[8080]).url, tls=context)
        self.addCleanup(client.socket.close)
        error, there = client.connect(8080)
        sent = os.urandom(30000)
        client.say(there, sent)
        client.finish(there)
        self.assertEqual(client.heard((error, there)), (b"", sent))

    def test_input_comes_back_whole(self):
        connection = WebSocket(self.url("exec cat", stdin=True), tls=self.context(self.authority))
        got = b""
        sent = b""
        for size in (1, 100, 17000, 60000, 120000):
            part = os.urandom(size)
            sent += part
            for at in range(0, size, 30000):
                connection.send("stdin", part[at:at + 30000])
            while len(got) < len(sent):
                opcode, body = connection.read_frame()
                self.assertEqual((opcode, body[0]), (2, 1))
                got += body[1:]
        self.assertTrue(got == sent)
        connection.close()

    def test_a_client_with_another_ca_does_not_come(self):
        with self.assertRaises(ssl.SSLCertVerificationError):
            WebSocket(self.url(), tls=self.context(self.other))

    def test_nothing_older_than_1_3(self):
        context = self.context(self.authority)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.refused(context)

    def test_plain_http_is_not_answered(self):
        url = self.url()
        path = urllib.parse.urlsplit(url).path
        with socket.create_connection(self.address(), timeout=30) as client:
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            said = b""
            try:
                while part := client.recv(1000):
                    said += part
            except ConnectionResetError:
                pass
        self.assertNotIn(b"HTTP/", said)
        # The token was shown to nobody.
        self.assertEqual(WebSocket(url, tls=self.context(self.authority)).read_all()["stdout"], b"out\n")

    def test_half_a_handshake(self):
        """Many that say nothing, many that say half a hello: they cost no more than as many strangers without TLS, keep
        nobody out, and are gone in the end."""
        before = self.descriptors()
        hello = ssl.MemoryBIO()
        with self.assertRaises(ssl.SSLWantReadError):
            self.context(self.authority).wrap_bio(ssl.MemoryBIO(), hello, server_hostname="127.0.0.1").do_handshake()
        half = hello.read()[:100]
        address, stalled = self.address(), []
        for number in range(200):
            stalled.append(socket.create_connection(address, timeout=30))
            if number % 2:
                stalled[-1].sendall(half)
        said = WebSocket(self.url(), tls=self.context(self.authority)).read_all()
        self.assertEqual(said["stdout"], b"out\n")
        wait_until(lambda: self.descriptors() <= before + 70, what="64 strangers and no more")
        for client in stalled:
            try:
                self.assertEqual(client.recv(100), b"")  # within its time-out: 30 s, of which the server gives 10
            except ConnectionResetError:
                pass
            client.close()
        wait_until(lambda: self.descriptors() <= before, what="everything is gone")

    def test_who_leaves_leaves_nothing(self):
        before = self.descriptors()
        for _ in range(20):
            connection = WebSocket(self.url("exec sleep 4321"), tls=self.context(self.authority))
            connection.close()
        wait_until(lambda: self.descriptors() <= before, what="everything is gone")

    def test_a_renewed_certificate(self):
        running = WebSocket(self.url("exec cat", stdin=True), tls=self.context(self.authority))
        new = self.other.issue("server")
        self.assertNotEqual(self.serial(), self.der(new[0]))
        self.put(new)
        self.assertEqual(self.serial(), self.der(new[0]))
        self.assertEqual(WebSocket(self.url(), tls=self.context(self.other)).read_all()["stdout"], b"out\n")
        with self.assertRaises(ssl.SSLCertVerificationError):
            WebSocket(self.url(), tls=self.context(self.authority))
        running.send("stdin", b"still here")  # a session goes on with what it began with
        heard = b""
        while len(heard) < 10:
            opcode, body = running.read_frame()
            self.assertEqual((opcode, body[0]), (2, 1))
            heard += body[1:]
        self.assertEqual(heard, b"still here")
        running.close()

        since = self.instance.log_size()
        garbage = os.path.join(self.elsewhere, "garbage")
        with open(garbage, "w") as file:
            file.write("-----BEGIN CERTIFICATE-----\nnothing\n")
        self.place("server.pem", garbage)
        for _ in range(3):
            self.assertEqual(self.serial(), self.der(new[0]))
        self.assertEqual(self.instance.daemon_log(since).count("new certificates are no good"), 1)
        self.place("server.pem", self.authority.issue("stranger")[0])  # whose key is another
        self.assertEqual(self.serial(), self.der(new[0]))
        os.unlink(os.path.join(self.tls, "server.pem"))
        self.assertEqual(self.serial(), self.der(new[0]))
        again = self.authority.issue("again")
        self.put(again)
        self.assertEqual(self.serial(), self.der(again[0]))

    def test_it_reads_nothing_beside_them(self):
        """What cri's uid may read elsewhere, a link in the directory does not give it."""
        outside = os.path.join(self.instance.root, "outside.pem")
        own = self.serial()
        with open(self.authority.issue("outside")[0], "rb") as source, open(outside, "wb") as file:
            file.write(source.read())
        path = os.path.join(self.tls, "server.pem")
        with open(path, "rb") as file:
            kept = file.read()
        since = self.instance.log_size()
        os.unlink(path)
        os.symlink(outside, path)
        self.assertEqual(self.serial(), own)
        self.assertIn("Permission denied", self.instance.daemon_log(since))
        os.unlink(path)
        kept_path = os.path.join(self.elsewhere, "kept")
        with open(kept_path, "wb") as file:
            file.write(kept)
        self.place("server.pem", kept_path)
        self.assertEqual(self.serial(), own)


class Clients(TlsCase):
    asks_clients = True

    def test_who_is_let_in(self):
        shows = self.authority.issue("kubelet")
        for transport in (WebSocket, Spdy):
            said = transport(self.url(), streams=("error", "stdout"), tls=self.context(self.authority, shows)).read_all()
            self.assertEqual(said["stdout"], b"out\n")

    def test_who_is_not(self):
        url = self.url()
        self.refused(self.context(self.authority), url)
        self.refused(self.context(self.authority, self.other.issue("kubelet")), url)
        # Neither came as far as its token.
        shows = self.authority.issue("kubelet")
        self.assertEqual(WebSocket(url, tls=self.context(self.authority, shows)).read_all()["stdout"], b"out\n")

    def test_a_renewed_ca(self):
        old, new = self.authority.issue("kubelet"), self.other.issue("kubelet")
        self.place("clients.pem", self.other.certificate)
        self.refused(self.context(self.authority, old))
        self.assertEqual(WebSocket(self.url(), tls=self.context(self.authority, new)).read_all()["stdout"], b"out\n")
        self.place("clients.pem", self.authority.certificate)
        self.assertEqual(WebSocket(self.url(), tls=self.context(self.authority, old)).read_all()["stdout"], b"out\n")


class Start(unittest.TestCase):
    def test_what_is_refused(self):
        for lines, said in (('tls_certificate = "/a.pem"', "streaming.tls_certificate"),
                            ('tls_client_ca = "/a.pem"', "needs streaming.tls_certificate"),
                            ('tls_certificate = "a.pem"\ntls_key = "/a.key"', "absolute"),
                            ('tls_certificate = "/tmp/absent.pem"\ntls_key = "/tmp/absent.key"', "/tmp/absent.pem")):
            with self.subTest(lines):
                instance = Instance(config="[streaming]\n" + lines)
                self.addCleanup(instance.remove)
                with self.assertRaises(RuntimeError) as caught:
                    instance.start()
                self.assertIn(said, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
