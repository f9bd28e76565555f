"""Profiles that are no profiles, and conditions that are taken for others: cve.md A7, A12."""

import json
import os
import shutil
import tempfile
import unittest

import cri
import image
from cri import api
from image import archive, entry
from instance import BUILD
from replay import Replay
from seccomp_profiles import allowing_all_but, equals, forbidding

UNIX, INET, STREAM, DATAGRAM = 1, 2, 1, 2
PAIRS = [(family, kind) for family in (UNIX, INET) for kind in (STREAM, DATAGRAM)]


def localhost(path):
    return {"seccomp": api.SecurityProfile(profile_type=api.SecurityProfile.Localhost, localhost_ref=path)}


class Seccomp(Replay):
    """Where the ceiling would let a container be unconfined."""

    @classmethod
    def setUpClass(cls):
        cls.profiles = tempfile.mkdtemp(prefix="bh-seccomp-")
        cls.addClassCleanup(shutil.rmtree, cls.profiles)
        cls.ceiling = f'profile = "baseline"\nseccomp_unconfined = true\nseccomp_roots = ["{cls.profiles}"]\n'
        super().setUpClass()
        with open(os.path.join(BUILD, "tests/replay-socket-families"), "rb") as program:
            extra = archive(entry("bin/families", program.read(), mode=0o755))
        made = image.Image([image.busybox_layer(), extra], {"Cmd": ["sh"], "Env": ["PATH=/bin"]})
        cls.image = made

    def setUp(self):
        super().setUp()
        self.reference = self.registry.serve(self.image, repository="seccomp")
        self.pull(self.reference)

    def write(self, name, profile):
        path = os.path.join(self.profiles, name)
        with open(path, "w") as file:
            file.write(profile if isinstance(profile, str) else json.dumps(profile))
        return path

    def made(self, *command, **context):
        linux = api.LinuxContainerConfig(security_context=api.LinuxContainerSecurityContext(**context))
        return self.create(self.run_pod(), self.reference, *command, linux=linux)

    # A7. Vulnerable: no profile is found, and so none is applied.
    def test_cve_2023_2431(self):
        os.mkfifo(self.profiles + "/fifo")
        os.mkdir(self.profiles + "/directory")
        os.symlink("absent", self.profiles + "/dangling")
        fine = self.write("fine.json", forbidding("chmod"))
        refs = ["", "/", self.profiles, self.profiles + "/", os.path.basename(fine), "./fine.json", "unconfined",
                "/dev/null", "/proc/self/mem",
                *(f"{self.profiles}/{name}" for name in ("absent", "fifo", "directory", "dangling", "fine.json\0x")),
                self.write("empty.json", ""), self.write("null.json", "null"), self.write("object.json", "{}"),
                self.write("huge.json", json.dumps({**forbidding("chmod"), "comment": "x" * (1 << 20)})),
                self.write("deep.json", "[" * 500_000)]
        for context in [localhost(ref) for ref in refs] + [{"seccomp_profile_path": "localhost/" + ref} for ref in refs]:
            with self.subTest(context):
                code, text = cri.code_of(lambda **_: self.made("true", **context))
                self.assertIn(code.name, ("INVALID_ARGUMENT", "FAILED_PRECONDITION", "PERMISSION_DENIED"), text)
                self.assertIn("config.linux.security_context.seccomp", text)
        self.assertEqual(len(self.client.ListContainers().containers), 0)
        for context in (localhost(fine), {"seccomp_profile_path": "localhost/" + fine}):
            self.assertIn("Seccomp:\t2\n", self.output(self.made("cat", "/proc/self/status", **context)))
        unconfined = api.SecurityProfile(profile_type=api.SecurityProfile.Unconfined)
        self.assertIn("Seccomp:\t0\n", self.output(self.made("cat", "/proc/self/status", seccomp=unconfined)))

    def given(self, name, profile):
        """The pairs of family and type that a container with this profile gets sockets of."""
        words = [str(number) for pair in PAIRS for number in pair]
        said = self.output(self.made("families", *words, **localhost(self.write(name, profile))))
        answers = {line.split()[0]: int(line.split()[1]) for line in said.splitlines()}
        self.assertEqual(answers.keys(), {f"{family},{kind}" for family, kind in PAIRS}, said)
        self.assertLessEqual(set(answers.values()), {0, 38}, said)
        return {pair for pair in PAIRS if answers[f"{pair[0]},{pair[1]}"] == 0}

    # A12. Vulnerable: what has to hold together is taken for what may hold each alone.
    def test_cve_2017_18367(self):
        family, kind = equals(0, INET), equals(1, DATAGRAM)
        both = [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [family, kind]}]
        self.assertEqual(self.given("and.json", allowing_all_but("socket", rules=both)), {(INET, DATAGRAM)})
        either = [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [each]} for each in (family, kind)]
        self.assertEqual(self.given("or.json", allowing_all_but("socket", rules=either)), set(PAIRS) - {(UNIX, STREAM)})
        same = [{"names": ["socket"], "action": "SCMP_ACT_ALLOW", "args": [equals(0, UNIX), equals(0, INET)]}]
        self.assertEqual(self.given("same.json", allowing_all_but("socket", rules=same)), set(PAIRS))
        self.assertEqual(self.given("not.json", forbidding("socket", arguments=[family, kind])), set(PAIRS) - {(INET, DATAGRAM)})


if __name__ == "__main__":
    unittest.main()
