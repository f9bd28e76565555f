"""Images whose files point out of themselves, and whose config asks for more than a process: cve.md A5, 1C, W23, W26, W29."""

import json
import os
import unittest

import grpc

import host
import image
from cri import api
from image import archive, directory, entry, symlink
from replay import Replay

SAME_LABELS = {"containerd.io/restart.policy": "always", "containerd.io/restart.loguri": "binary:///bin/touch?/tmp/pwn",
               "io.kubernetes.cri-o.Annotations": "{}", "io.kubernetes.pod.namespace": "kube-system",
               "io.kubernetes.container.name": "evil", "bulkhead.privileged": "true",
               "seccomp-profile.crio.io": "unconfined", "io.kubernetes.cri-o.seccompProfile": "unconfined",
               "run.oci.handler": "krun", "cdi.k8s.io/x": "vendor.com/device=all"}


class Rootfs(Replay):
    ceiling = 'profile = "baseline"\nbind_sources = ["{canary}"]\n'

    def setUp(self):
        super().setUp()
        self.mounts = host.mountinfo()

    def image(self, *entries, **config):
        """A busybox image with one more layer, pulled; its reference."""
        settings = {"Cmd": ["sh"], "Env": ["PATH=/bin"], **config}
        made = image.Image([image.busybox_layer(), archive(*entries)], settings)
        reference = self.registry.serve(made, repository="rootfs")
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        return reference

    def run_or_refuse(self, reference, *command, **more):
        """What a container of it says, or None if it is refused with a code that means so."""
        pod = self.run_pod()
        try:
            return self.output(self.create(pod, reference, *command, **more))
        except grpc.RpcError as error:
            self.assertIn(error.code().name, ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED", "UNKNOWN"), error)
            return None

    def test_the_same_without_the_malice_runs(self):
        """The positive control of this file: an image like those below, which points nowhere."""
        said = self.run_or_refuse(self.image(directory("data"), directory("w"), WorkingDir="/w"), "sh", "-c", "pwd; cat /etc/group")
        self.assertEqual(said, "/w\nroot:x:0:\n")

    # Vulnerable: mtab, localtime or hostname appear in the canary.
    def test_cve_2024_5154(self):
        for target in (self.canary.path, "../../../../../.." + self.canary.path):
            said = self.run_or_refuse(self.image(symlink("etc", target)), "sh", "-c", "ls -a /etc/ptmx; hostname")
            self.assertNotIn("\n/etc/ptmx", "\n" + (said or ""))

    # Vulnerable: canary/new is made, and given to the container's user.
    def test_cve_2026_55686(self):
        reference = self.image(symlink("w", self.canary.path), WorkingDir="/w/new")
        self.run_or_refuse(reference, "pwd")
        self.run_or_refuse(self.image(symlink("w", self.canary.path)), "pwd", working_dir="/w/other")

    # Vulnerable: the volume is filled with what the host has under that name.
    def test_cve_2022_23648(self):
        for volume in ("/../../../../../.." + self.canary.path, "/data", "/data/../.." + self.canary.path):
            with self.subTest(volume):
                reference = self.image(symlink("data", self.canary.path), Volumes={volume: {}})
                said = self.run_or_refuse(reference, "sh", "-c", f"cat /data/file {self.canary.path}/file; ls {self.canary.path}")
                self.assertNotIn("S3CRET", said or "")

    # Vulnerable: a directory of the image's lies where the kernel's files should.
    def test_cve_2019_16884(self):
        for volume in ("/proc", "/proc/self/attr", "/sys", "/dev", "/proc/", "//proc", "/./proc"):
            with self.subTest(volume):
                said = self.run_or_refuse(self.image(directory("data"), Volumes={volume: {}}), "sh", "-c",
                                          "grep -c ' /proc proc ' /proc/mounts; grep -E '^[^ ]+ /(proc|sys|dev) ' /proc/mounts")
                if said is not None:
                    self.assertTrue(said.startswith("1\n"), said)
                    self.assertEqual({line.split()[2] for line in said.splitlines()[1:]}, {"proc", "sysfs", "tmpfs"})

    # Vulnerable on a host in FIPS mode: what the image's links name is mounted.
    def test_cve_2024_9341(self):
        reference = self.image(entry("etc/system-fips"), directory("usr"), directory("usr/share"), directory("etc/crypto-policies"),
                               symlink("usr/share/crypto-policies", self.canary.path),
                               symlink("etc/crypto-policies/back-ends", self.canary.path), directory("run"),
                               symlink("run/secrets", self.canary.path))
        said = self.run_or_refuse(reference, "cat", "/proc/self/mountinfo")
        self.assertIn(" /proc ", said)
        self.assertNotIn(self.canary.path, said)
        self.assertNotIn("secrets", said)

    # Vulnerable: joined to a path as root, unmounted and linked.
    def test_cve_2025_0750(self):
        evil = "../../../../../../../.." + self.canary.path
        link_logs = {"link-logs.crio.io": evil, "io.kubernetes.cri-o.LinkLogs": evil}
        self.run_pod("annotated", annotations=link_logs, labels={"io.kubernetes.pod.uid": evil})
        logs = os.path.join(self.instance.root, "logs", "x")
        for changes in ({"uid": evil}, {"name": evil}, {"namespace": evil}):
            metadata = {"name": "x", "uid": "x", "namespace": "x", **changes}
            config = api.PodSandboxConfig(metadata=api.PodSandboxMetadata(**metadata), log_directory=logs)
            with self.subTest(changes):
                try:
                    pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
                    self.client.RemovePodSandbox(pod_sandbox_id=pod)
                except grpc.RpcError as error:
                    self.assertEqual(error.code().name, "INVALID_ARGUMENT")
        for log_directory in (self.canary.path, logs + "/" + evil, "../x", "relative"):
            with self.subTest(log_directory=log_directory):
                config = api.PodSandboxConfig(metadata=api.PodSandboxMetadata(name="x", uid="x", namespace="x"),
                                              log_directory=log_directory)
                with self.assertRaises(grpc.RpcError):
                    pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
                    self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
                    self.create((pod, config), self.image(directory("data")), "true")
        pod = self.run_pod("logs")
        reference = self.image(directory("data"))
        for log_path in (evil + "/x.log", self.canary.path + "/x.log", "a/../../../x.log"):
            with self.subTest(log_path=log_path), self.assertRaises(grpc.RpcError):
                pod_id, pod_config = pod
                config = api.ContainerConfig(metadata=api.ContainerMetadata(name="x"), image=api.ImageSpec(image=reference),
                                             log_path=log_path)
                self.client.CreateContainer(pod_sandbox_id=pod_id, config=config, sandbox_config=pod_config)

    # Vulnerable: files that we put there are the way past the container's quota.
    def test_cve_2020_8557(self):
        script = "for f in /etc/hosts /etc/hostname /etc/resolv.conf /dev/shm/f /dev/f /dev/termination-log; do " \
                 "dd if=/dev/zero of=$f bs=1048576 count=100 2>/dev/null; echo $f $? $(stat -c %s $f); done"
        said = self.run_or_refuse(self.image(directory("data")), "sh", "-c", script)
        sizes = {line.split()[0]: line.split()[1:] for line in said.splitlines()}
        self.assertEqual(len(sizes), 6, said)
        inside = ("/etc/hosts",)  # a file of the container's own writable layer, which is counted
        for name, (status, *size) in sizes.items():
            if name not in inside:
                self.assertTrue(status != "0" or int(size[0]) <= 65 << 20, (name, status, size))
        run = os.path.join(self.instance.root, "run")
        used = sum(os.lstat(os.path.join(top, name)).st_blocks * 512 for top, _, names in os.walk(run) for name in names)
        self.assertLess(used, 4 << 20)

    # Vulnerable: ptmx is removed and made again where the link points.
    def test_cve_2026_41579(self):
        for name in ("dev", "proc", "sys"):
            for target in (self.canary.path, "../../../../../.." + self.canary.path):
                with self.subTest(name, target=target):
                    self.assertIsNone(self.run_or_refuse(self.image(symlink(name, target)), "true"))

    # Vulnerable: the mount lands on the host's directory.
    def test_cve_2019_18837(self):
        for target in (self.canary.path, "../../../../../.." + self.canary.path):
            with self.subTest(target):
                mount = api.Mount(container_path="/m/new", host_path=self.canary.path + "/etc", readonly=True)
                said = self.run_or_refuse(self.image(symlink("m", target)), "cat", "/proc/mounts", mounts=[mount])
                if said is not None:
                    self.assertIn(self.canary.path + "/new", said)  # inside the container the link means the container's own

    # X: vulnerable: the handler that an annotation chooses writes through the image's link.
    def test_cve_2025_24965(self):
        reference = self.image(symlink(".krun_config.json", self.canary.path + "/f"))
        self.assertEqual(self.run_or_refuse(reference, "echo", "ran", annotations={"run.oci.handler": "krun"}), "ran\n")

    # A5. Vulnerable: a label of the image's is a label of the container's, and somebody obeys it. W26 likewise.
    def test_cve_2026_53488_and_w26(self):
        reference = self.image(directory("data"), Labels=SAME_LABELS)
        pod = self.run_pod()
        container = self.create(pod, reference, "grep", "Seccomp:", "/proc/self/status")
        status = self.client.send("ContainerStatus", api.ContainerStatusRequest(container_id=container, verbose=True))
        self.assertEqual(dict(status.status.labels), {})
        self.assertEqual(dict(status.status.annotations), {})
        for key in SAME_LABELS:
            self.assertNotIn(key, json.dumps(dict(status.info)))
            selected = api.ContainerFilter(label_selector={key: SAME_LABELS[key]})
            self.assertEqual(len(self.client.ListContainers(filter=selected).containers), 0)
        self.assertEqual(self.output(container), "Seccomp:\t2\n")
        self.assertFalse(os.path.exists("/tmp/pwn"))

    # Vulnerable: what the container mounts is seen on the host; directories above are opened to everybody.
    def test_w23_and_w29_the_host_is_as_before(self):
        def modes():
            path, found = self.storage, {}
            while path != "/":
                found[path] = os.stat(path).st_mode
                path = os.path.dirname(path)
            return found
        before = modes()
        reference = self.image(directory("m"))
        pod = self.run_pod()
        mounts = [api.Mount(container_path="/m", host_path=self.canary.path, readonly=True)]
        container = self.create(pod, reference, "sleep", "100", mounts=mounts)
        self.client.StartContainer(container_id=container)
        new = [line for line in host.mountinfo() if line not in self.mounts]
        for line in new:
            self.assertRegex(line.split()[4], r"/run/(netns|pods)/", "more than pins")
        self.assertEqual(modes(), before)


del Replay

if __name__ == "__main__":
    unittest.main()
