"""Seccomp profiles that a container names, and what it gets when it names none: seen by what the kernel answers inside."""

import itertools
import json
import os
import shutil
import tempfile
import threading
import unittest

import grpc

import cri
from cri import api
from instance import wait_until
from pods import PodCase
from seccomp_profiles import CHMOD, allowing_all_but, forbidding

NO_CHMOD = allowing_all_but(*CHMOD)


def profile(kind, **more):
    return api.SecurityProfile(profile_type=api.SecurityProfile.ProfileType.Value(kind), **more)


class SeccompCase(PodCase):
    """One pod for all tests."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        config = cri.pod_config("shared", os.path.join(cls.instance.root, "logs", "shared"))
        cls.pod = cls.client.RunPodSandbox(config=config).pod_sandbox_id, config

    def tried(self, **context):
        container = self.start(self.pod, security=context)
        self.addCleanup(self.client.RemoveContainer, container_id=container)
        return self.sh(container, "chmod 700 /bin; grep Seccomp: /proc/self/status")


class Profiles(SeccompCase):
    """Under the profile `baseline`, with a root for seccomp profiles of the test's own."""

    @classmethod
    def setUpClass(cls):
        cls.files = tempfile.mkdtemp(prefix="bh-seccomp-")
        cls.addClassCleanup(shutil.rmtree, cls.files)
        os.mkdir(cls.files + "/root")
        cls.ceiling = f'profile = "baseline"\nseccomp_roots = ["{cls.files}/root"]\n'
        super().setUpClass()

    def write(self, name, text, mode=0o644):
        path = os.path.join(self.files, name)
        with open(path, "w") as file:
            file.write(text if isinstance(text, str) else json.dumps(text))
        os.chmod(path, mode)
        return path

    def refused(self, path, code):
        got, text = super().refused(self.pod, security={"seccomp": profile("Localhost", localhost_ref=path)})
        self.assertEqual(got, code, text)
        self.assertIn("config.linux.security_context.seccomp.localhost_ref: ", text)
        self.assertNotIn("secret", text)
        return text

    def test_a_profile_is_taken(self):
        path = self.write("root/no-chmod.json", NO_CHMOD)
        for context in ({"seccomp": profile("Localhost", localhost_ref=path)}, {"seccomp_profile_path": "localhost/" + path}):
            said = self.tried(**context)
            self.assertIn("Function not implemented", said)
            self.assertIn("Seccomp:\t2", said)
        self.assertNotIn("not implemented", self.tried(seccomp=profile("RuntimeDefault")))

    def test_rules_depend_on_the_containers_capabilities(self):
        rule = {"names": list(CHMOD), "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_CHOWN"]}}
        chosen = profile("Localhost", localhost_ref=self.write("root/caps.json", allowing_all_but(*CHMOD, rules=[rule])))
        self.assertNotIn("not implemented", self.tried(seccomp=chosen))
        self.assertIn("not implemented", self.tried(seccomp=chosen, capabilities=api.Capability(drop_capabilities=["CHOWN"])))

    def test_links_inside_the_root_are_followed(self):
        """As operators lay them; what counts is where they lead."""
        self.write("root/target.json", NO_CHMOD)
        self.write("outside.json", NO_CHMOD)
        os.symlink("target.json", self.files + "/root/link.json")
        os.symlink("../outside.json", self.files + "/root/out.json")
        self.assertIn("not implemented", self.tried(seccomp=profile("Localhost", localhost_ref=self.files + "/root/link.json")))
        self.refused(self.files + "/root/out.json", "PERMISSION_DENIED")

    def test_a_name_that_is_swapped_meanwhile_never_leads_outside(self):
        self.write("root/inside.json", NO_CHMOD)
        self.write("loose.json", allowing_all_but())
        name, done = self.files + "/root/swapped.json", threading.Event()

        def swap():
            for target in itertools.cycle(("inside.json", "../loose.json")):
                os.symlink(target, name + ".new")
                os.rename(name + ".new", name)
                if done.wait(0.0005):
                    return

        thread = threading.Thread(target=swap)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(done.set)
        wait_until(lambda: os.path.lexists(name), what="the first link")
        taken = []
        for _ in range(24):
            try:
                taken.append(self.tried(seccomp=profile("Localhost", localhost_ref=name)))
            except grpc.RpcError as error:
                self.assertEqual(error.code().name, "PERMISSION_DENIED", error.details())
        self.assertTrue(taken)
        for said in taken:
            self.assertIn("not implemented", said)

    def test_what_is_refused(self):
        outside = self.write("elsewhere.json", NO_CHMOD)
        os.mkfifo(self.files + "/root/fifo")
        big = self.write("root/big.json", " " * (1 << 20) + json.dumps(NO_CHMOD))
        for path, code in ((outside, "PERMISSION_DENIED"), ("/etc/shadow", "PERMISSION_DENIED"),
                           (self.files + "/root/../elsewhere.json", "INVALID_ARGUMENT"), ("relative.json", "INVALID_ARGUMENT"),
                           (self.files + "/root/absent.json", "FAILED_PRECONDITION"),
                           (self.files + "/root/fifo", "FAILED_PRECONDITION"), (self.files + "/root", "FAILED_PRECONDITION"),
                           (self.write("root/none.json", "root:$y$secret"), "INVALID_ARGUMENT"), (big, "INVALID_ARGUMENT")):
            with self.subTest(path):
                self.refused(path, code)

    def test_only_root_has_a_hand_in_it(self):
        """Neither in the file nor in which file it is."""
        anybodys = self.write("root/anybodys.json", NO_CHMOD, 0o666)
        groups = self.write("root/groups.json", NO_CHMOD, 0o664)
        users = self.write("root/users.json", NO_CHMOD)
        os.chown(users, 65534, 0)
        for directory, mode, owner in (("open", 0o777, 0), ("theirs", 0o755, 65534), ("sticky", 0o1777, 0)):
            os.mkdir(f"{self.files}/root/{directory}")
            os.chmod(f"{self.files}/root/{directory}", mode)
            os.chown(f"{self.files}/root/{directory}", owner, 0)
            self.write(f"root/{directory}/profile.json", NO_CHMOD)
        for path in (anybodys, groups, users, self.files + "/root/open/profile.json", self.files + "/root/theirs/profile.json"):
            with self.subTest(path):
                self.refused(path, "FAILED_PRECONDITION")
        sticky = self.files + "/root/sticky/profile.json"
        self.assertIn("not implemented", self.tried(seccomp=profile("Localhost", localhost_ref=sticky)))

    def test_what_needs_an_agent_is_refused_by_name(self):
        for number, (name, agent) in enumerate((
                ("SCMP_ACT_NOTIFY", allowing_all_but(rules=[{"names": ["mkdir"], "action": "SCMP_ACT_NOTIFY"}])),
                ("SCMP_ACT_TRACE", allowing_all_but(rules=[{"names": ["mkdir"], "action": "SCMP_ACT_TRACE"}])),
                ("SCMP_ACT_NOTIFY", {**NO_CHMOD, "defaultAction": "SCMP_ACT_NOTIFY"}),
                ("listenerPath", {**NO_CHMOD, "listenerPath": "/run/x"}),
                ("FLAG_NEW_LISTENER", {**NO_CHMOD, "flags": ["SECCOMP_FILTER_FLAG_NEW_LISTENER"]}))):
            with self.subTest(name):
                self.assertIn(name, self.refused(self.write(f"root/agent{number}.json", agent), "INVALID_ARGUMENT"))

    def test_to_allow_by_default_is_to_be_unconfined(self):
        for number, text in enumerate((forbidding(*CHMOD), {"defaultAction": "SCMP_ACT_LOG"})):
            said = self.refused(self.write(f"root/open{number}.json", text), "PERMISSION_DENIED")
            self.assertIn("allows what it does not name", said)

    def test_nothing_said_is_the_default_where_the_ceiling_wants_a_filter(self):
        self.assertIn("Seccomp:\t2", self.tried())
        code, text = super().refused(self.pod, security={"seccomp": profile("Unconfined")})
        self.assertEqual(code, "PERMISSION_DENIED", text)


class Permissive(SeccompCase):
    ceiling = 'profile = "permissive"\n'

    def test_nothing_said_is_unconfined_where_that_may_be(self):
        """The conformance suite: "should support nil profile, which is unconfined"."""
        self.assertIn("Seccomp:\t0", self.tried())
        self.assertIn("Seccomp:\t2", self.tried(seccomp=profile("RuntimeDefault")))

    def test_a_profile_may_allow_by_default_where_that_may_be(self):
        with tempfile.NamedTemporaryFile("w", prefix="bh-seccomp-") as file:
            json.dump(forbidding(*CHMOD), file)
            file.flush()
            said = self.tried(seccomp=profile("Localhost", localhost_ref=file.name))
        self.assertIn("Function not implemented", said)


if __name__ == "__main__":
    unittest.main()
