"""What the tests of bulkhead-imaged share: the running daemon, a client, a network of their own."""

import glob
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time

CODES = ["invalidArgument", "notFound", "alreadyExists", "permissionDenied", "failedPrecondition",
         "resourceExhausted", "unavailable", "deadlineExceeded", "internal"]
CRI_UID, IMAGE_UID = 1900000000, 1900000001
PUBLIC, OTHER_PUBLIC = "203.0.113.1", "203.0.113.2"

BIN, TESTS = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])


class Imaged:
    """One running daemon with its socket and log."""

    def __init__(self, config, top="", environment=None):
        """`top`: keys that stand before any table. Of the host's own files none is read, unless it names them."""
        self.directory = tempfile.TemporaryDirectory(prefix="imaged-")
        os.chmod(self.directory.name, 0o755)
        self.config = self.path("bulkhead.toml")
        with open(self.config, "w") as file:
            file.write(f'registries_conf = "{self.path("registries.conf")}"\ncerts_dirs = ["{self.path("certs.d")}"]\n'
                       f"{top}[identity]\nuid_base = {CRI_UID}\n{config}".replace("@HERE@", self.directory.name))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path("s"))
        listener.listen(16)
        os.chmod(self.path("s"), 0o666)
        command = ["sh", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=imaged exec "$@"', "sh",
                   BIN + "/bulkhead-imaged", "--root", self.directory.name, "--config", self.config]
        self.log_file = open(self.path("log"), "wb")

        def pass_listener():
            os.dup2(listener.fileno(), 3)
            os.set_inheritable(3, True)  # when it was 3 already

        self.process = subprocess.Popen(command, stderr=self.log_file, close_fds=False, preexec_fn=pass_listener,
                                        env={**os.environ, **(environment or {})})
        listener.close()

    def path(self, name):
        return self.directory.name + "/" + name

    def write(self, name, text, mode=0o644):
        os.makedirs(os.path.dirname(self.path(name)), mode=0o755, exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(text)
        os.chmod(self.path(name), mode)

    def log(self):
        with open(self.path("log")) as file:
            return file.read()

    def call(self, *words, stdout=subprocess.PIPE, uid=CRI_UID, **settings):
        settings = {"uid": uid, **settings}
        command = [TESTS + "/imaged-call", self.path("s"), *words]
        command += [f"{name}={value}" for name, value in settings.items()]
        return subprocess.Popen(command, stdout=stdout, stderr=subprocess.PIPE)

    def processes(self):
        """{comm: [pid, …]} of this instance."""
        found = {}
        for entry in glob.glob("/proc/[0-9]*"):
            try:
                with open(entry + "/cmdline") as cmdline, open(entry + "/comm") as comm:
                    if cmdline.read().startswith(f"{BIN}/bulkhead-imaged\0--root\0{self.directory.name}\0"):
                        found.setdefault(comm.read().strip(), []).append(int(entry[6:]))
            except OSError:
                pass
        return found

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log_file.close()
        self.directory.cleanup()


def status_of(pid):
    with open(f"/proc/{pid}/status") as file:
        return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)


def eventually(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def make_certificate(directory, names):
    """Self-signed. Returns the files of certificate and key."""
    key, certificate = directory + f"/{names}.key", directory + f"/{names}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=registry", "-addext", "subjectAltName=" + names], check=True, capture_output=True)
    return certificate, key


class NameServer:
    """Knows one name, registry.test; every other one does not exist (RFC 1035 §4)."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(1500)
            question = query[12:query.index(b"\0", 12) + 5]
            known = question.startswith(b"\x08registry\x04test\0")
            is_a = question[-4:-2] == b"\0\x01"
            answer = b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04" + socket.inet_aton(PUBLIC) if known and is_a else b""
            flags = b"\x81\x80" if known else b"\x81\x83"
            counts = b"\0\x01" + (b"\0\x01" if answer else b"\0\0") + b"\0\0\0\0"
            self.socket.sendto(query[:2] + flags + counts + question + answer, peer)


def bind_over(path, text):
    """Puts a file of ours in place of the host's, in this mount namespace only."""
    with tempfile.NamedTemporaryFile("w", delete=False) as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    subprocess.run(["mount", "--bind", file.name, os.path.realpath(path)], check=True)
    os.unlink(file.name)


def enter_own_namespaces():
    """Starts the test again in network and mount namespaces of its own, or skips it where that needs more rights."""
    if os.geteuid() != 0:
        sys.exit(77)  # ctest: skipped
    if "IMAGED_TEST_INSIDE" not in os.environ:
        os.environ["IMAGED_TEST_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])
    for command in ("link set lo up", f"address add {PUBLIC}/32 dev lo", f"address add {OTHER_PUBLIC}/32 dev lo"):
        subprocess.run(["ip", *command.split()], check=True)
