"""Fields of CRI one by one, each by its effect: inside the container, in /proc, in cgroupfs. docs/cri-coverage.md lists all."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest

import cri
import host
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

GROUP = "bulkhead-test-fields"
# capabilities(7)
CHOWN, NET_RAW, SYS_ADMIN = 1 << 0, 1 << 13, 1 << 21


def security(**context):
    return api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**context))


def pod_security(**context):
    return api.LinuxPodSandboxConfig(security_context=api.LinuxSandboxSecurityContext(**context))


def profile(kind, **more):
    return api.SecurityProfile(profile_type=api.SecurityProfile.ProfileType.Value(kind), **more)


class WithInstance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        layers = [image.busybox_layer(), image.tar_layer([("data", None), ("data/file", b"seen\n")])]
        made = image.Image(layers, {"Cmd": ["sh"], "Env": ["PATH=/bin"]})
        cls.reference = cls.registry.push(made, "library/fields", "v1")
        cls.instance = Instance(registries=[cls.registry.address], ceiling='profile = "permissive"\n').start()
        cls.client = cls.instance.client
        cls.image_id = cls.client.PullImage(image=api.ImageSpec(image=cls.reference)).image_ref
        cls.count = 0
        cls.pod_config = cls.config_of("shared")
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    @classmethod
    def config_of(cls, name, **more):
        return cri.pod_config(name, os.path.join(cls.instance.root, "logs", name), **more)

    def run_pod(self, name, handler="", **more):
        """(id, config) of a pod for one test."""
        config = self.config_of(name, **more)
        pod = self.client.RunPodSandbox(config=config, runtime_handler=handler).pod_sandbox_id
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
        return pod, config

    def create(self, script, pod=None, **more):
        type(self).count += 1
        pod_id, pod_config = pod or (self.pod, self.pod_config)
        name = f"c{self.count}"
        config = api.ContainerConfig(**{
            "metadata": api.ContainerMetadata(name=name), "image": api.ImageSpec(image=self.reference),
            "command": ["sh", "-c", script], "log_path": name + ".log", **more})
        container = self.client.CreateContainer(pod_sandbox_id=pod_id, config=config, sandbox_config=pod_config).container_id
        self.addCleanup(self.client.RemoveContainer, container_id=container)
        return container

    def start(self, script="sleep 1000", pod=None, **more):
        container = self.create(script, pod, **more)
        self.client.StartContainer(container_id=container)
        return container

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def ended(self, container):
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        return self.status(container)

    def said(self, script, pod=None, **more):
        """What a container that runs this writes to its log, both streams."""
        with open(self.ended(self.start(script, pod, **more)).log_path) as file:
            return "".join(line.split(" ", 3)[3] for line in file)

    def seen(self, container, script):
        return self.client.ExecSync(container_id=container, cmd=["sh", "-c", script]).stdout.decode()

    def pid_of(self, container):
        info = self.client.ContainerStatus(container_id=container, verbose=True).info
        return json.loads(info["info"])["pid"]


class Pods(WithInstance):
    def test_name_resolution(self):
        dns = api.DNSConfig(servers=["10.9.8.7", "fd00::53"], searches=["a.test", "b.test"], options=["ndots:5", "edns0"])
        pod = self.run_pod("dns", dns_config=dns)
        said = self.said("cat /etc/resolv.conf", pod).splitlines()
        self.assertEqual([line.split()[1] for line in said if line.startswith("nameserver")], ["10.9.8.7", "fd00::53"])
        self.assertIn(["search", "a.test", "b.test"], [line.split() for line in said])
        self.assertIn(["options", "ndots:5", "edns0"], [line.split() for line in said])

    def test_metadata_tells_pods_and_containers_apart(self):
        same = {"name": "apart", "uid": "apart-uid", "namespace": "default", "attempt": 0}
        found = set()
        for change in ({}, {}, {"name": "other"}, {"uid": "other"}, {"namespace": "other"}, {"attempt": 1}):
            config = api.PodSandboxConfig(metadata=api.PodSandboxMetadata(**{**same, **change}))
            pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
            self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod)
            shown = self.client.PodSandboxStatus(pod_sandbox_id=pod).status.metadata
            self.assertEqual((shown.name, shown.uid, shown.namespace, shown.attempt), tuple({**same, **change}.values()))
            found.add(pod)
        self.assertEqual(len(found), 5)
        containers = set()
        for name, attempt in (("one", 0), ("one", 0), ("two", 0), ("one", 1)):
            container = self.create("true", metadata=api.ContainerMetadata(name=name, attempt=attempt))
            shown = self.status(container).metadata
            self.assertEqual((shown.name, shown.attempt), (name, attempt))
            containers.add(container)
        self.assertEqual(len(containers), 3)

    def test_pods_are_listed_by_filter(self):
        asked = {"labels": {"tier": "a", "kind": "filter"}, "annotations": {"b.test/note": "n\u00f6te"}}
        one, _ = self.run_pod("filter-one", **asked)
        two, _ = self.run_pod("filter-two", labels={"tier": "b", "kind": "filter"})
        self.client.StopPodSandbox(pod_sandbox_id=two)

        def listed(**filters):
            return [item.id for item in self.client.ListPodSandbox(filter=api.PodSandboxFilter(**filters)).items]
        ready, not_ready = (api.PodSandboxStateValue(state=state) for state in (api.SANDBOX_READY, api.SANDBOX_NOTREADY))
        self.assertEqual(sorted(listed(label_selector={"kind": "filter"})), sorted([one, two]))
        self.assertEqual(listed(label_selector={"kind": "filter", "tier": "a"}), [one])
        self.assertEqual(listed(label_selector={"kind": "filter"}, state=ready), [one])
        self.assertEqual(listed(state=not_ready), [two])
        self.assertEqual(listed(id=one[:20]), [one])
        self.assertEqual(listed(id=one, state=not_ready), [])
        item = self.client.ListPodSandbox(filter=api.PodSandboxFilter(id=one)).items[0]
        self.assertEqual((dict(item.labels), dict(item.annotations)), (asked["labels"], asked["annotations"]))
        self.assertEqual((item.metadata.name, item.state, item.runtime_handler), ("filter-one", api.SANDBOX_READY, ""))
        shown = self.client.PodSandboxStatus(pod_sandbox_id=one).status
        self.assertEqual((item.created_at, item.metadata), (shown.created_at, shown.metadata))

    def test_a_control_group_of_the_kubelets(self):
        def remove():
            for directory in sorted(host.cgroups(GROUP), key=len, reverse=True):
                os.rmdir(directory)
        pod = self.run_pod("grouped", linux=api.LinuxPodSandboxConfig(cgroup_parent=f"/{GROUP}/pod1"))
        self.addCleanup(remove)
        self.addCleanup(self.client.RemovePodSandbox, pod_sandbox_id=pod[0])
        with open(f"/proc/{self.pid_of(self.start(pod=pod))}/cgroup") as file:
            groups = [line.strip().split(":", 2)[1:] for line in file]
        self.assertTrue(any(path.startswith(f"/{GROUP}/pod1/") for _, path in groups), groups)
        for controllers, path in groups:
            if "memory" in controllers or not controllers and len(groups) == 1:
                self.assertTrue(path.startswith(f"/{GROUP}/pod1/"), groups)

    def test_namespaces(self):
        links = "cd /proc/self/ns; for n in net ipc pid; do stat -L -c %i $n; done"
        ours = [os.stat(f"/proc/self/ns/{name}").st_ino for name in ("net", "ipc", "pid")]
        asked = api.NamespaceOption(network=api.NODE, ipc=api.NODE, pid=api.NODE)
        pod = self.run_pod("node", linux=pod_security(namespace_options=asked))
        inside = self.said(links, pod, linux=security(namespace_options=asked))
        self.assertEqual([int(line) for line in inside.split()], ours)
        status = self.client.PodSandboxStatus(pod_sandbox_id=pod[0]).status
        self.assertEqual(status.linux.namespaces.options, asked)
        self.assertEqual(status.network.ip, "")
        other = [int(line) for line in self.said(links).split()]
        self.assertFalse(set(other) & set(ours))
        options = self.client.PodSandboxStatus(pod_sandbox_id=self.pod).status.linux.namespaces.options
        self.assertEqual((options.network, options.ipc, options.pid), (api.POD, api.POD, api.CONTAINER))

    def test_privileged(self):
        look = "grep -E '^(CapEff|Seccomp):' /proc/self/status; touch /sys/kernel/x 2>&1"
        pod = self.run_pod("privileged", linux=pod_security(privileged=True))
        held = int(host.status("self")["CapEff"], 16)
        said = self.said(look, pod, linux=security(privileged=True)).split()
        self.assertEqual((int(said[1], 16) & SYS_ADMIN, said[3]), (SYS_ADMIN, "0"))
        self.assertEqual(int(said[1], 16), held & int(said[1], 16))
        # In such a pod, a container that does not ask is as any other.
        said = self.said(look, pod, linux=security(seccomp=profile("RuntimeDefault"))).split()
        self.assertEqual((int(said[1], 16) & SYS_ADMIN, said[3]), (0, "2"))

    def test_a_runtime_handler(self):
        info = json.loads(self.client.Status(verbose=True).info["config"])
        other = next(name for name in info["runtimeHandlers"] if name != info["defaultRuntimeHandler"])
        pod = self.run_pod("handler", handler=other)
        self.assertEqual(self.said("echo ran", pod), "ran\n")
        shown = self.client.PodSandboxStatus(pod_sandbox_id=pod[0], verbose=True)
        self.assertEqual(shown.status.runtime_handler, other)
        self.assertEqual(json.loads(shown.info["info"])["runtimeHandler"], other)
        self.assertEqual(self.client.ListPodSandbox(filter=api.PodSandboxFilter(id=pod[0])).items[0].runtime_handler, other)

    def test_status_has_the_containers(self):
        pod = self.run_pod("statuses")
        container = self.start(pod=pod)
        shown = self.client.PodSandboxStatus(pod_sandbox_id=pod[0])
        self.assertEqual([status.id for status in shown.containers_statuses], [container])
        self.assertGreater(shown.timestamp, shown.containers_statuses[0].started_at)
        self.assertEqual(dict(shown.info), {})
        info = json.loads(self.client.PodSandboxStatus(pod_sandbox_id=pod[0], verbose=True).info["info"])
        self.assertEqual(os.stat(info["netNsPath"]).st_ino, os.stat(f"/proc/{self.pid_of(container)}/ns/net").st_ino)

    def test_what_is_not_here_yet_is_refused_by_name(self):
        context = "config.linux.security_context."
        cases = (("config.windows", {"windows": api.WindowsPodSandboxConfig()}),
                 (context + "selinux_options", {"linux": pod_security(selinux_options=api.SELinuxOption(level="s0:c1"))}),
                 (context + "namespace_options.userns_options", {"linux": pod_security(namespace_options=api.NamespaceOption(
                     pid=api.CONTAINER, userns_options=api.UserNamespace(mode=api.POD)))}),
                 (context + "namespace_options.target_id", {"linux": pod_security(namespace_options=api.NamespaceOption(
                     pid=api.CONTAINER, target_id="x"))}),
                 (context + "seccomp.localhost_ref", {"linux": pod_security(seccomp=profile("Localhost", localhost_ref="x"))}),
                 (context + "apparmor.localhost_ref", {"linux": pod_security(apparmor=profile("Localhost", localhost_ref="x"))}),
                 (context + "seccomp_profile_path", {"linux": pod_security(seccomp_profile_path="localhost/x")}))
        for number, (path, fields) in enumerate(cases):
            with self.subTest(path):
                code, text = cri.code_of(self.client.RunPodSandbox, config=self.config_of(f"refused{number}", **fields))
                self.assertEqual(code.name, "INVALID_ARGUMENT", text)
                self.assertRegex(text, "^" + re.escape(path) + r"(\[.*\])?: ")


class Containers(WithInstance):
    def cgroup_file(self, container, controller, v1, v2):
        """A file of the container's control group; None where this kernel does not have it."""
        with open(f"/proc/{self.pid_of(container)}/cgroup") as file:
            groups = {line.split(":")[1]: line.strip().split(":", 2)[2] for line in file}
        found = next((path for names, path in groups.items() if controller in names.split(",")), None)
        path = f"/sys/fs/cgroup/{controller}{found}/{v1}" if found else f"/sys/fs/cgroup{groups['']}/{v2}"
        if not os.path.exists(path):
            return None
        with open(path) as file:
            return file.read().strip()

    def test_the_process(self):
        said = self.said("", command=["sh", "-c", "echo $0 $1; pwd; echo \"$WORDS\""], args=["zero", "one two"],
                         working_dir="/data/deep", envs=[api.KeyValue(key="WORDS", value="\u00fcber all".encode())])
        self.assertEqual(said, "zero one two\n/data/deep\n\u00fcber all\n")

    def test_a_large_environment_arrives_or_is_refused(self):
        def variables(count):
            return [api.KeyValue(key=f"V{i}", value=b"x" * 100_000) for i in range(count)]
        self.assertEqual(self.said("env | grep -c ^V; echo ${#V18}", envs=variables(19)), "19\n100000\n")
        config = cri.container_config("large", self.reference, ["env"], envs=variables(21))
        code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                                 sandbox_config=self.pod_config)
        self.assertEqual((code.name, text), ("INVALID_ARGUMENT", "config.envs: is longer than 2 MiB in all"))

    def test_logs(self):
        container = self.start("echo here", log_path="sub/0.log")
        self.ended(container)
        path = os.path.join(self.pod_config.log_directory, "sub/0.log")
        self.assertEqual(self.status(container).log_path, path)
        with open(path) as file:
            self.assertTrue(file.read().endswith(" stdout F here\n"))

    def test_the_root_and_paths_in_it(self):
        script = "touch /x 2>&1; cat /data/file; touch /data/x 2>&1; true"
        self.assertEqual(self.said(script), "seen\n")
        self.assertIn("/x: Read-only file system", self.said(script, linux=security(readonly_rootfs=True)))
        self.assertEqual(self.said(script, linux=security(masked_paths=["/data/file"])), "")
        read_only = self.said(script, linux=security(readonly_paths=["/data"]))
        self.assertIn("/data/x: Read-only file system", read_only)
        self.assertNotIn("touch: /x", read_only)

    def test_what_a_process_may_do(self):
        def status(field, **context):
            said = self.said("cat /proc/self/status", linux=security(**context)).splitlines()
            return next(line.split()[1] for line in said if line.startswith(field + ":"))

        def held(**lists):
            return int(status("CapEff", capabilities=api.Capability(**lists)), 16)
        plain = held()
        self.assertEqual((plain & CHOWN, plain & NET_RAW), (CHOWN, 0))
        self.assertEqual(held(add_capabilities=["NET_RAW"]), plain | NET_RAW)
        self.assertEqual(held(drop_capabilities=["CHOWN"]), plain & ~CHOWN)
        self.assertEqual(held(add_capabilities=["CAP_NET_RAW"], drop_capabilities=["ALL"]), NET_RAW)
        self.assertEqual((status("NoNewPrivs"), status("NoNewPrivs", no_new_privs=True)), ("0", "1"))
        self.assertEqual(status("Seccomp", seccomp=profile("RuntimeDefault")), "2")
        self.assertEqual(status("Seccomp", seccomp_profile_path="runtime/default"), "2")
        self.assertEqual(status("Seccomp", seccomp=profile("Unconfined")), "0")
        self.assertEqual(status("Seccomp", seccomp_profile_path="unconfined"), "0")
        self.assertEqual(status("Seccomp", seccomp=profile("RuntimeDefault"), seccomp_profile_path="unconfined"), "2")

    def test_resources(self):
        asked = api.LinuxContainerResources(
            cpu_period=50000, cpu_quota=20000, cpu_shares=512, memory_limit_in_bytes=64 << 20,
            memory_swap_limit_in_bytes=64 << 20, oom_score_adj=321, cpuset_cpus="0", cpuset_mems="0")
        container = self.start(linux=api.LinuxContainerConfig(resources=asked))
        period = self.cgroup_file(container, "cpu", "cpu.cfs_period_us", "cpu.max").split()[-1]
        quota = self.cgroup_file(container, "cpu", "cpu.cfs_quota_us", "cpu.max").split()[0]
        self.assertEqual((period, quota), ("50000", "20000"))
        self.assertIn(self.cgroup_file(container, "cpu", "cpu.shares", "cpu.weight"), ("512", "20"))
        limit = self.cgroup_file(container, "memory", "memory.limit_in_bytes", "memory.max")
        self.assertEqual(limit, str(64 << 20))
        # Of memory and swap together; on v2, of swap alone.
        swap = self.cgroup_file(container, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max")
        self.assertIn(swap, (None, str(64 << 20), "0"))
        seen = self.seen(container, "cat /proc/1/oom_score_adj; grep allowed_list /proc/1/status").split()
        self.assertEqual((seen[0], seen[2], seen[4]), ("321", "0", "0"))
        self.assertEqual(self.status(container).resources.linux, asked)

    def test_above_its_memory_limit_a_container_is_killed(self):
        limit = api.LinuxContainerResources(memory_limit_in_bytes=16 << 20, memory_swap_limit_in_bytes=16 << 20)
        ended = self.ended(self.start("exec dd if=/dev/zero of=/dev/null bs=64M count=1",
                                      linux=api.LinuxContainerConfig(resources=limit)))
        self.assertEqual((ended.exit_code, ended.reason), (137, "OOMKilled"))

    def test_a_container_without_its_monitor_is_lost(self):
        container = self.start()
        first = self.pid_of(container)
        with open(f"/proc/{first}/status") as file:
            shim = next(int(line.split()[1]) for line in file if line.startswith("PPid:"))
        self.assertEqual(self.instance.processes()[shim][0], "shim")
        os.kill(shim, signal.SIGKILL)
        ended = self.ended(container)
        self.assertEqual((ended.reason, "unseen" in ended.message), ("MonitorLost", True))
        wait_until(lambda: not os.path.exists(f"/proc/{first}/exe"), what="the end of its processes")

    def directory(self):
        path = tempfile.mkdtemp(prefix="bh-fields-", dir="/tmp")
        self.addCleanup(shutil.rmtree, path)
        return path

    def mounted(self, *options):
        """A tmpfs."""
        path = self.directory()
        subprocess.run(["mount", "-t", "tmpfs", "fields", path], check=True)
        self.addCleanup(subprocess.run, ["umount", "-R", "-l", path], check=True)
        for option in options:
            subprocess.run(["mount", option, path], check=True)
        return path

    def test_read_only_mounts(self):
        source = self.mounted()
        os.mkdir(source + "/sub")
        subprocess.run(["mount", "-t", "tmpfs", "below", source + "/sub"], check=True)
        script = "for f in /m/x /m/sub/x; do touch $f 2>/dev/null && echo yes || echo no; done"

        def said(**more):
            return self.said(script, mounts=[api.Mount(container_path="/m", host_path=source, **more)]).split()
        self.assertEqual(said(), ["yes", "yes"])
        self.assertTrue(os.path.exists(source + "/x"))
        self.assertEqual(said(readonly=True), ["no", "yes"])
        self.assertEqual(said(readonly=True, recursive_read_only=True), ["no", "no"])

    def test_many_mounts(self):
        source = self.directory()
        mounts = [api.Mount(container_path=f"/many/{i}", host_path=source) for i in range(500)]
        self.assertEqual(self.said("grep -c ' /many/' /proc/mounts; touch /many/499/x", mounts=mounts), "500\n")
        self.assertTrue(os.path.exists(source + "/x"))

    def test_propagation(self):
        source = self.mounted("--make-shared")
        for name in ("late", "inside"):
            os.mkdir(f"{source}/{name}")
        kinds = {"PROPAGATION_PRIVATE": 0, "PROPAGATION_HOST_TO_CONTAINER": 1, "PROPAGATION_BIDIRECTIONAL": 2}
        mounts = [api.Mount(container_path=f"/{kind}", host_path=source, propagation=value) for kind, value in kinds.items()]
        container = self.start(mounts=mounts, linux=security(capabilities=api.Capability(add_capabilities=["SYS_ADMIN"])))
        subprocess.run(["mount", "-t", "tmpfs", "late", source + "/late"], check=True)
        seen = [line.split()[1] for line in self.seen(container, "grep ^late /proc/mounts").splitlines()]
        self.assertEqual(sorted(seen), ["/PROPAGATION_BIDIRECTIONAL/late", "/PROPAGATION_HOST_TO_CONTAINER/late"])
        before = len(host.mountinfo())
        self.seen(container, "mount -t tmpfs x /PROPAGATION_HOST_TO_CONTAINER/inside")
        self.assertEqual(len(host.mountinfo()), before)
        self.seen(container, "mount -t tmpfs x /PROPAGATION_BIDIRECTIONAL/inside")
        self.assertEqual(len(host.mountinfo()), before + 1)

    def test_the_stop_signal(self):
        container = self.start("trap 'exit 9' USR1; echo up; while :; do sleep 0.05; done", stop_signal=api.SIGNAL_SIGUSR1)
        wait_until(lambda: os.path.getsize(self.status(container).log_path), what="the trap")
        self.client.StopContainer(container_id=container, timeout=20)
        self.assertEqual((self.status(container).exit_code, self.status(container).stop_signal), (9, api.SIGNAL_SIGUSR1))

    def test_standard_input_is_open_or_at_its_end(self):
        waits = self.start("read line; echo over", stdin=True)
        self.assertEqual(self.said("read line; echo over"), "over\n")
        self.assertEqual(self.status(waits).state, api.CONTAINER_RUNNING)

    def test_status_says_what_was_asked(self):
        mount = api.Mount(container_path="/m", host_path=self.directory(), readonly=True)
        spec = api.ImageSpec(image=self.image_id, user_specified_image=self.reference)
        container = self.create("sleep 1000", mounts=[mount], image=spec, labels={"a": "b"}, annotations={"c": "d"})
        created = self.status(container)
        self.assertEqual((created.state, created.started_at, created.id), (api.CONTAINER_CREATED, 0, container))
        self.assertEqual((list(created.mounts), dict(created.labels), dict(created.annotations)), ([mount], {"a": "b"}, {"c": "d"}))
        self.assertEqual((created.image.image, created.image_ref, created.image_id), (self.reference, self.image_id, self.image_id))
        self.client.StartContainer(container_id=container)
        self.client.StopContainer(container_id=container, timeout=0)
        ended = self.status(container)
        self.assertLess(created.created_at, ended.started_at)
        self.assertEqual((ended.created_at, ended.message), (created.created_at, ""))

    def test_containers_are_listed_by_filter(self):
        pod = self.run_pod("listed")
        one = self.start(pod=pod, labels={"tier": "a", "kind": "filter"}, annotations={"n": "o"})
        two = self.create("true", labels={"tier": "b", "kind": "filter"})

        def listed(**filters):
            return [item.id for item in self.client.ListContainers(filter=api.ContainerFilter(**filters)).containers]
        running = api.ContainerStateValue(state=api.CONTAINER_RUNNING)
        self.assertEqual(sorted(listed(label_selector={"kind": "filter"})), sorted([one, two]))
        self.assertEqual(listed(label_selector={"kind": "filter", "tier": "b"}), [two])
        self.assertEqual(listed(label_selector={"kind": "filter"}, state=running), [one])
        self.assertEqual(listed(pod_sandbox_id=pod[0]), [one])
        self.assertEqual(listed(id=two[:20]), [two])
        self.assertEqual(listed(id=two, pod_sandbox_id=pod[0]), [])
        item, shown = self.client.ListContainers(filter=api.ContainerFilter(id=one)).containers[0], self.status(one)
        self.assertEqual((item.pod_sandbox_id, item.state, item.image.image), (pod[0], api.CONTAINER_RUNNING, self.reference))
        self.assertEqual((item.image_ref, item.image_id), (self.image_id, self.image_id))
        self.assertEqual((item.metadata, item.created_at, item.labels, item.annotations),
                         (shown.metadata, shown.created_at, shown.labels, shown.annotations))

    def test_what_is_not_here_yet_is_refused_by_name(self):
        def mount(**more):
            return {"mounts": [api.Mount(container_path="/m", host_path="/tmp/bh-none", **more)]}
        context = "config.linux.security_context."
        cases = (("config.windows", {"windows": api.WindowsContainerConfig()}),
                 ("config.CDI_devices", {"CDI_devices": [api.CDIDevice(name="vendor.test/device=all")]}),
                 ("config.mounts[0].uidMappings", mount(uidMappings=[api.IDMapping(length=1)])),
                 ("config.mounts[0].gidMappings", mount(gidMappings=[api.IDMapping(length=1)])),
                 ("config.mounts[0].mount_options", mount(mount_options=["noexec"])),
                 (context + "selinux_options", {"linux": security(selinux_options=api.SELinuxOption(level="s0"))}),
                 (context + "apparmor_profile", {"linux": security(apparmor_profile="localhost/x")}),
                 (context + "apparmor.localhost_ref", {"linux": security(apparmor=profile("Localhost"))}),
                 (context + "seccomp.localhost_ref", {"linux": security(seccomp=profile("Localhost"))}),
                 (context + "seccomp_profile_path", {"linux": security(seccomp_profile_path="localhost/x")}),
                 (context + "namespace_options.target_id", {"linux": security(
                     namespace_options=api.NamespaceOption(pid=api.CONTAINER, target_id="x"))}))
        for number, (path, fields) in enumerate(cases):
            with self.subTest(path):
                config = cri.container_config(f"refused{number}", self.reference, ["true"], **fields)
                code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                                         sandbox_config=self.pod_config)
                self.assertEqual(code.name, "INVALID_ARGUMENT", text)
                self.assertRegex(text, "^" + re.escape(path) + r"(\[.*\])?: ")


del WithInstance  # has no test of its own

if __name__ == "__main__":
    unittest.main()
