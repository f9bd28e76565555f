"""What the runtime says of itself and of its images, credentials in every form, and a pod with addresses of both families."""

import base64
import json
import os
import subprocess
import unittest

import cri
import image
from cri import api
from hostile import HostileRegistry
from instance import Instance, wait_until
from registry import Registry


class Runtime(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry, cls.hostile = Registry(), HostileRegistry()
        cls.instance = Instance(registries=[cls.registry.address, cls.hostile.address]).start()
        cls.client = cls.instance.client

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()
        cls.hostile.stop()

    def test_version_and_configuration(self):
        version = self.client.Version()
        self.assertEqual((version.version, version.runtime_name, version.runtime_api_version), ("0.1.0", "bulkhead", "v1"))
        self.assertRegex(version.runtime_version, r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.client.RuntimeConfig().linux.cgroup_driver, api.CGROUPFS)

    def test_status(self):
        plain, verbose = self.client.Status(), self.client.Status(verbose=True)
        self.assertEqual(dict(plain.info), {})
        info = json.loads(verbose.info["config"])
        names = [handler.name for handler in plain.runtime_handlers]
        self.assertEqual(names, [""] + info["runtimeHandlers"])
        self.assertTrue(all(handler.HasField("features") for handler in plain.runtime_handlers))
        self.assertTrue(plain.features.supplemental_groups_policy)
        os.rename(self.instance.cni, self.instance.cni + ".away")
        try:
            def network():
                return next(each for each in self.client.Status().status.conditions if each.type == "NetworkReady")
            wait_until(lambda: not network().status, what="no network")
            self.assertEqual(network().reason, "NetworkPluginNotReady")
            self.assertTrue(network().message)
        finally:
            os.rename(self.instance.cni + ".away", self.instance.cni)

    def test_where_images_are(self):
        found = self.client.ImageFsInfo()
        for each in (found.image_filesystems[0], found.container_filesystems[0]):
            self.assertTrue(each.fs_id.mountpoint.startswith(self.instance.root), each)
            self.assertTrue(os.path.isdir(each.fs_id.mountpoint))
            self.assertGreater(each.timestamp, 0)

    def test_images_are_listed_by_filter(self):
        other = self.registry.push(image.busybox_image(Labels={"n": "other"}), "library/other", "v1")
        other_id = self.client.PullImage(image=api.ImageSpec(image=other)).image_ref
        for name in (other, other_id, other_id[len("sha256:"):]):
            found = self.client.ListImages(filter=api.ImageFilter(image=api.ImageSpec(image=name))).images
            self.assertEqual([each.id for each in found], [other_id])
            self.assertEqual(found[0].spec.image, other_id)

    def test_every_form_of_credential(self):
        made = image.busybox_image(Labels={"n": "secret"})
        name = self.hostile.serve(made, repository="secret")
        good = self.hostile.answers["/v2/secret/manifests/v1"]
        forms, realm = [], f"http://{self.hostile.address}/token"

        def challenge(handler):
            sent = handler.headers.get("Authorization")
            forms.append(sent)
            scheme = f'Bearer realm="{realm}",service="s"' if self.bearer else 'Basic realm="s"'
            status, headers, body = good if sent else (401, {"WWW-Authenticate": scheme}, b"")
            handler.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                handler.send_header(key, value)
            handler.end_headers()
            handler.wfile.write(body)

        def token(handler):
            body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0)).decode()
            answer = b'{"access_token":"issued"}'
            forms.append(body)
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(answer)))
            handler.end_headers()
            handler.wfile.write(answer)
        self.hostile.answers.update({"/v2/secret/manifests/v1": challenge, "/token": token})
        pair = base64.b64encode(b"me:word").decode()
        here = "http://" + self.hostile.address
        for bearer, expected, auth in (
                (False, "Basic " + pair, {"username": "me", "password": "word"}), (False, "Basic " + pair, {"auth": pair}),
                (False, "Basic " + pair, {"auth": pair, "server_address": here}),
                (True, "Bearer given", {"registry_token": "given"}), (True, "Bearer issued", {"identity_token": "refresh"})):
            self.bearer = bearer
            forms.clear()
            with self.subTest(auth):
                self.client.PullImage(image=api.ImageSpec(image=name), auth=api.AuthConfig(**auth))
                self.assertIn(expected, forms)
                self.assertEqual("identity_token" in auth, any("refresh_token=refresh" in str(form) for form in forms))
        self.bearer = False
        forms.clear()
        cri.code_of(self.client.PullImage, image=api.ImageSpec(image=name),
                    auth=api.AuthConfig(auth=pair, server_address="https://elsewhere.test"))
        self.assertEqual(set(forms), {None}, "a credential for another server")


class DualStack(unittest.TestCase):
    def test_a_pod_has_addresses_of_both_families(self):
        instance = Instance()
        self.addCleanup(instance.remove)
        path = os.path.join(instance.cni, "10-test.conflist")
        with open(path) as file:
            conflist = json.load(file)
        conflist["plugins"][0]["ipam"]["ranges"] = [[{"subnet": "10.111.0.0/16"}], [{"subnet": "fd00:111::/64"}]]
        with open(path, "w") as file:
            json.dump(conflist, file)
        client = instance.start().client
        pod = client.RunPodSandbox(config=cri.pod_config("both", os.path.join(instance.root, "logs", "both"))).pod_sandbox_id
        network = client.PodSandboxStatus(pod_sandbox_id=pod).status.network
        self.assertTrue(network.ip.startswith("10.111."), network)
        self.assertEqual([each.ip.startswith("fd00:111:") for each in network.additional_ips], [True])
        netns = json.loads(client.PodSandboxStatus(pod_sandbox_id=pod, verbose=True).info["info"])["netNsPath"]
        shown = subprocess.run(["nsenter", "--net=" + netns, "ip", "-o", "address", "show", "eth0"], capture_output=True,
                               text=True, check=True).stdout
        for address in (network.ip, network.additional_ips[0].ip):
            self.assertIn(f" {address}/", shown)


if __name__ == "__main__":
    unittest.main()
