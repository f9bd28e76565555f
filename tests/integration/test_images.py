"""What the image service answers: names, sizes, what may be removed, and what an image's author cannot make us say."""

import json
import os
import subprocess
import unittest

import grpc

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry


class Images(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.busybox = cls.registry.push(image.busybox_image(), "busybox", "v1")
        config = f'pinned_images = ["{cls.registry.address}/pinned*", "*KEEP*", "{cls.registry.address}/exact:v1"]'
        cls.instance = Instance(registries=[cls.registry.address], config=config).start()
        cls.client = cls.instance.client
        cls.store = os.path.join(cls.instance.root, "state/storage")

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def setUp(self):
        for pod in self.client.ListPodSandbox().items:
            self.client.RemovePodSandbox(pod_sandbox_id=pod.id)
        for found in self.client.ListImages().images:
            self.remove(found.id)

    def pull(self, reference):
        return self.client.PullImage(image=api.ImageSpec(image=reference)).image_ref

    def remove(self, reference):
        self.client.RemoveImage(image=api.ImageSpec(image=reference))

    def status(self, reference):
        return self.client.ImageStatus(image=api.ImageSpec(image=reference)).image

    def layers(self):
        return os.listdir(os.path.join(self.store, "layers"))

    def create(self, reference, command, name="main"):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name))
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        container = self.client.CreateContainer(pod_sandbox_id=pod, sandbox_config=config,
                                                config=cri.container_config("c", reference, command)).container_id
        self.client.StartContainer(container_id=container)
        return container

    def state(self, container):
        return self.client.ContainerStatus(container_id=container).status.state

    def du(self, directory, *options):
        listed = subprocess.run(["du", "-s", *options, os.path.join(self.store, directory)], capture_output=True, check=True)
        return int(listed.stdout.split()[0])

    def used(self):
        found = self.client.ImageFsInfo().image_filesystems[0]
        return found.used_bytes.value, found.inodes_used.value

    def assert_near(self, said, counted):
        self.assertLessEqual(abs(said - counted), counted / 100, f"{said} is not {counted} within one in a hundred")

    def test_127_layers_run_and_128_are_refused(self):
        tiny = [image.tar_layer([(f"layer{i}", str(i).encode())]) for i in range(127)]
        most = self.registry.push(image.Image([image.busybox_layer(), *tiny[:126]], {"Env": ["PATH=/bin"]}), "most", "v1")
        more = self.registry.push(image.Image([image.busybox_layer(), *tiny]), "more", "v1")
        self.pull(most)
        container = self.create(most, ["sleep", "1000"])
        seen = self.client.ExecSync(container_id=container, cmd=["sh", "-c", "cat /layer0 /layer125; ls / | grep -c layer"])
        self.assertEqual(seen.stdout, b"0125126\n")
        code, text = cri.code_of(self.pull, reference=more)
        self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("127 layers", text)
        self.assertEqual(len(self.layers()), 127)

    def test_usage_is_what_du_says(self):
        self.assertEqual(self.used(), (0, 0))
        small = [("d", None)] + [(f"d/{i % 40}", None) for i in range(40)]
        small += [(f"d/{i % 40}/file{i}", os.urandom(i % 5000)) for i in range(3000)]
        links = [("one", os.urandom(2_000_000))] + [(f"link{i}", image.link("one", hard=True)) for i in range(50)]
        links += [("one", os.urandom(900_000)), ("soft", image.link("one"))]  # replaced: the links keep the first
        built = image.Image([image.tar_layer(small), image.tar_layer(links), image.busybox_layer()], {"Cmd": ["/bin/sh"]})
        reference = self.registry.push(built, "usage", "v1")
        self.pull(reference)
        size, inodes = self.used()
        self.assert_near(size, self.du("layers", "--block-size=1"))
        self.assert_near(inodes, self.du("layers", "--inodes"))
        # What a user expects is the sum of the files.
        content = sum(len(data) for _, data in small if data) + 2_900_000 + os.path.getsize(image.BUSYBOX)
        self.assert_near(self.status(reference).size, content)
        self.remove(reference)
        self.assertEqual(self.used(), (0, 0))

    def test_usage_of_containers_is_what_du_says(self):
        self.pull(self.busybox)
        container = self.create(self.busybox, ["sh", "-c", "mkdir /d; seq 1000 | while read n; do echo $n > /d/$n; done; "
                                               "dd if=/dev/urandom of=/big bs=1M count=9; exec sleep 1000"])
        upper = os.path.join("containers", container, "closed/upper")
        wait_until(lambda: self.du(upper, "--block-size=1") > 9 << 20, what="the container's writing")

        def seen():
            found = self.client.ImageFsInfo().container_filesystems[0]
            sizes = ((found.used_bytes.value, self.du(upper, "--block-size=1")),
                     (found.inodes_used.value, self.du(upper, "--inodes")))
            return all(abs(said - counted) <= counted / 100 for said, counted in sizes)
        wait_until(seen, seconds=30, what="the count")

    def test_removing_one_name_removes_the_image(self):
        built = image.Image([image.tar_layer([("a", b"x")])], {"Labels": {"n": "names"}})
        first = self.registry.push(built, "names", "one")
        second = self.registry.push(built, "names", "two")
        third = self.registry.push(built, "elsewhere", "three")
        digest = f"{self.registry.address}/names@{image.digest(built.manifest)}"
        both = f"{first}@{image.digest(built.manifest)}"
        for name in (first, digest, both, built.id, built.id.split(":")[1]):
            for pulled in (first, second, third, digest, both):
                self.assertEqual(self.pull(pulled), built.id)
            shown = self.status(built.id)
            self.assertEqual(sorted(shown.repo_tags), sorted([first, second, third]))
            self.assertEqual(len(shown.repo_digests), 2)
            self.remove(name)
            self.assertFalse(self.client.ListImages().images, name)
            self.remove(name)
        self.assertFalse(self.layers())

    def test_an_image_in_use_stays_and_its_container_is_named(self):
        self.pull(self.busybox)
        container = self.create(self.busybox, ["true"])
        wait_until(lambda: self.state(container) == api.CONTAINER_EXITED, what="exit")
        # An exited container can be looked into: its layers are needed.
        code, text = cri.code_of(self.remove, reference=self.busybox)
        self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn(container, text)
        self.assertEqual(self.status(self.busybox).repo_tags, [self.busybox])
        self.client.RemoveContainer(container_id=container)
        self.remove(self.busybox)
        self.assertFalse(self.client.ListImages().images)

    def test_a_tag_that_moves_leaves_the_old_image_its_digest(self):
        old = image.Image([image.tar_layer([("a", b"old")])], {})
        new = image.Image([image.tar_layer([("a", b"new")])], {})
        reference = self.registry.push(old, "moving", "latest")
        self.pull(reference)
        self.registry.push(new, "moving", "latest")
        self.assertEqual(self.pull(reference), new.id)
        left = self.status(old.id)
        self.assertEqual(left.repo_tags, [])
        self.assertEqual(left.repo_digests, [f"{self.registry.address}/moving@{image.digest(old.manifest)}"])
        self.assertEqual(self.status(reference).id, new.id)
        self.remove(reference)
        self.assertEqual([found.id for found in self.client.ListImages().images], [old.id])

    def test_pinned_images_are_marked_and_still_removable(self):
        expected = {"pinned-tools": True, "unpinned": False, "well-kept": False, "we-keep-it": True, "exact": True, "exactly": False}
        for name in expected:
            self.pull(self.registry.push(image.Image([image.tar_layer([(name, b"x")])], {"Labels": {"n": name}}), name, "v1"))
        listed = {found.repo_tags[0].split("/")[1].split(":")[0]: found.pinned for found in self.client.ListImages().images}
        self.assertEqual(listed, expected)
        pinned = f"{self.registry.address}/pinned-tools:v1"
        self.assertTrue(self.status(pinned).pinned)
        self.remove(pinned)
        self.assertNotIn(pinned, [tag for found in self.client.ListImages().images for tag in found.repo_tags])

    def test_cve_2019_11245_every_spelling_has_the_same_user(self):
        for user, uid, name in (("1000", 1000, ""), ("1000:staff", 1000, ""), ("www-data", None, "www-data"), ("", 0, "")):
            built = image.Image([image.tar_layer([("a", user.encode())])], {"User": user})
            reference = self.registry.push(built, "users", "v1", index=True)
            self.pull(reference)
            digest = self.status(reference).repo_digests[0]
            spellings = [reference, digest, f"{reference}@{digest.split('@')[1]}", built.id, built.id.split(":")[1],
                         f"{self.registry.address}/users@{image.digest(built.manifest)}"]
            answers = [self.status(spelling) for spelling in spellings] + list(self.client.ListImages().images)
            for shown in answers:
                self.assertEqual(shown.id, built.id)
                self.assertEqual((shown.uid.value if shown.HasField("uid") else None, shown.username), (uid, name), user)
            self.remove(reference)

    def test_cve_2026_53488_what_an_image_says_of_itself_decides_nothing(self):
        """Labels and annotations (also CVE-2026-50195: a name in them) are shown as the image's own, and nowhere else."""
        words = {"io.kubernetes.pod.name": "victim", "io.bulkhead.privileged": "true"}
        built = image.busybox_image(Labels=words)
        built.document["annotations"] = {"org.opencontainers.image.ref.name": "docker.io/library/nginx:latest", **words,
                                         "long": "x" * 5000}
        reference = self.registry.push(built, "claims", "v1")
        self.pull(reference)
        shown = self.status(reference)
        self.assertEqual(shown.repo_tags, [reference])
        self.assertEqual(dict(shown.spec.annotations), {k: v for k, v in built.document["annotations"].items() if k != "long"})
        self.assertFalse(self.status("nginx").id)
        container = self.create(reference, ["sleep", "1000"])
        status = self.client.ContainerStatus(container_id=container).status
        self.assertFalse({**status.labels, **status.annotations})
        selector = api.ContainerFilter(label_selector={"io.kubernetes.pod.name": "victim"})
        self.assertFalse(self.client.ListContainers(filter=selector).containers)
        self.assertFalse(self.client.PodSandboxStatus(pod_sandbox_id=self.client.ListPodSandbox().items[0].id).status.labels)

    def test_w33_a_digest_is_known_only_in_the_repository_it_came_from(self):
        built = image.Image([image.tar_layer([("a", b"x")])], {})
        self.pull(self.registry.push(built, "here", "v1"))
        self.assertTrue(self.status(f"{self.registry.address}/here@{image.digest(built.manifest)}").id)
        self.assertFalse(self.status(f"{self.registry.address}/there@{image.digest(built.manifest)}").id)

    def test_verbose_status_has_the_config_as_it_was_pulled(self):
        built = image.busybox_image(Labels={"caf\u00e9": "\u20ac"}, User="7")
        reference = self.registry.push(built, "verbose", "v1")
        self.pull(reference)
        spec = api.ImageSpec(image=reference)
        self.assertEqual(dict(self.client.ImageStatus(image=spec).info), {})
        info = self.client.ImageStatus(image=spec, verbose=True).info
        self.assertEqual(json.loads(info["info"]), {"imageSpec": json.loads(built.config)})


if __name__ == "__main__":
    unittest.main()
