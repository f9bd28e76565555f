"""Where an image comes from is root's to say: registries.conf, auth files, certs.d, proxies, through the CRI."""

import base64
import hashlib
import json
import os
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import unittest

import cri
import image
from cri import api
from hostile import HostileRegistry
from instance import Instance

FRESHNESS = 1.1  # seconds that imaged keeps a plan
SECRET = base64.b64encode(b"user:hunter2").decode()


def make_certificate(directory, name, subject):
    files = [os.path.join(directory, f"{name}.{end}") for end in ("pem", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-out", files[0], "-keyout", files[1],
                    "-subj", "/CN=" + name, "-addext", "subjectAltName=" + subject], check=True, capture_output=True)
    return files


class Tunnel(socketserver.ThreadingTCPServer):
    """A proxy that knows one name, and only CONNECT."""
    daemon_threads = True

    def __init__(self, name, target):
        self.seen = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += self.rfile.readline()
                outer.seen.append(head.decode())
                if not head.startswith(b"CONNECT " + name.encode()):
                    return self.wfile.write(b"HTTP/1.1 403 No\r\n\r\n")
                with socket.create_connection(target) as there:
                    self.wfile.write(b"HTTP/1.1 200 Yes\r\n\r\n")
                    threading.Thread(target=self.copy, args=(there, self.connection), daemon=True).start()
                    self.copy(self.connection, there)

            @staticmethod
            def copy(source, sink):
                try:
                    while data := source.recv(65536):
                        sink.sendall(data)
                    sink.shutdown(socket.SHUT_WR)
                except OSError:
                    pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Sources(unittest.TestCase):
    def setUp(self):
        self.origin, self.mirror = HostileRegistry(), HostileRegistry()
        self.addCleanup(self.origin.stop)
        self.addCleanup(self.mirror.stop)
        self.image = image.busybox_image()

    def start(self, config=""):
        self.instance = Instance(config=config)
        self.addCleanup(self.instance.remove)
        self.write("registries.conf", self.conf())
        self.instance.start()
        self.client = self.instance.client

    def conf(self, more="", top=""):
        return (f'{top}[[registry]]\nprefix = "images.test"\nlocation = "{self.origin.address}"\ninsecure = true\n{more}'
                f'[[registry.mirror]]\nlocation = "{self.mirror.address}"\ninsecure = true\n')

    def path(self, name):
        return os.path.join(self.instance.root, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), mode=0o755, exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), 0o644)

    def pull(self, name, **more):
        return self.client.PullImage(image=api.ImageSpec(image=name), **more).image_ref

    def status(self, name):
        return self.client.ImageStatus(image=api.ImageSpec(image=name)).image

    def pull_fails(self, code, name, text, **more):
        seen, said = cri.code_of(self.client.PullImage, image=api.ImageSpec(image=name), **more)
        self.assertEqual(seen.name, code, said)
        self.assertIn(text, said)
        self.assertNotIn("hunter2", said)

    def test_a_mirror_and_what_it_lacks(self):
        self.start()
        self.image.name = self.origin.serve(self.image, "app")
        self.mirror.serve(self.image, "app")
        layer = self.image.document["layers"][0]["digest"]
        del self.mirror.answers["/v2/app/blobs/" + layer]
        self.pull("images.test/app:v1")
        self.assertEqual(list(self.status("images.test/app:v1").repo_tags), ["images.test/app:v1"])
        asked = [path for path, _ in self.origin.requests]
        self.assertEqual(asked, ["/v2/app/blobs/" + layer], "the mirror has the rest")
        self.assertIn("mirror " + self.mirror.address, self.instance.daemon_log())

    def test_blocked_and_changed_while_running(self):
        self.start()
        self.origin.serve(self.image, "app")
        self.write("registries.conf.d/50-no.conf", '[[registry]]\nlocation = "images.test"\nblocked = true\n')
        self.pull_fails("PERMISSION_DENIED", "images.test/app:v1", "blocked")
        self.write("registries.conf.d/50-no.conf", "")
        time.sleep(FRESHNESS)
        self.pull("images.test/app:v1")
        self.write("registries.conf.d/50-no.conf", "nonsense")
        time.sleep(FRESHNESS)
        self.pull_fails("FAILED_PRECONDITION", "images.test/app:v1", "registries.conf.d/50-no.conf:1")

    def test_a_short_name_is_what_root_says(self):
        self.start()
        self.origin.serve(self.image, "app")
        self.write("registries.conf", self.conf(top='unqualified-search-registries = ["other.test", "images.test"]\n')
                   + '[aliases]\nnick = "images.test/app"\n')
        self.pull_fails("FAILED_PRECONDITION", "app:v1", "ambiguous")
        self.pull("nick:v1")
        self.assertEqual(list(self.status("nick:v1").repo_tags), ["images.test/app:v1"])
        self.assertFalse(self.status("docker.io/library/nick:v1").id)
        self.assertFalse(self.status("app:v1").id, "ambiguous, so it names nothing")
        self.client.RemoveImage(image=api.ImageSpec(image="nick:v1"))
        self.assertEqual(len(self.client.ListImages().images), 0)

    def test_auth_files_of_the_node_and_of_a_namespace(self):
        self.start('global_auth_file = "@ROOT@/auth.json"\nnamespaced_auth_dir = "@ROOT@/auth"')
        self.protect(self.origin, "app")
        entry = json.dumps({"auths": {self.origin.address: {"auth": SECRET}}})
        self.pull_fails("PERMISSION_DENIED", "images.test/app:v1", "refuses access")
        name = hashlib.sha256(b"images.test/app").hexdigest()
        self.write(f"auth/team-{name}.json", entry)
        pod = cri.pod_config("app", self.instance.root)
        pod.metadata.namespace = "other"
        self.pull_fails("PERMISSION_DENIED", "images.test/app:v1", "refuses access", sandbox_config=pod)
        pod.metadata.namespace = "team"
        self.pull("images.test/app:v1", sandbox_config=pod)
        self.client.RemoveImage(image=api.ImageSpec(image="images.test/app:v1"))
        self.write("auth.json", entry)
        self.pull("images.test/app:v1")
        self.assertTrue(self.mirror.requests)
        for _, headers in self.mirror.requests:
            self.assertNotIn("Authorization", headers)
        self.assertNotIn(SECRET, self.instance.daemon_log())

        self.client.RemoveImage(image=api.ImageSpec(image="images.test/app:v1"))
        os.chmod(self.path("auth.json"), 0o600)
        self.pull_fails("FAILED_PRECONDITION", "images.test/app:v1", "auth.json: is not readable")
        doctor = self.instance.ctl("doctor", check=False).stdout
        self.assertIn(self.path("auth.json") + " is closed to the image daemon", doctor)

    def protect(self, registry, repository):
        """Serves the image to whoever knows the password."""
        registry.serve(self.image, repository)
        for path, answer in list(registry.answers.items()):
            registry.answers[path] = lambda handler, answer=answer: self.guarded(handler, answer)

    @staticmethod
    def guarded(handler, answer):
        if handler.headers.get("Authorization") != "Basic " + SECRET:
            answer = (401, {"WWW-Authenticate": 'Basic realm="x"'}, b"")
        status, headers, body = answer
        handler.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def test_certificates_and_a_proxy(self):
        """A registry that only the proxy can find, with a private authority, which knows its clients."""
        self.start('certs_dirs = ["@ROOT@/certs.d"]\n[proxy]\nhttps = "http://127.0.0.1:0"\n')
        self.instance.stop()
        server = make_certificate(self.instance.root, "server", "DNS:hidden.test")
        client = make_certificate(self.instance.root, "client", "DNS:client")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*server)
        context.load_verify_locations(client[0])
        context.verify_mode = ssl.CERT_REQUIRED
        hidden = HostileRegistry(tls=context)
        self.addCleanup(hidden.stop)
        hidden.serve(self.image, "app")
        proxy = Tunnel("hidden.test:", ("127.0.0.1", hidden.port))
        self.addCleanup(proxy.server_close)
        self.addCleanup(proxy.shutdown)
        with open(self.instance.config_file) as file:
            text = file.read()
        self.write("bulkhead.toml", text.replace("127.0.0.1:0", f"me:hunter2@127.0.0.1:{proxy.server_address[1]}"))
        place = f"{self.instance.root}/certs.d/hidden.test:{hidden.port}"
        os.makedirs(place)
        self.instance.start()
        self.client = self.instance.client
        name = f"hidden.test:{hidden.port}/app:v1"
        self.pull_fails("FAILED_PRECONDITION", name, "not trusted")
        shutil.copy(server[0], place + "/ca.crt")
        shutil.copy(client[0], place + "/client.cert")
        shutil.copy(client[1], place + "/client.key")
        os.chmod(place + "/client.key", 0o644)
        time.sleep(FRESHNESS)
        self.pull(name)
        self.assertTrue(proxy.seen and all(head.startswith("CONNECT hidden.test:") for head in proxy.seen))
        self.assertIn(base64.b64encode(b"me:hunter2").decode(), proxy.seen[0])
        self.assertNotIn("hunter2", self.instance.daemon_log())


if __name__ == "__main__":
    unittest.main()
