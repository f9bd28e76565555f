"""What a request asks for by another way than its field, and what it must not get: cve.md 1A, 1B, 1H, F9."""

import contextlib
import json
import os
import shutil
import unittest

import cri
import host
import image
from cri import api
from image import archive, entry, symlink
from replay import Replay

OBEYED = {
    "org.systemd.property.CollectMode": "'inactive-or-failed'", "bundle": "/tmp", "org.criu.config": "/etc/criu.conf",
    "run.oci.hooks.stderr": "/tmp/pwn", "run.oci.handler": "krun", "run.oci.keep_original_groups": "1",
    "module.wasm.image/variant": "compat", "io.kubernetes.cri.container-type": "sandbox", "io.kubernetes.cri-o.ContainerType": "sandbox",
    "io.kubernetes.cri-o.userns-mode": "auto", "io.kubernetes.cri-o.Devices": "/dev/mem",
    "io.katacontainers.config.hypervisor.virtio_fs_extra_args": '["-o", "source=/", "--no-announce-submounts"]',
    "io.katacontainers.config.hypervisor.path": "/bin/sh", "dev.gvisor.spec.mount.x.source": "/",
    "seccomp-profile.kubernetes.cri-o.io": "unconfined", "cdi.k8s.io/x": "vendor.test/device=all"}
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapAmb")


def security(**context):
    return api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**context))


class Requests(Replay):
    ceiling = 'profile = "baseline"\nbind_sources = ["{canary}"]\ncgroup_parents = ["/bulkhead-replay"]\n'

    def setUp(self):
        super().setUp()
        layers = [image.busybox_layer()]
        self.reference = self.registry.serve(image.Image(layers, {"Env": ["PATH=/bin"]}), repository="requests")
        self.pull(self.reference)

    def image(self, *entries, **config):
        """Busybox with one more layer, pulled; its reference."""
        made = image.Image([image.busybox_layer(), archive(*entries)], {"Cmd": ["sh"], "Env": ["PATH=/bin"], **config})
        reference = self.registry.serve(made, repository="own")
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        return reference

    def running(self, *command, reference=None, **more):
        container = self.create(self.run_pod(), reference or self.reference, *(command or ("sleep", "1000")), **more)
        self.client.StartContainer(container_id=container)
        return container

    def inside(self, container, script):
        return self.client.ExecSync(container_id=container, cmd=["sh", "-c", "{ " + script + "; } 2>&1"]).stdout.decode()

    def pid_of(self, container):
        return json.loads(self.client.ContainerStatus(container_id=container, verbose=True).info["info"])["pid"]

    def limits(self, container):
        """What the container's own control group says, in every hierarchy."""
        found = {}
        with open(f"/proc/{self.pid_of(container)}/cgroup") as file:
            for line in file:
                _, names, path = line.strip().split(":", 2)
                directory = os.path.join("/sys/fs/cgroup", names.removeprefix("name="), path.lstrip("/"))
                for name in ("memory.limit_in_bytes", "memory.max", "pids.max", "cpu.cfs_quota_us", "cpu.max", "devices.list"):
                    if os.path.exists(os.path.join(directory, name)):
                        with open(os.path.join(directory, name)) as value:
                            found[name] = value.read()
        return found

    def refused(self, *command, codes=("INVALID_ARGUMENT",), **more):
        with self.assertRaises(Exception) as caught:
            self.create(self.run_pod(), more.pop("reference", self.reference), *(command or ("true",)), **more)
        self.assertIn(caught.exception.code().name, codes, caught.exception)
        return caught.exception.details()

    # A3. Vulnerable: the annotation writes the control group.
    def test_cve_2023_6476(self):
        limits = {"io.kubernetes.cri-o.UnifiedCgroup.replay": "memory.max=4294967296;pids.max=7",
                  "io.kubernetes.cri-o.UnifiedCgroup": "memory.max=4294967296", "io.crio.cpu-quota.crio.io": "disable"}
        plain = self.limits(self.running())
        pod = self.run_pod("annotated", annotations=limits)
        container = self.create(pod, self.reference, "sleep", "1000", annotations=limits)
        self.client.StartContainer(container_id=container)
        self.assertEqual(self.limits(container), plain)
        self.assertTrue(plain)

    # A4, A11. Vulnerable: what the runtime's configuration says in annotations, the runtime obeys.
    def test_cve_2024_3154_and_cve_2026_44210(self):
        pod = self.run_pod("annotated", annotations=OBEYED, labels=OBEYED)
        container = self.create(pod, self.reference, "sleep", "1000", annotations=OBEYED, labels=OBEYED)
        self.client.StartContainer(container_id=container)
        self.assertEqual(dict(self.client.ContainerStatus(container_id=container).status.annotations), OBEYED)
        looked = 0
        for top, _, names in os.walk(os.path.join(self.instance.root, "run/oci")):
            for path in (os.path.join(top, name) for name in names):
                if os.path.isfile(path):
                    with open(path, errors="replace") as file:
                        text = file.read()
                    looked += container in path or container in text
                    for key in OBEYED:
                        self.assertNotIn(json.dumps(key)[1:-1], text if key != "bundle" else "", path)
        self.assertGreater(looked, 0, "the runtime's own copy of its configuration")

    # A8. Vulnerable: a list of the pod's own replaces the one that hides the host.
    def test_cve_2018_10892(self):
        hidden = "cat /proc/keys /proc/timer_list /proc/sched_debug; ls /proc/acpi /sys/firmware /sys/devices/virtual/powercap"
        for context in ({}, {"masked_paths": ["/tmp"]}, {"masked_paths": ["/tmp"], "readonly_paths": ["/tmp"]}):
            container = self.running(linux=security(**context))
            said = [line for line in self.inside(container, hidden).splitlines() if "No such file" not in line]
            self.assertEqual([line for line in said if line and not line.endswith(":")], [], context)
            self.assertIn("Read-only", self.inside(container, "echo $(cat /proc/sys/vm/swappiness) > /proc/sys/vm/swappiness"))

    @staticmethod
    def remove_groups():
        """The kubelet's part of it; the pod's own is gone with the pod."""
        for directory in host.cgroups("bulkhead-replay"):
            with contextlib.suppress(OSError):  # somebody else's test is in it
                os.rmdir(directory)

    # A9. Vulnerable: a pod with users of its own is in no control group of the kubelet's, and without its limits.
    def test_cve_2025_47291(self):
        name, limit = f"a9-{os.getpid()}", 64 << 20
        parent = "/bulkhead-replay/" + name
        mapping = [api.IDMapping(host_id=100000, container_id=0, length=65536)]
        users = api.NamespaceOption(userns_options=api.UserNamespace(mode=api.POD, uids=mapping, gids=mapping))
        pod = {"linux": api.LinuxPodSandboxConfig(cgroup_parent=parent, security_context=api.LinuxSandboxSecurityContext(namespace_options=users))}
        code, text = cri.code_of(lambda **_: self.run_pod("users", **pod))
        self.assertEqual(code.name, "INVALID_ARGUMENT", text)
        self.assertIn("userns_options", text)
        self.assertEqual(host.cgroups(name), [])
        self.assertIn("userns_options", self.refused(linux=security(namespace_options=users)))
        resources = api.LinuxContainerConfig(resources=api.LinuxContainerResources(memory_limit_in_bytes=limit))
        self.addCleanup(self.remove_groups)  # after the pod
        pod = self.run_pod("nodes", linux=api.LinuxPodSandboxConfig(cgroup_parent=parent))
        container = self.create(pod, self.reference, "sleep", "1000", linux=resources)
        self.client.StartContainer(container_id=container)
        with open(f"/proc/{self.pid_of(container)}/cgroup") as file:
            within = [line.split(":", 2)[1] for line in file if line.split(":", 2)[2].startswith(parent + "/")]
        self.assertTrue({"memory", ""} & {name for names in within for name in names.split(",")}, within)
        limits = self.limits(container)
        self.assertEqual(int(limits.get("memory.max") or limits["memory.limit_in_bytes"]), limit)

    # A10. Vulnerable: the node's disk, made with the container's own mknod.
    def test_ghsa_g54h_m393_cpwq(self):
        container = self.running(linux=security(capabilities=api.Capability(add_capabilities=["MKNOD"])))
        said = self.inside(container, "busybox mknod /tmp/disk b 8 0 && cat /tmp/disk; busybox mknod /tmp/mem c 1 1 && cat /tmp/mem")
        self.assertEqual(said.count("ermitted"), 2, said)
        self.assertEqual(self.inside(container, "head -c 1 /dev/zero | wc -c"), "1\n")

    def held(self, status):
        lines = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        return {name: int(lines[name], 16) for name in CAPABILITIES}

    # B1, B2. Vulnerable: a user keeps root's capabilities as ambient ones; everybody, as inheritable ones.
    def test_cve_2018_1000400_and_cve_2022_27652(self):
        status = ("cat", "/proc/self/status")
        for context in ({"run_as_user": api.Int64Value(value=1000)}, {"run_as_username": "root"}, {}):
            started = self.held(self.output(self.create(self.run_pod(), self.reference, *status, linux=security(**context))))
            executed = self.held(self.inside(self.running(linux=security(**context)), " ".join(status)))
            for found in (started, executed):
                self.assertEqual((found["CapInh"], found["CapAmb"]), (0, 0), context)
                if "run_as_user" in context:
                    self.assertEqual((found["CapPrm"], found["CapEff"]), (0, 0))

    # B3. Vulnerable: without its group, a process is not one that the group's members are denied.
    def test_cve_2022_2995(self):
        ids = {"run_as_user": api.Int64Value(value=1000), "run_as_group": api.Int64Value(value=1000)}
        for policy in ("Merge", "Strict"):
            context = {**ids, "supplemental_groups_policy": api.SupplementalGroupsPolicy.Value(policy)}
            container = self.running(linux=security(**context))
            self.assertEqual(self.inside(container, "grep ^Groups: /proc/self/status").split(), ["Groups:", "1000"], policy)

    # B7. Vulnerable: the executed command is root's.
    def test_cve_2026_30892(self):
        for uid in (1, 10, 65534):
            container = self.running(linux=security(run_as_user=api.Int64Value(value=uid)))
            seen = self.inside(container, "grep -E '^(Uid|Gid):' /proc/self/status").split()
            self.assertEqual(seen[1:5], [str(uid)] * 4)

    # B9. Vulnerable: HOME is written into passwd, with what follows it.
    def test_cve_2022_4318_and_cve_2026_15809(self):
        for home in ("/root\nmalicious::0:0::/:/bin/bash", "/root\r\nmalicious::0:0::/:/bin/bash", "/root:/bin/bash"):
            env = api.KeyValue(key="HOME", value=home.encode())
            self.assertIn("config.envs[0].value", self.refused(envs=[env], linux=security(run_as_user=api.Int64Value(value=4242))))
        fine = [api.KeyValue(key="HOME", value=rb"/root\nmalicious")]
        container = self.running(envs=fine, linux=security(run_as_user=api.Int64Value(value=4242)))
        self.assertEqual(self.inside(container, "cat /etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n")
        self.assertIn("run_as_username", self.refused(linux=security(run_as_username="app\nmalicious::0:0::/:/bin/sh")))

    # F9. Vulnerable: the working directory is a descriptor of the runtime's, outside of the container.
    def test_cve_2024_21626(self):
        for number in (0, 3, 7, 8, 30):
            path = f"/proc/self/fd/{number}"
            self.refused(reference=self.image(WorkingDir=path), codes=("INVALID_ARGUMENT", "FAILED_PRECONDITION"))
            self.refused(reference=self.image(symlink("w", path), WorkingDir="/w"), codes=("INVALID_ARGUMENT", "FAILED_PRECONDITION"))
            self.refused(working_dir=path)

    # H1. Vulnerable: the runtime, executed in the container, is written to.
    def test_cve_2019_5736(self):
        runtime = shutil.which(os.environ.get("BULKHEAD_TEST_RUNTIME", "runc"))
        with open(runtime, "rb") as file:
            before = image.digest(file.read())
        reference = self.image(entry("bin/evil", b"#!/proc/self/exe\n", mode=0o755), symlink("bin/link", "/proc/self/exe"))
        try:
            self.ended(self.running("/bin/evil", reference=reference))
        except Exception as error:
            self.assertIn("config.command", str(error))
        container = self.running(reference=reference)
        for program in ("/bin/evil", "/bin/link"):
            self.client.ExecSync(container_id=container, cmd=[program, "--version"], timeout=10)
        # Opened only: what a vulnerable runtime would lose is this machine's.
        self.assertNotIn("opened", self.inside(container, "for p in /proc/[0-9]*; do (: >> $p/exe) && echo opened; done"))
        with open(runtime, "rb") as file:
            self.assertEqual(image.digest(file.read()), before)

    # H4. Vulnerable: a length of 16 bits is too short for it.
    def test_cve_2021_43784(self):
        for length in (5000, 70_000):
            mount = api.Mount(container_path="/m", host_path=self.canary.path + "/x" * (length // 2))
            self.assertIn("config.mounts[0].host_path", self.refused(mounts=[mount]))
            mount = api.Mount(container_path="/m" + "/x" * (length // 2), host_path=self.canary.path)
            self.assertIn("config.mounts[0].container_path", self.refused(mounts=[mount]))

    # H5. Vulnerable: the container moves itself into another control group, or lifts its limits.
    def test_cve_2023_25809(self):
        said = self.inside(self.running(), "for d in $(busybox find /sys/fs/cgroup -name cgroup.procs); do echo 1 > $d; done;"
                           "busybox mkdir /sys/fs/cgroup/x /sys/fs/cgroup/memory/x; grep -c ' /sys/fs/cgroup[^ ]* cgroup2* rw' /proc/mounts")
        lines = said.splitlines()
        self.assertEqual(lines[-1], "0")
        self.assertTrue(all("ead-only" in line or "No such" in line for line in lines[:-1]), said)

    # H7. Vulnerable: what is masked is masked with what the image calls /dev/null.
    def test_cve_2025_31133(self):
        reference = self.image(symlink("dev/null", "/proc/sys/kernel/core_pattern"), symlink("dev/zero", self.canary.path + "/file"))
        container = self.running(reference=reference)
        self.assertEqual(self.inside(container, "cat /proc/keys /dev/null"), "")
        self.assertRegex(self.inside(container, "busybox ls -l /dev/null"), r"^c.* 1, +3 ")

    # H9. Vulnerable: what is written to /proc lands in a file of the container's.
    def test_cve_2025_52881(self):
        for place in ("/proc", "/proc/self/attr", "/proc/sys", "/proc/self/attr/exec", "//proc/./sys", "/proc/1/../sys"):
            mount = api.Mount(container_path=place, host_path=self.canary.path, readonly=True)
            self.assertIn("config.mounts[0].container_path", self.refused(mounts=[mount]))


del Replay

if __name__ == "__main__":
    unittest.main()
