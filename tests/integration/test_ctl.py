"""bulkheadctl as programs use it: -o json on every command that says something."""

import base64
import json
import unittest

import image
from instance import Instance, wait_until
from registry import Registry


class Ctl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address]).start()

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def ctl(self, verb, *arguments, **more):
        return self.instance.ctl(verb, "-o", "json", *arguments, **more)

    def test_a_life_in_json(self):
        made = json.loads(self.ctl("run", "--name", "main", "--pod", "life", self.reference, "--", "sh", "-c",
                                   "echo out; echo err >&2; exec sleep 1000").stdout)
        container, pod = made["container_id"], made["pod_sandbox_id"]

        executed = self.ctl("exec", "main", "--", "sh", "-c", "printf '\\377'; echo no >&2; exit 3", check=False)
        self.assertEqual(executed.returncode, 3, executed.stderr)
        answer = json.loads(executed.stdout)
        self.assertEqual((base64.b64decode(answer["stdout"]), base64.b64decode(answer["stderr"]), answer["exit_code"]),
                         (b"\xff", b"no\n", 3))

        def lines():
            found = [json.loads(line) for line in self.ctl("logs", "main").stdout.splitlines()]
            return found if len(found) == 2 else None
        said = {line["stream"]: line for line in wait_until(lines, what="two lines")}
        self.assertEqual((said["stdout"]["text"], said["stderr"]["text"]), ("out", "err"))
        self.assertRegex(said["stdout"]["time"], r"^\d{4}-\d\d-\d\dT")
        self.assertFalse(said["stdout"]["partial"])

        self.assertEqual(json.loads(self.ctl("stop", "--timeout", "0", "main").stdout),
                         {"stopped": [{"id": container, "kind": "container", "name": "main"}]})
        self.assertEqual(json.loads(self.ctl("rm", "-f", "life").stdout),
                         {"removed": [{"id": pod, "kind": "pod", "name": "life"}]})
        self.assertEqual(json.loads(self.ctl("rmi", self.reference).stdout), {"removed": [self.reference]})
        absent = self.ctl("rm", "life", check=False)
        self.assertEqual((absent.returncode, json.loads(absent.stdout)), (1, {"removed": []}))
        self.assertIn("life", absent.stderr)


if __name__ == "__main__":
    unittest.main()
