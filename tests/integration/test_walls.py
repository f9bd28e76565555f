"""The walls, seen from outside: what /proc says of live processes, and doors that stay closed to strangers."""

import json
import os
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import cri
import host
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

NO_CAPABILITIES = "0000000000000000"
# What a container gets that asks for nothing: CRI-O's default set.
DEFAULT_CAPABILITIES = ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FSETID", "CAP_FOWNER", "CAP_SETGID", "CAP_SETUID",
                        "CAP_SETPCAP", "CAP_NET_BIND_SERVICE", "CAP_KILL"]
SETS = ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")


class Walls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.volume = tempfile.mkdtemp(prefix="bh-volume-", dir="/tmp")
        cls.instance = Instance(registries=[cls.registry.address], ceiling=(
            'profile = "baseline"\n' f'bind_sources = ["{cls.volume}"]\n'))
        # The ceiling's log roots are the instance's own.
        with open(cls.instance.ceiling_file, "a") as file:
            file.write(f'log_roots = ["{cls.instance.root}/logs"]\n')
        cls.instance.start()
        client = cls.client = cls.instance.client
        client.PullImage(image=api.ImageSpec(image=cls.reference))
        cls.pod_config = cri.pod_config("walls", os.path.join(cls.instance.root, "logs", "walls"))
        cls.pod = client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id
        cls.container = cls.start("main")

    @classmethod
    def start(cls, name, **more):
        container = cls.client.CreateContainer(
            pod_sandbox_id=cls.pod, sandbox_config=cls.pod_config,
            config=cri.container_config(name, cls.reference, ["sleep", "1000"], **more)).container_id
        cls.client.StartContainer(container_id=container)
        return container

    @classmethod
    def tearDownClass(cls):
        cls.client.RemovePodSandbox(pod_sandbox_id=cls.pod)
        cls.instance.remove()
        cls.registry.stop()
        os.rmdir(cls.volume)

    def container_pid(self, container):
        info = self.client.send("ContainerStatus", api.ContainerStatusRequest(container_id=container, verbose=True)).info
        return json.loads(info["info"])["pid"]

    def test_audit_is_all_green(self):
        result = self.instance.ctl("audit")
        self.assertEqual(result.returncode, 0, result.stdout)
        rows = json.loads(self.instance.ctl("audit", "-o", "json").stdout)
        self.assertIn("shim", json.dumps(rows))

    def test_audit_is_green_during_an_exec(self):
        """Of an exec as long as this, monitor and executioner stay; the latter is the launcher's fork, without its door."""
        before = set(self.instance.processes())
        executed = threading.Thread(target=self.client.ExecSync, kwargs={"container_id": self.container, "cmd": ["sleep", "5"]})
        executed.start()
        try:
            def new():
                return sorted(name for pid, (name, _) in self.instance.processes().items() if pid not in before)
            wait_until(lambda: new() == ["exec-monitor", "launcher"], what=lambda: f"an exec's two processes ({new()})")
            rows = self.audit_rows()
            self.assertEqual(len([row for row in rows if row["process"] == "launcher"]), 2)
            self.assertIn("exec-monitor", [row["process"] for row in rows])
        finally:
            executed.join()

    def audit_rows(self):
        """The audit's rows, all of which must be fine."""
        report = json.loads(self.instance.ctl("audit", "-o", "json").stdout)
        self.assertEqual([row["verdict"] for row in report["processes"] if not row["ok"]], [])
        self.assertEqual((report["ok"], report["missing"]), (True, []))
        return report["processes"]

    def test_the_exposed_processes_hold_nothing(self):
        for name in ("cri", "imaged", "fetch-zygote", "storaged", "netd", "shim"):
            status = host.status(self.instance.pid_of(name))
            for field in SETS:
                self.assertEqual(status[field], NO_CAPABILITIES, (name, field))
            self.assertEqual(status["NoNewPrivs"], "1", name)
            self.assertEqual(status["Seccomp"], "2", name)
            self.assertEqual(len(set(status["Uid"].split())), 1, name)
            self.assertNotEqual(status["Uid"].split()[0], "0", name)
            self.assertEqual(status["Groups"], "", name)

    def test_compartments_share_no_uid(self):
        uids = {name: host.status(self.instance.pid_of(name))["Uid"].split()[0]
                for name in ("cri", "imaged", "storaged", "netd", "shim")}
        self.assertEqual(len(set(uids.values())), len(uids), uids)

    def test_no_container_gets_a_uid_of_ours(self):
        for name in ("cri", "imaged", "storaged", "netd", "shim"):
            uid = int(host.status(self.instance.pid_of(name))["Uid"].split()[0])
            for context in ({"run_as_user": api.Int64Value(value=uid)},
                            {"run_as_user": api.Int64Value(value=1000), "run_as_group": api.Int64Value(value=uid)},
                            {"run_as_user": api.Int64Value(value=1000), "supplemental_groups": [uid]}):
                config = cri.container_config("evil", self.reference, ["id"], linux=api.LinuxContainerConfig(
                    security_context=api.LinuxContainerSecurityContext(**context)))
                code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                                         sandbox_config=self.pod_config)
                self.assertEqual(code.name, "PERMISSION_DENIED", (name, text))

    def test_nothing_is_executed_after_start(self):
        """strace over a pull and a container's life: no execve by cri, imaged, storaged's main and workers, or a shim."""
        names = ("cri", "imaged", "fetch-zygote", "storaged", "shim")
        pids = [str(self.instance.pid_of(name)) for name in names]
        with tempfile.NamedTemporaryFile("r") as trace:
            command = ["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-o", trace.name]
            for pid in pids:
                command += ["-p", pid]
            tracer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: all(host.status(pid)["TracerPid"] != "0" for pid in pids), what="strace attached")
                reference = self.registry.push(image.busybox_image(Labels={"n": str(time.time())}), "traced", "v1")
                self.client.PullImage(image=api.ImageSpec(image=reference))
                traced = self.start("traced")
                self.client.ExecSync(container_id=traced, cmd=["true"])
                self.client.StopContainer(container_id=traced, timeout=0)
                self.client.RemoveContainer(container_id=traced)
                self.client.RemoveImage(image=api.ImageSpec(image=reference))
            finally:
                tracer.terminate()
                tracer.wait()
            self.assertEqual([line for line in trace if "exec" in line], [])

    def test_workers_cannot_execute(self):
        """A worker's filter has no execve: seen by strace of the zygote, whose children execute the worker, once."""
        zygote = str(self.instance.pid_of("storage-zygote"))
        with tempfile.NamedTemporaryFile("r") as trace:
            tracer = subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=execve,execveat", "-o", trace.name, "-p", zygote],
                                      stderr=subprocess.DEVNULL)
            try:
                wait_until(lambda: host.status(zygote)["TracerPid"] != "0", what="strace attached")
                reference = self.registry.push(image.Image([image.tar_layer([("f", os.urandom(1000))])], {"Cmd": ["/f"]}),
                                               "worker", "v1")
                self.client.PullImage(image=api.ImageSpec(image=reference))
            finally:
                tracer.terminate()
                tracer.wait()
            executed = [line.split()[0] for line in trace if "execve" in line and "= 0" in line]
            self.assertGreaterEqual(len(executed), 2, "parse and unpack workers at least")
            self.assertEqual(len(executed), len(set(executed)), "one execve a worker: its own start")

    def test_doors_refuse_the_wrong_uid_at_accept(self):
        """A forged request as nobody, as another compartment and as root: closed before a byte is answered."""
        doors = {"imaged/imaged.sock": socket.SOCK_STREAM, "storaged/storaged.sock": socket.SOCK_STREAM,
                 "netd/netd.sock": socket.SOCK_STREAM, "launcher/launcher.sock": socket.SOCK_SEQPACKET,
                 "mounter/mounter.sock": socket.SOCK_SEQPACKET}
        shims = os.path.join(self.instance.root, "run/shims")
        doors.update({f"shims/{name}": socket.SOCK_STREAM for name in os.listdir(shims)})
        imaged, netd = (int(host.status(self.instance.pid_of(name))["Uid"].split()[0]) for name in ("imaged", "netd"))
        for door, kind in doors.items():
            path = os.path.join(self.instance.root, "run", door)
            other = netd if door.startswith("imaged/") else imaged
            for uid in (65534, other):
                with self.subTest(door=door, uid=uid):
                    self.assertEqual(self.knock(path, kind, uid), "refused", "the directory keeps strangers out")
            # Past the directory, as root: uid or place is wrong, so the door itself must close.
            with self.subTest(door=door, uid=0):
                self.assertEqual(self.knock(path, kind, 0), "closed")

    @staticmethod
    def knock(path, kind, uid):
        """'refused' if connecting fails, 'closed' if the peer hangs up without a byte, else 'answered'."""
        child = os.fork()
        if child == 0:
            try:
                os.setgroups([])
                os.setgid(uid)
                os.setuid(uid)
                with socket.socket(socket.AF_UNIX, kind) as door:
                    door.settimeout(10)
                    door.connect(path)
                    try:
                        # A Cap'n Proto bootstrap request; on a flat door it is garbage of the right size.
                        door.send(bytes.fromhex("0000000005000000" "0000000001000100" "0800000000000000"
                                                "0000000001000100" "0000000000000000" "0000000000000000"))
                        os._exit(1 if not door.recv(100) else 2)
                    except (BrokenPipeError, ConnectionResetError):
                        os._exit(1)
            except (PermissionError, ConnectionRefusedError):
                os._exit(0)
            except BaseException:
                os._exit(3)
        _, status = os.waitpid(child, 0)
        return {0: "refused", 1: "closed", 2: "answered"}.get(os.waitstatus_to_exitcode(status), "error")

    def test_the_right_uid_in_the_wrong_place_is_refused(self):
        """cri's uid without cri's control group."""
        uid = int(host.status(self.instance.pid_of("cri"))["Uid"].split()[0])
        for door, kind in (("launcher/launcher.sock", socket.SOCK_SEQPACKET), ("storaged/storaged.sock", socket.SOCK_STREAM)):
            self.assertEqual(self.knock(os.path.join(self.instance.root, "run", door), kind, uid), "closed")

    def test_no_abstract_sockets(self):
        with open("/proc/net/unix") as table:
            names = [line.split()[-1] for line in table]
        self.assertEqual([n for n in names if n.startswith("@") and "bulkhead" in n], [])

    def test_the_shim_sees_one_mount(self):
        lines = host.mountinfo(self.instance.pid_of("shim"))
        self.assertEqual(len(lines), 1, lines)
        self.assertIn(" ro,", lines[0].split(" - ")[0] + ",")

    def test_a_volume_can_be_unmounted_while_the_shim_lives(self):
        disk = os.path.join(self.instance.root, "disk.img")
        with open(disk, "wb") as file:
            file.truncate(16 << 20)
        subprocess.run(["mkfs.ext4", "-q", disk], check=True)
        subprocess.run(["mount", "-o", "loop", disk, self.volume], check=True)
        try:
            mounted = self.start("volume", mounts=[api.Mount(container_path="/data", host_path=self.volume)])
            self.client.ExecSync(container_id=mounted, cmd=["sh", "-c", "echo kept > /data/file"])
            # The container's own namespace keeps the volume; the host's mount, and the device's last user but that
            # container, must go while its shim lives.
            result = subprocess.run(["umount", self.volume], capture_output=True, text=True)
            self.assertEqual(result.returncode, 0, result.stderr)
            shims = {pid for pid, (name, _) in self.instance.processes().items() if name == "shim"}
            os.kill(self.container_pid(mounted), 9)
            wait_until(lambda: self.client.ContainerStatus(container_id=mounted).status.state == api.CONTAINER_EXITED,
                       what="exit")
            for pid in shims & set(self.instance.processes()):
                self.assertEqual(len(host.mountinfo(pid)), 1)
            wait_until(lambda: not self.loop_devices(disk), what="the block device to be free")
            self.client.RemoveContainer(container_id=mounted)
        finally:
            subprocess.run(["umount", "-q", self.volume], check=False)

    @staticmethod
    def loop_devices(disk):
        return subprocess.run(["losetup", "-j", disk], capture_output=True, text=True, check=True).stdout

    def test_container_walls_equal_the_bare_runtime(self):
        """Filters, bounding set, limits and no_new_privs of a container, beside one that the OCI runtime starts alone."""
        runtime = os.environ["BULKHEAD_TEST_RUNTIME"]
        ours = self.container_pid(self.container)
        bundle = tempfile.mkdtemp(prefix="bh-bare-", dir="/tmp")
        rootfs = os.path.join(bundle, "rootfs")
        os.makedirs(os.path.join(rootfs, "bin"))
        subprocess.run(["cp", "/bin/busybox", os.path.join(rootfs, "bin/sleep")], check=True)
        subprocess.run([runtime, "spec"], cwd=bundle, check=True)
        with open(os.path.join(bundle, "config.json")) as file:
            spec = json.load(file)
        spec["process"].update(args=["/bin/sleep", "1000"], terminal=False)
        spec["process"]["rlimits"] = []
        spec["process"]["noNewPrivileges"] = False
        spec["process"]["capabilities"] = {which: DEFAULT_CAPABILITIES for which in ("bounding", "effective", "permitted")}
        spec["process"].pop("oomScoreAdj", None)
        spec["linux"]["namespaces"] = [{"type": "pid"}, {"type": "mount"}, {"type": "ipc"}, {"type": "uts"}]
        spec["linux"]["cgroupsPath"] = "/bulkhead-test-bare"
        # One filter, as ours has for RuntimeDefault, the default: a second one on ours would be one that we leaked.
        spec["linux"]["seccomp"] = {"defaultAction": "SCMP_ACT_ALLOW",
                                    "syscalls": [{"names": ["kexec_load"], "action": "SCMP_ACT_ERRNO"}]}
        with open(os.path.join(bundle, "config.json"), "w") as file:
            json.dump(spec, file)
        state = os.path.join(bundle, "state")
        pid_file = os.path.join(bundle, "pid")
        subprocess.run([runtime, "--root", state, "run", "-d", "--bundle", bundle, "--pid-file", pid_file, "bare"],
                       check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            with open(pid_file) as file:
                bare = int(file.read())
            wait_until(lambda: host.status(bare)["Name"] == "sleep", what="bare container")
            ours_status, bare_status = host.status(ours), host.status(bare)
            for field in SETS + ("NoNewPrivs",):
                self.assertEqual(ours_status[field], bare_status[field], field)
            self.assertEqual((ours_status["Seccomp"], ours_status["Seccomp_filters"]), ("2", "1"))
            self.assertEqual((bare_status["Seccomp"], bare_status["Seccomp_filters"]), ("2", "1"))
            for field in ("SigBlk", "SigIgn"):
                self.assertEqual(ours_status[field], bare_status[field], field)
            with open(f"/proc/{ours}/limits") as a, open(f"/proc/{bare}/limits") as b:
                self.assertEqual(a.read(), b.read())
            with open(f"/proc/{ours}/oom_score_adj") as a, open(f"/proc/{bare}/oom_score_adj") as b:
                self.assertEqual(a.read(), b.read())
        finally:
            subprocess.run([runtime, "--root", state, "delete", "--force", "bare"], check=True)
            subprocess.run(["rm", "-r", bundle], check=True)

    def test_only_the_stated_processes_run(self):
        """Every live process is a row of the audit under its own name, and every daemon that must run does."""
        live = self.instance.processes()
        rows = {row["pid"]: row["process"] for row in self.audit_rows()}
        for pid, (name, program) in live.items():
            if pid in self.instance.processes():  # jobs may have ended meanwhile
                self.assertEqual(rows.get(pid), name, program)
        for name in ("cri", "imaged", "fetch-zygote", "storaged", "storage-zygote", "mounter", "netd", "netns-helper",
                     "cni-runner", "launcher", "shim"):
            self.assertIn(name, rows.values())


if __name__ == "__main__":
    unittest.main()
