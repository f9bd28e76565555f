"""One Bulkhead in a root directory of its own, started as a user would: bulkheadctl up."""

import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time

import grpc

import cri

BUILD = os.environ["BULKHEAD_BUILD"]
BIN = os.path.join(BUILD, "bin")
CTL = os.path.join(BIN, "bulkheadctl")

CONFLIST = {
    "cniVersion": "0.4.0", "name": "bulkhead-test",
    "plugins": [
        {"type": "bridge", "bridge": "bh-test0", "isGateway": True, "ipMasq": False, "hairpinMode": True,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.111.0.0/16"}]], "dataDir": ""}},
    ],
}


class Instance:
    def __init__(self, runtime=None, config="", ceiling=None, registries=(), programs=None, directory="/tmp"):
        """`config` begins with keys outside any table; @ROOT@ in it is the instance's root. `programs` names files to run
        in place of Bulkhead's own: {"bulkhead-storaged": path}."""
        self.root = tempfile.mkdtemp(prefix="bh-", dir=directory)
        os.chmod(self.root, 0o755)
        self.cni = os.path.join(self.root, "cni")
        self.ipam = os.path.join(self.root, "ipam")
        os.mkdir(self.cni)
        conflist = json.loads(json.dumps(CONFLIST))
        conflist["plugins"][0]["ipam"]["dataDir"] = self.ipam
        self._write(os.path.join(self.cni, "10-test.conflist"), json.dumps(conflist))
        runtime = runtime or os.environ.get("BULKHEAD_TEST_RUNTIME", "runc")
        # None of the host's own registries, unless the test brings some.
        lines = [f'default_runtime = "{runtime}"', f'registries_conf = "{self.root}/registries.conf"', config,
                 "[network]", f'config_dir = "{self.cni}"', 'plugin_dirs = ["/usr/lib/cni"]']
        for address in registries:
            lines += ["[[registry]]", f'prefix = "{address}"', "insecure = true"]
        self.config_file = os.path.join(self.root, "bulkhead.toml")
        self._write(self.config_file, "\n".join(lines).replace("@ROOT@", self.root) + "\n")
        self.ceiling_file = None
        if ceiling is not None:
            self.ceiling_file = os.path.join(self.root, "ceiling.toml")
            self._write(self.ceiling_file, ceiling)
        self.ctl_program = with_programs(os.path.join(self.root, "bin"), programs) if programs else CTL
        self.process = None
        self.client = None

    @staticmethod
    def _write(path, text):
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, 0o644)

    @property
    def socket(self):
        return os.path.join(self.root, "run/bulkhead.sock")

    def start(self, pass_fds=()):
        command = [self.ctl_program, "up", "--root", self.root, "--config", self.config_file]
        if self.ceiling_file:
            command += ["--ceiling", self.ceiling_file]
        self.log = open(os.path.join(self.root, "daemons.log"), "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, pass_fds=pass_fds)
        ready, _, _ = select.select([self.process.stdout], [], [], 60)
        line = self.process.stdout.readline().decode() if ready else ""
        if "unix://" not in line:
            self.process.kill()
            self.process.wait()
            raise RuntimeError("bulkheadctl up did not become ready:\n" + self.daemon_log())
        self.client = cri.Client(self.socket)
        return self

    def daemon_log(self, since=0):
        """The last lines that the daemons wrote, of those after the first `since` bytes."""
        with open(os.path.join(self.root, "daemons.log"), "rb") as file:
            file.seek(since)
            return file.read()[-8000:].decode(errors="replace")

    def log_size(self):
        return os.path.getsize(os.path.join(self.root, "daemons.log"))

    def stop(self):
        if self.process and self.process.poll() is None:
            if self.client:
                self.client.close()
            self.process.send_signal(signal.SIGINT)
            self.process.wait(timeout=30)
        if self.process:
            self.process.stdout.close()
            self.log.close()

    def remove(self):
        """Leaves nothing, also after a failed test: pods through the daemons, and what they could not, by hand."""
        if self.process and self.process.poll() is None and self.client:
            self._remove_pods()
        try:
            self.stop()
        finally:
            self._kill_what_is_left()
            self._unmount_what_is_left()
            shutil.rmtree(self.root, ignore_errors=True)

    def _remove_pods(self):
        try:
            for pod in self.client.ListPodSandbox().items:
                try:
                    self.client.RemovePodSandbox(pod_sandbox_id=pod.id)
                except grpc.RpcError:
                    pass
        except grpc.RpcError:
            pass

    def _kill_what_is_left(self):
        """Shims outlive their daemons: their children, the containers' first processes, end them; pods' inits do too."""
        for pid, (name, _) in self.processes().items():
            if name not in ("shim", "pause"):
                continue
            for child in (name == "shim" and children_of(pid)) or [pid]:
                try:
                    os.kill(child, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        deadline = time.monotonic() + 5
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _unmount_what_is_left(self):
        """Pins, which a launcher that was killed leaves until it starts again."""
        with open("/proc/self/mountinfo") as file:
            points = [line.split()[4] for line in file if line.split()[4].startswith(self.root + "/")]
        for point in reversed(points):
            subprocess.run(["umount", "-l", point], check=False, stderr=subprocess.DEVNULL)

    def ctl(self, *arguments, check=True, **more):
        command = [CTL, arguments[0], "--root", self.root, *arguments[1:]]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
        if check and result.returncode != 0:
            raise AssertionError(f"{' '.join(command)}: {result.returncode}\n{result.stdout}{result.stderr}\n"
                                 + self.daemon_log())
        return result

    def processes(self):
        """{pid: (name, program)} of every process of this instance."""
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                program = os.path.basename(os.readlink(f"/proc/{pid}/exe"))
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                with open(f"/proc/{pid}/comm") as file:
                    name = file.read().strip()
            except OSError:
                continue
            if program.startswith("bulkhead-") and self.root.encode() in words:
                found[int(pid)] = (name, program)
        return found

    def pid_of(self, name):
        pids = [pid for pid, (found, _) in self.processes().items() if found == name]
        # A daemon's short-lived forks carry its name.
        forks = {child for pid in pids for child in children_of(pid)}
        pids = [pid for pid in pids if pid not in forks]
        assert len(pids) == 1, (name, self.processes())
        return pids[0]


def with_programs(directory, programs):
    """A directory of Bulkhead's programs, some replaced; returns its bulkheadctl. Programs look beside themselves for
    others, by their own real path: so these are no symlinks."""
    os.mkdir(directory, 0o755)
    for name in os.listdir(BIN):
        source = programs.get(name) or os.path.join(BIN, name)
        try:
            os.link(source, os.path.join(directory, name))
        except OSError:
            shutil.copy(source, os.path.join(directory, name))
    return os.path.join(directory, "bulkheadctl")


def children_of(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return [int(child) for child in file.read().split()]
    except OSError:
        return []


def wait_until(condition, seconds=10, what="condition"):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what() if callable(what) else what} did not come true in {seconds} s")
