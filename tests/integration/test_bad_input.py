"""Bad input gets an error that names the field and the reason, in the right gRPC code, and changes nothing."""

import os
import unittest

import cri
import host
import image
from cri import api
from instance import Instance
from registry import Registry

GOOD_ID = "a" * 64


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))
        cls.pod_config = cri.pod_config("good", os.path.join(cls.instance.root, "logs", "good"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.client.RemovePodSandbox(pod_sandbox_id=cls.pod)
        cls.instance.remove()
        cls.registry.stop()

    def setUp(self):
        self.before = self.inventory()

    def tearDown(self):
        self.assertEqual(self.inventory(), self.before, "a refused request changed something")

    def inventory(self):
        run = os.path.join(self.instance.root, "run")
        return ({p.id for p in self.client.ListPodSandbox().items}, {c.id for c in self.client.ListContainers().containers},
                {i.id for i in self.client.ListImages().images},
                sorted(name for name in os.listdir(run + "/pods") if len(name) == len(GOOD_ID)),
                sorted(os.listdir(run + "/netns")), len(host.mountinfo()))

    def refused(self, code, field, function, **fields):
        seen, text = cri.code_of(function, **fields)
        self.assertEqual(seen.name, code, text)
        self.assertIn(field, text)
        self.assertGreater(len(text), len(field) + 3, "a reason, not only a field")

    def test_ids(self):
        for bad in ("", "../" + "a" * 61, "a" * 63 + "/", "a" * 129):
            for call, field in ((self.client.PodSandboxStatus, "pod_sandbox_id"), (self.client.ContainerStatus, "container_id"),
                                (self.client.StartContainer, "container_id"),
                                (self.client.ExecSync, "container_id")):
                with self.subTest(call=field, bad=bad):
                    self.refused("INVALID_ARGUMENT", field, call, **{field: bad})

    def test_beginnings_of_ids(self):
        """As crictl and people type them: a unique beginning is enough, any other names nothing."""
        other = "0" if self.pod[0] != "0" else "1"
        self.assertEqual(self.client.PodSandboxStatus(pod_sandbox_id=self.pod[:13]).status.id, self.pod)
        self.refused("NOT_FOUND", "pod_sandbox_id", self.client.PodSandboxStatus, pod_sandbox_id=other * 5)
        self.refused("NOT_FOUND", "container_id", self.client.ContainerStatus, container_id="abc")
        for none_of_ours in ("xyz", "A" * 64, "a" * 65, "c64f5f5d-0062-4aca-b6ab-292096c79a8a"):
            self.refused("NOT_FOUND", "container_id", self.client.ContainerStatus, container_id=none_of_ours)
            self.client.StopContainer(container_id=none_of_ours)
            self.client.RemovePodSandbox(pod_sandbox_id=none_of_ours)
        items = self.client.ListPodSandbox(filter=api.PodSandboxFilter(id=self.pod[:5])).items
        self.assertEqual([pod.id for pod in items], [self.pod])

    def test_unknown_ids(self):
        self.refused("NOT_FOUND", "pod_sandbox_id", self.client.PodSandboxStatus, pod_sandbox_id=GOOD_ID)
        self.refused("NOT_FOUND", "container_id", self.client.ContainerStatus, container_id=GOOD_ID)
        self.refused("NOT_FOUND", "container_id", self.client.StartContainer, container_id=GOOD_ID)
        self.refused("NOT_FOUND", "container_id", self.client.ExecSync, container_id=GOOD_ID, cmd=["true"])
        self.refused("NOT_FOUND", "pod_sandbox_id", self.client.CreateContainer, pod_sandbox_id=GOOD_ID,
                     config=cri.container_config("x", self.reference), sandbox_config=self.pod_config)
        # Idempotent by id: nothing to do is not an error.
        self.client.StopPodSandbox(pod_sandbox_id=GOOD_ID)
        self.client.RemovePodSandbox(pod_sandbox_id=GOOD_ID)
        self.client.RemoveContainer(container_id=GOOD_ID)
        self.client.StopContainer(container_id=GOOD_ID)

    def pod_refused(self, code, field, change):
        config = cri.pod_config("bad", os.path.join(self.instance.root, "logs", "bad"))
        handler = change(config) or ""
        self.refused(code, field, self.client.RunPodSandbox, config=config, runtime_handler=handler)

    def test_pods(self):
        def setter(path, value):
            def change(config):
                *parents, last = path.split(".")
                target = config
                for name in parents:
                    target = getattr(target, name)
                setattr(target, last, value)
            return change
        invalid = "INVALID_ARGUMENT"
        self.refused(invalid, "config.metadata", self.client.RunPodSandbox)
        for name in ("name", "uid", "namespace"):
            self.pod_refused(invalid, "config.metadata." + name, setter("metadata." + name, ""))
        self.pod_refused(invalid, "config.metadata.uid", setter("metadata.uid", "../../x"))
        self.pod_refused(invalid, "config.hostname", setter("hostname", "a/b"))
        self.pod_refused(invalid, "config.log_directory", setter("log_directory", "relative"))
        self.pod_refused(invalid, "config.log_directory", setter("log_directory", "/var/log/pods/../../etc"))
        self.pod_refused("PERMISSION_DENIED", "log_directory", setter("log_directory", "/etc/bulkhead-logs"))
        self.pod_refused("PERMISSION_DENIED", "cgroup_parent", setter("linux.cgroup_parent", "/not/allowed"))
        self.pod_refused(invalid, "cgroup_parent", setter("linux.cgroup_parent", "/bulkhead/../x"))
        self.pod_refused(invalid, "runtime_handler", lambda config: "no-such-handler")

        def sysctl(config):  # CVE-2022-0811
            config.linux.sysctls["net.ipv4.ip_local_port_range"] = "1024 65000'+'net.ipv4.ip_forward=0'"
        self.pod_refused(invalid, "sysctls", sysctl)

        def host_network(config):
            options = config.linux.security_context.namespace_options
            options.network, options.pid = api.NODE, api.CONTAINER
        self.pod_refused("PERMISSION_DENIED", "network", host_network)

    def container_refused(self, code, field, image_name=None, **fields):
        config = cri.container_config("bad", image_name or self.reference, ["true"])
        for name, value in fields.items():
            target = getattr(config, name)
            if hasattr(target, "CopyFrom") and not isinstance(value, (str, bytes, list)):
                target.CopyFrom(value)
            elif isinstance(value, list):
                target.extend(value)
            else:
                setattr(config, name, value)
        self.refused(code, field, self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                     sandbox_config=self.pod_config)

    def test_containers(self):
        invalid, denied = "INVALID_ARGUMENT", "PERMISSION_DENIED"
        self.container_refused("NOT_FOUND", "image", image_name="127.0.0.1:1/absent:v1")
        self.container_refused(invalid, "image", image_name="/tmp/x.tar")
        self.container_refused(invalid, "config.metadata", metadata=api.ContainerMetadata(name=""))
        for bad in ("../escape.log", "/absolute.log", "a/../../b.log"):
            self.container_refused(invalid, "log_path", log_path=bad)
        self.container_refused(invalid, "working_dir", working_dir="/proc/self/fd/7")  # CVE-2024-21626
        self.container_refused(invalid, "mounts[0]", mounts=[api.Mount(container_path="/x", host_path="relative")])
        for source in ("/", "/etc", self.instance.root, os.path.join(self.instance.root, "run"), "/proc", "/tmp"):
            self.container_refused(denied, "mounts[0]", mounts=[api.Mount(container_path="/x", host_path=source)])

        def security(**context):
            return api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**context))
        self.container_refused(denied, "privileged", linux=security(privileged=True))
        self.container_refused(denied, "capabilities", linux=security(
            capabilities=api.Capability(add_capabilities=["SYS_ADMIN"])))
        self.container_refused(invalid, "capabilities", linux=security(
            capabilities=api.Capability(add_capabilities=["NO_SUCH_CAP"])))
        self.container_refused(denied, "pid", linux=security(namespace_options=api.NamespaceOption(pid=api.NODE)))
        self.container_refused(invalid, "run_as_group", linux=security(run_as_group=api.Int64Value(value=5)))
        for uid in (-1, 1 << 32):
            self.container_refused(invalid, "run_as_user", linux=security(run_as_user=api.Int64Value(value=uid)))
        self.container_refused(denied, "seccomp", linux=security(
            seccomp=api.SecurityProfile(profile_type=api.SecurityProfile.Unconfined)))
        self.container_refused(invalid, "seccomp", linux=security(
            seccomp=api.SecurityProfile(profile_type=api.SecurityProfile.Localhost)))

    def test_hostile_image_users(self):  # CVE-2024-40635, CVE-2026-46680
        for user in ("4294967296", "-1000", "405:99999999999", "9" * 36):
            reference = self.registry.push(image.busybox_image(User=user), "user", "v1")
            self.client.PullImage(image=api.ImageSpec(image=reference))
            try:
                config = cri.container_config("bad", reference, ["true"])
                code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                                         sandbox_config=self.pod_config)
                self.assertEqual(code.name, "INVALID_ARGUMENT", (user, text))
                shown = self.client.ImageStatus(image=api.ImageSpec(image=reference)).image
                # Of what is refused nothing is shown: the kubelet takes no uid for root's.
                self.assertFalse(shown.HasField("uid"), user)
            finally:
                self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def test_images(self):
        invalid = "INVALID_ARGUMENT"
        for bad in ("", "UPPER", "a//b", "/tmp/x.tar", "x@sha256:short"):
            self.refused(invalid, "image", self.client.PullImage, image=api.ImageSpec(image=bad))
        self.refused("NOT_FOUND", "image", self.client.PullImage,
                     image=api.ImageSpec(image=f"{self.registry.address}/absent:v1"))
        self.assertFalse(self.client.ImageStatus(image=api.ImageSpec(image="registry.example/absent:v1")).HasField("image"))
        self.client.RemoveImage(image=api.ImageSpec(image="registry.example/absent:v1"))

    def test_an_image_in_use_is_kept(self):
        container = self.client.CreateContainer(
            pod_sandbox_id=self.pod, sandbox_config=self.pod_config,
            config=cri.container_config("uses", self.reference, ["sleep", "1000"])).container_id
        try:
            self.refused("FAILED_PRECONDITION", "image", self.client.RemoveImage, image=api.ImageSpec(image=self.reference))
        finally:
            self.client.RemoveContainer(container_id=container)

    def test_a_container_starts_once(self):
        container = self.client.CreateContainer(
            pod_sandbox_id=self.pod, sandbox_config=self.pod_config,
            config=cri.container_config("once", self.reference, ["sleep", "1000"])).container_id
        try:
            self.client.StartContainer(container_id=container)
            self.refused("FAILED_PRECONDITION", "container_id", self.client.StartContainer, container_id=container)
        finally:
            self.client.RemoveContainer(container_id=container)

    def test_a_repeated_pod_is_the_same_pod(self):
        self.assertEqual(self.client.RunPodSandbox(config=self.pod_config).pod_sandbox_id, self.pod)


class BadConfig(unittest.TestCase):
    def starts_not(self, expected, **settings):
        instance = Instance(**settings)
        try:
            with self.assertRaises(RuntimeError) as caught:
                instance.start()
            for text in expected:
                self.assertIn(text, str(caught.exception))
        finally:
            instance.remove()

    def test_unknown_keys_name_file_and_line(self):
        self.starts_not(["bulkhead.toml:4", "no_such_key"], config='log_level = "info"\nno_such_key = 1')
        self.starts_not(["ceiling.toml:2", "privilegd"], ceiling='profile = "baseline"\nprivilegd = true\n')

    def test_wrong_types_and_values(self):
        self.starts_not(["bulkhead.toml:3", "log_level"], config="log_level = 3")
        self.starts_not(["ceiling.toml:1", "profile"], ceiling='profile = "relaxed"\n')


if __name__ == "__main__":
    unittest.main()
