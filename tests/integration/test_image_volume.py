"""Images mounted as volumes, and the volumes that images declare."""

import os
import unittest

import grpc

import cri
import host
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry


class Volumes(unittest.TestCase):
    config = ""

    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.instance = Instance(registries=[cls.registry.address], config=cls.config).start()
        cls.client = cls.instance.client
        cls.root = cls.pulled("root", image.busybox_image())
        cls.pod_config = cri.pod_config("volumes", os.path.join(cls.instance.root, "logs", "volumes"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id
        cls.count = 0

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    @classmethod
    def pulled(cls, name, made):
        reference = cls.registry.push(made, "library/" + name, "v1")
        cls.client.PullImage(image=api.ImageSpec(image=reference))
        return reference

    def create(self, script, mounts=(), reference=None, **more):
        type(self).count += 1
        config = cri.container_config(f"c{self.count}", reference or self.root, ["sh", "-c", script], mounts=mounts, **more)
        return self.client.CreateContainer(pod_sandbox_id=self.pod, config=config,
                                           sandbox_config=self.pod_config).container_id

    def status(self, container):
        return self.client.ContainerStatus(container_id=container).status

    def output(self, container):
        self.client.StartContainer(container_id=container)
        wait_until(lambda: self.status(container).state == api.CONTAINER_EXITED, what="exit")
        with open(self.status(container).log_path) as file:
            return "".join(line.split(" F ", 1)[1] for line in file)

    def said(self, script, mounts=(), reference=None, **more):
        container = self.create(script, mounts, reference, **more)
        try:
            return self.output(container)
        finally:
            self.client.RemoveContainer(container_id=container)


def image_mount(name, path="/data", sub_path="", **more):
    return api.Mount(container_path=path, image=api.ImageSpec(image=name), image_sub_path=sub_path, readonly=True, **more)


class ImageVolumes(Volumes):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        lower = image.tar_layer([("deep", None), ("deep/file", b"lower\n"), ("tool", b"#!/bin/sh\necho ran\n"), ("gone", b"x")])
        upper = image.tar_layer([("deep/er", None), ("deep/er/file", b"upper\n"), (".wh.gone", b""),
                                 ("link", image.link("/deep/er")), ("climbs", image.link("../../../../etc")),
                                 ("host", image.link(cls.instance.root))])
        cls.volume = cls.pulled("volume", image.Image([lower, upper]))
        cls.single = cls.pulled("single", image.Image([lower]))

    def refusal(self, mount):
        before = host.mountinfo()
        with self.assertRaises(grpc.RpcError) as caught:
            self.create("true", [mount])
        self.assertEqual(host.mountinfo(), before)
        return caught.exception.code(), caught.exception.details()

    def test_an_image_is_mounted_read_only(self):
        before = host.mountinfo()
        for reference, files in ((self.volume, "climbs deep host link tool"), (self.single, "deep gone tool")):
            said = self.said("exec 2>&1; echo $(ls /data); cat /data/deep/file; touch /data/x; /data/tool; grep ' /data ' /proc/mounts",
                             [image_mount(reference)])
            lines = said.splitlines()
            self.assertEqual(lines[:2], [files, "lower"])
            self.assertIn("Read-only file system", said)
            self.assertIn("ran", said)
            flags = set(lines[-1].split()[3].split(","))
            self.assertLessEqual({"ro", "nosuid", "nodev"}, flags)
            self.assertNotIn("noexec", flags)
        self.assertEqual(host.mountinfo(), before)

    def test_part_of_an_image(self):
        for path, command, expected in (("deep", "cat /data/file", "lower\n"), ("deep/er", "cat /data/file", "upper\n"),
                                        ("deep/er/file", "cat /data", "upper\n"), ("link", "cat /data/file", "upper\n")):
            with self.subTest(path):
                self.assertEqual(self.said(command, [image_mount(self.volume, sub_path=path)]), expected)
        # Twice in one container, and beside the whole.
        mounts = [image_mount(self.volume, "/a", "deep"), image_mount(self.volume, "/b"), image_mount(self.single, "/c")]
        self.assertEqual(self.said("cat /a/file /b/deep/er/file /c/deep/file", mounts), "lower\nupper\nlower\n")

    def test_what_cannot_be_mounted_says_so(self):
        """The kubelet's word for it, and nothing of the host's behind an image's links."""
        for path in ("absent", "climbs", "host", "deep/file/x", "../etc", "/deep"):
            with self.subTest(path):
                _, text = self.refusal(image_mount(self.volume, sub_path=path))
                self.assertIn("image_sub_path", text)
                if path not in ("../etc", "/deep"):
                    self.assertTrue(text.startswith("ImageVolumeMountFailed: "), text)
        code, text = self.refusal(image_mount(self.registry.address + "/library/never:v1"))
        self.assertEqual(code, grpc.StatusCode.NOT_FOUND)
        self.assertTrue(text.startswith("ImageVolumeMountFailed: "), text)

    def test_a_mounted_image_is_in_use_and_shown(self):
        shown = self.client.ImageStatus(image=api.ImageSpec(image=self.volume)).image
        container = self.create("cat /data/deep/file", [image_mount(self.volume)])
        mount = self.status(container).mounts[0]
        self.assertEqual((mount.container_path, mount.image.image, mount.image.image_ref, mount.readonly),
                         ("/data", self.volume, shown.id, True))
        for attempt in ("created", "exited"):
            with self.subTest(attempt), self.assertRaises(grpc.RpcError) as caught:
                self.client.RemoveImage(image=api.ImageSpec(image=self.volume))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
            if attempt == "created":
                self.assertEqual(self.output(container), "lower\n")
        self.client.RemoveContainer(container_id=container)
        self.client.RemoveImage(image=api.ImageSpec(image=self.volume))
        self.assertFalse(self.client.ImageStatus(image=api.ImageSpec(image=self.volume)).HasField("image"))
        self.client.PullImage(image=api.ImageSpec(image=self.volume))


class Artifacts(Volumes):
    """What is in a registry and no image: files, mounted as they are (OCI image-spec 1.1, "Artifact Usage")."""

    def test_files_are_mounted_under_their_titles(self):
        weights = os.urandom(300_000)
        made = image.Artifact([("model.bin", weights), ("docs/read me.txt", b"hello\n"), ("", b"untitled")])
        untitled = image.digest(b"untitled").split(":")[1]
        reference = self.pulled("model", made)
        mount = image_mount(reference)
        said = self.said(f"cd /data; find . -type f | sort; cat 'docs/read me.txt' {untitled}; sha256sum model.bin", [mount])
        self.assertEqual(said.splitlines()[:-1], sorted([f"./{untitled}", "./docs/read me.txt", "./model.bin"]) + ["hello"])
        self.assertTrue(said.splitlines()[-1].startswith("untitled" + image.digest(weights).split(":")[1]), said)
        self.assertEqual(self.said("cat '/data/read me.txt'", [image_mount(reference, sub_path="docs")]), "hello\n")

    def test_it_is_listed_and_no_container_is_made_of_it(self):
        content = b"x" * 5000
        made = image.Artifact([("file", content)], annotations={"org.example.kind": "model"})
        reference = self.pulled("listed", made)
        shown = self.client.ImageStatus(image=api.ImageSpec(image=reference), verbose=True)
        self.assertEqual(list(shown.image.repo_tags), [reference])
        self.assertEqual(shown.image.repo_digests[0].split("@")[1], image.digest(made.manifest))
        self.assertEqual(shown.image.spec.annotations["org.example.kind"], "model")
        self.assertEqual(shown.image.size, 5000 + len(made.manifest) + 2)
        self.assertNotIn("info", shown.info)
        self.assertIn(shown.image.id, [each.id for each in self.client.ListImages().images])
        with self.assertRaises(grpc.RpcError) as caught:
            self.create("true", reference=reference)
        self.assertIn("is an artifact, not an image", caught.exception.details())
        self.client.RemoveImage(image=api.ImageSpec(image=reference))
        self.assertFalse(self.client.ImageStatus(image=api.ImageSpec(image=reference)).HasField("image"))

    def test_the_same_bytes_under_two_titles_are_two_files(self):
        first = self.pulled("first", image.Artifact([("one", b"same")]))
        second = self.pulled("second", image.Artifact([("two", b"same"), ("three", b"same")]))
        mounts = [image_mount(first, "/a"), image_mount(second, "/b")]
        self.assertEqual(self.said("echo $(ls /a /b)", mounts), "/a: one /b: three two\n")

    def test_a_title_that_is_no_path_beneath_is_refused(self):
        for title in ("../up", "/etc/passwd", "a/../../b", "dir/", ".wh.gone", "x" * 300):
            reference = self.registry.push(image.Artifact([(title, b"x")]), "library/titled", "v1")
            with self.subTest(title), self.assertRaises(grpc.RpcError) as caught:
                self.client.PullImage(image=api.ImageSpec(image=reference))
            self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
            self.assertIn("manifest.layers[0]", caught.exception.details())

    def test_an_artifact_is_no_popular_base(self):
        """A blob kept as a file is no layer of an image, though an image may list the same bytes as one."""
        layer = image.tar_layer([("inside", b"of the layer")])
        artifact = self.pulled("blob", image.Artifact([("layer.tar", layer)]))
        plain = self.pulled("plain", image.Image([layer], compress=bytes, layer_type="application/vnd.oci.image.layer.v1.tar"))
        mounts = [image_mount(artifact, "/a"), image_mount(plain, "/b")]
        self.assertEqual(self.said("echo $(ls /a /b)", mounts), "/a: layer.tar /b: inside\n")


DECLARING = {"Cmd": ["sh"], "Env": ["PATH=/bin"],
             "Volumes": {"/var/data": {}, "/there": {}, "/../up//x/": {}, "/linked/below": {}}}


def declaring_image(**volumes):
    layer = image.tar_layer([("there", None), ("there/file", b"of the image\n"), ("real", None), ("linked", image.link("/real"))])
    config = {**DECLARING, **({"Volumes": {path: {} for path in volumes["paths"]}} if volumes else {})}
    return image.Image([image.busybox_layer(), layer], config)


class DeclaredVolumes(Volumes):
    def test_directories_are_made_in_the_containers_own_layer(self):
        reference = self.pulled("declaring", declaring_image())
        said = self.said("stat -c '%n %a %u %F' /var/data /up/x /real/below; cat /there/file; touch /var/data/x; "
                         "grep -cE ' /(var/data|there|up/x) ' /proc/mounts", reference=reference)
        self.assertEqual(said.splitlines(), ["/var/data 755 0 directory", "/up/x 755 0 directory",
                                             "/real/below 755 0 directory", "of the image", "0"])
        # A mount of the request's own wins.
        mount = image_mount(self.root, "/var/data/")
        self.assertEqual(self.said("ls -d /var/data/bin", [mount], reference), "/var/data/bin\n")

    def test_nothing_over_the_kernels_files(self):
        """CVE-2019-16884, CVE-2022-23648."""
        for name, path in (("proc", "/proc/self/attr"), ("sys", "/sys"), ("dev", "//dev/./x"), ("root", "/..")):
            reference = self.pulled("over-" + name, declaring_image(paths=[path]))
            with self.subTest(path), self.assertRaises(grpc.RpcError) as caught:
                self.create("true", reference=reference)
            self.assertIn("image.config.volumes[0]", caught.exception.details())


class BoundVolumes(Volumes):
    config = 'image_volumes = "bind"'

    def test_each_container_has_an_empty_directory_of_its_own(self):
        reference = self.pulled("declaring", declaring_image())
        first = self.create("echo $(ls /there); touch /there/mine /var/data/mine; stat -c '%a %u' /up/x; "
                            "grep -cE ' /(var/data|there|up/x|real/below) ' /proc/mounts", reference=reference)
        self.assertEqual(self.output(first).splitlines(), ["", "755 0", "4"])
        self.assertEqual(self.said("ls /there /var/data | grep -c mine", reference=reference), "0\n")
        store = os.path.join(self.instance.root, "state/storage/containers", first, "closed/volumes")
        self.assertEqual(len(os.listdir(store)), 4)
        self.client.RemoveContainer(container_id=first)
        wait_until(lambda: not os.path.exists(store), what="the volumes' end")


class IgnoredVolumes(Volumes):
    config = 'image_volumes = "ignore"'

    def test_nothing_is_made(self):
        reference = self.pulled("declaring", declaring_image())
        self.assertEqual(self.said("ls -d /var/data 2>/dev/null || cat /there/file", reference=reference), "of the image\n")


del Volumes  # has no test of its own

if __name__ == "__main__":
    unittest.main()
