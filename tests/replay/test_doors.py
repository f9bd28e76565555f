"""Odd requests and odd callers: cve.md W9, W16, W17, W18, W19, W24, W25, W27, W34."""

import concurrent.futures
import errno
import os
import socket
import time
import unittest

import grpc

import image
from cri import api
from image import archive, entry
from instance import BUILD, Instance, wait_until
from replay import Replay

# By the filter: a kernel that lacks a family says EAFNOSUPPORT.
FAMILIES = {str(int(socket.AF_UNIX)): 0, str(int(socket.AF_INET)): 0, str(int(socket.AF_ALG)): errno.EPERM,
            str(int(socket.AF_VSOCK)): errno.EPERM, "socketcall": errno.ENOSYS}


class Doors(Replay):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with open(os.path.join(BUILD, "tests/replay-socket-families"), "rb") as program:
            extra = archive(entry("bin/families", program.read(), mode=0o755))
        cls.image = image.Image([image.busybox_layer(), extra], {"Cmd": ["sh"], "Env": ["PATH=/bin"]})

    def setUp(self):
        super().setUp()
        self.reference = self.registry.serve(self.image, repository="doors")
        self.pull(self.reference)

    def running(self, pod=None):
        container = self.create(pod or self.run_pod(), self.reference, "sleep", "1000")
        self.client.StartContainer(container_id=container)
        return container

    # Vulnerable: a second stop waits for a lock for ever, a removal in between is a nil pointer and the daemon's end.
    def test_w9_many_calls_for_one_container(self):
        for _ in range(3):
            pod = self.run_pod()
            container = self.running(pod)
            calls = [lambda: self.client.StopContainer(container_id=container, timeout=1),
                     lambda: self.client.RemoveContainer(container_id=container),
                     lambda: self.client.ContainerStatus(container_id=container),
                     lambda: self.client.StopPodSandbox(pod_sandbox_id=pod[0]),
                     lambda: self.client.ListContainers()] * 20
            began = time.monotonic()
            with concurrent.futures.ThreadPoolExecutor(len(calls)) as pool:
                ends = [pool.submit(call) for call in calls]
            for end in ends:
                error = end.exception()
                self.assertTrue(error is None or error.code().name in ("NOT_FOUND", "FAILED_PRECONDITION"), error)
            self.assertLess(time.monotonic() - began, 30)
            self.assertNotIn(container, [each.id for each in self.client.ListContainers().containers])

    # Vulnerable: the device's path is walked, all of it, while the call waits.
    def test_w16_devices_that_are_directories(self):
        pod = self.run_pod()
        for path in ("/", "/proc", "/dev", "/sys/"):
            began = time.monotonic()
            with self.subTest(path), self.assertRaises(grpc.RpcError) as raised:
                self.create(pod, self.reference, "true", devices=[api.Device(host_path=path, container_path="/dev/x", permissions="r")])
            self.assertIn(raised.exception.code().name, ("FAILED_PRECONDITION", "PERMISSION_DENIED"))
            self.assertLess(time.monotonic() - began, 5)

    # Vulnerable: a line of the log is the attacker's.
    def test_w16_names_write_no_lines(self):
        for name in ("a\nb", "a\r\nlevel=fatal", "\x1b[2J"):
            forged = name + " forged"
            try:
                self.create(self.run_pod(), self.reference, "true", name=forged)
            except grpc.RpcError as error:
                self.assertEqual(error.code().name, "INVALID_ARGUMENT")
        with self.assertRaises(grpc.RpcError):
            self.pull("x\nlevel=fatal forged")
        for line in self.instance.daemon_log().splitlines():
            self.assertRegex(line, r"^<\d>[a-z-]+: ")

    # Vulnerable: a streaming server on every address, for everybody.
    def test_w17_nothing_listens_but_on_loopback(self):
        mine = {os.stat(f"/proc/{pid}/fd/{fd}").st_ino for pid in self.instance.processes() for fd in os.listdir(f"/proc/{pid}/fd")
                if os.path.exists(f"/proc/{pid}/fd/{fd}")}
        listening = []
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            with open(table) as file:
                rows = [line.split() for line in file.readlines()[1:]]
            listening += [(row[1].split(":")[0], int(row[9])) for row in rows if row[3] == "0A"]
        self.assertTrue(listening)  # the test's own registry is
        for address, inode in listening:
            if inode in mine:
                self.assertIn(address, ("0100007F", "0" * 24 + "01000000"))

    # Vulnerable: GET shows configuration, containers, or the memory of the daemon.
    def test_w18_no_http_on_the_socket(self):
        for path in ("/config", "/containers/x", "/pause/x", "/unpause/x", "/debug/heap", "/debug/goroutines", "/info", "/metrics"):
            with socket.socket(socket.AF_UNIX) as door:
                door.settimeout(5)
                door.connect(self.instance.socket)
                door.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                answer = b""
                try:
                    while part := door.recv(65536):
                        answer += part
                except (TimeoutError, ConnectionError):
                    pass
            self.assertNotIn(b"200 OK", answer)
            self.assertLess(len(answer), 2000)

    # Vulnerable: the timed-out probe goes on, and its child keeps the call open.
    def test_w19_exec_ends_at_its_time(self):
        container = self.running()
        for script in ("sleep 777 & sleep 777", "sleep 5 & echo early"):
            began = time.monotonic()
            try:
                self.client.ExecSync(container_id=container, cmd=["sh", "-c", script], timeout=1)
            except grpc.RpcError as error:
                self.assertEqual(error.code().name, "DEADLINE_EXCEEDED")
            self.assertLess(time.monotonic() - began, 8)
        def left():
            return self.client.ExecSync(container_id=container, cmd=["sh", "-c", "ps | grep -c '[s]leep 777'; true"], timeout=5).stdout
        wait_until(lambda: left() == b"0\n", what="no process of an ended exec")
        self.assertEqual(self.client.ExecSync(container_id=container, cmd=["echo", "fine"], timeout=5).stdout, b"fine\n")

    # Vulnerable: the key is a path in the control group, and another file is written.
    def test_w24_keys_are_no_paths(self):
        pod = self.run_pod()
        evil = ({"unified": {"../memory.max": "1"}}, {"unified": {"memory.max/../cgroup.procs": "1"}}, {"unified": {"a\nb": "1"}},
                {"hugepage_limits": [api.HugepageLimit(page_size="../../x", limit=1)]},
                {"hugepage_limits": [api.HugepageLimit(page_size="2MB.limit_in_bytes/../../cgroup.procs\0", limit=1)]})
        for resources in evil:
            linux = api.LinuxContainerConfig(resources=api.LinuxContainerResources(**resources))
            with self.subTest(resources), self.assertRaises(grpc.RpcError) as raised:
                self.create(pod, self.reference, "true", linux=linux)
            self.assertIn(raised.exception.code().name, ("INVALID_ARGUMENT", "PERMISSION_DENIED", "UNIMPLEMENTED"))

    # Vulnerable: the kernel's crypto and the hypervisor's sockets are a container's to try, or are by 32-bit calls.
    def test_w25_socket_families(self):
        said = self.output(self.create(self.run_pod(), self.reference, "families"))
        got = {name: int(number) for name, number in (line.split() for line in said.splitlines())}
        self.assertEqual(got, {name: number for name, number in FAMILIES.items() if name in got})
        self.assertLessEqual(FAMILIES.keys() - got.keys(), {"socketcall"})

    # Vulnerable: an empty uid is a pod like others, which the next one is taken for.
    def test_w27_metadata(self):
        good = {"name": "n", "uid": "u", "namespace": "ns"}
        for field in good:
            for bad in ("", "x" * (1 << 20), "a\0b", "\n"):
                with self.subTest(field, bad=bad[:10]), self.assertRaises(grpc.RpcError) as raised:
                    metadata = api.PodSandboxMetadata(**{**good, field: bad})
                    pod = self.client.RunPodSandbox(config=api.PodSandboxConfig(metadata=metadata)).pod_sandbox_id
                    self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
                self.assertIn(raised.exception.code().name, ("INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"))
        pod = self.run_pod()
        for bad in ("", "x" * (1 << 20), "a\0b"):
            with self.subTest("container", bad=bad[:10]), self.assertRaises(grpc.RpcError):
                self.create(pod, self.reference, "true", name=bad)

    # Vulnerable: what a daemon was started with stays open in all that it starts.
    def test_w34_inherited_descriptors(self):
        marked = os.open(self.canary.path + "/file", os.O_RDONLY)
        other = Instance(registries=[self.registry.address])
        try:
            high = os.dup2(marked, 77, inheritable=True)
            other.start(pass_fds=(marked, high))
            inode = os.fstat(marked).st_ino
            self.assertGreater(len(other.processes()), 8)
            for pid, name in other.processes().items():
                if name[1] == "bulkheadctl":
                    continue
                for descriptor in os.listdir(f"/proc/{pid}/fd"):
                    self.assertNotEqual(os.stat(f"/proc/{pid}/fd/{descriptor}").st_ino, inode, name)
        finally:
            os.close(marked)
            os.close(high)
            other.remove()


del Replay

if __name__ == "__main__":
    unittest.main()
