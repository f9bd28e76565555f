"""Who may include whom, and a README in every room."""

import os
import re
import unittest

from test_budgets import SOURCE, tracked

# room -> prefixes of what it may include from this tree, besides itself
MAY_USE = {
    "daemons/common/base": (),
    "daemons/common/jail": ("daemons/common/base",),
    "daemons/common/config": ("daemons/common", "ipc"),
    "ipc": ("daemons/common/base",),
    "daemons/config-reader": ("daemons/common", "ipc"),
    "daemons/cri-frontend": ("daemons/common", "ipc"),
    "daemons/imaged": ("daemons/common", "ipc"),
    "daemons/storaged": ("daemons/common", "ipc"),
    "daemons/netd": ("daemons/common", "ipc"),
    "daemons/shim/record": ("daemons/common", "ipc"),
    "daemons/shim/cgroup": ("daemons/common/base",),
    "daemons/shim/oci": ("daemons/common", "ipc"),
    "daemons/shim/ceiling": ("daemons/common", "ipc", "daemons/shim/oci"),
    "daemons/shim/launcher": ("daemons/common", "ipc", "daemons/shim/record", "daemons/shim/cgroup", "daemons/shim/resources", "daemons/shim/oci",
                              "daemons/shim/ceiling", "daemons/shim/namespaces", "daemons/shim/devices", "daemons/shim/console",
                              "daemons/shim/open-files"),
    "daemons/shim/resources": ("daemons/common", "ipc"),
    "daemons/shim/namespaces": ("daemons/common", "ipc", "daemons/shim/record"),
    "daemons/shim/devices": ("daemons/common", "ipc", "daemons/shim/oci", "daemons/shim/ceiling"),
    "daemons/shim/console": ("daemons/common/base",),
    "daemons/shim/open-files": ("daemons/common/base", "ipc", "daemons/shim/cgroup", "daemons/shim/record"),
    "daemons/shim/monitor": ("daemons/common", "ipc", "daemons/shim/record"),
    "daemons/shim/pause": ("daemons/common",),
    "cli": ("daemons/common", "ipc"),
}

# What no privileged program may reach: event loops, RPC machinery, gRPC, text parsers.
FORBIDDEN = re.compile(r'#include [<"](kj/async|capnp/(rpc|capability|ez-rpc)|grpc|google/protobuf|nlohmann|toml|yaml|regex)')
SYNCHRONOUS = ("daemons/shim/launcher", "daemons/shim/ceiling", "daemons/shim/oci", "daemons/shim/record",
               "daemons/shim/cgroup", "daemons/shim/namespaces", "daemons/shim/devices", "daemons/shim/console", "daemons/shim/open-files",
               "daemons/shim/pause",
               "daemons/storaged/zygote", "daemons/storaged/mounter", "daemons/storaged/overlay",
               "daemons/storaged/cells", "daemons/storaged/drivers",
               "daemons/netd/netns-helper", "daemons/netd/cni-runner", "daemons/common/base", "daemons/common/jail")

GENERATED = re.compile(r"\.(capnp|pb)\.h$|_generated\.h$")


def includes(name):
    with open(os.path.join(SOURCE, name)) as file:
        return re.findall(r'^#include "([^"]+)"', file.read(), re.M)


def is_code(name):
    return re.search(r"\.(cc|h)$", name) and not re.search(r"_test\.cc$|/testing/|policy-compiler/", name)


class Layering(unittest.TestCase):
    def test_rooms_use_only_what_they_may(self):
        wrong = []
        for name in filter(is_code, tracked()):
            room = next((r for r in sorted(MAY_USE, key=len, reverse=True) if name.startswith(r + "/")), None)
            if room is None:
                continue
            for used in includes(name):
                ours = os.path.exists(os.path.join(SOURCE, used)) and not GENERATED.search(used)
                if ours and not used.startswith((room + "/",) + tuple(p + "/" for p in MAY_USE[room])):
                    wrong.append(f"{name} includes {used}")
        self.assertEqual(wrong, [])

    def test_includes_are_spelled_from_the_root(self):
        wrong = [f"{name} includes {used}" for name in filter(is_code, tracked()) for used in includes(name)
                 if "/" not in used or used.startswith(".")]
        self.assertEqual(wrong, [])

    def test_privileged_code_parses_no_text_and_runs_no_loop(self):
        wrong = []
        for name in filter(is_code, tracked()):
            if name.startswith(tuple(p + "/" for p in SYNCHRONOUS)):
                with open(os.path.join(SOURCE, name)) as file:
                    wrong += [f"{name}: {line.strip()}" for line in file if FORBIDDEN.search(line)]
        self.assertEqual(wrong, [])

    def test_every_room_opens_with_a_readme(self):
        directories = {os.path.dirname(name) for name in tracked() if re.search(r"\.(cc|h|capnp|py|proto|policy)$", name)}
        exempt = re.compile(r"^(proto/.+|)$")
        missing = [d for d in directories if not exempt.match(d) and not os.path.exists(os.path.join(SOURCE, d, "README.md"))]
        self.assertEqual(sorted(missing), [])

    def test_nothing_of_this_machine_is_named(self):
        wrong = []
        for name in tracked():
            with open(os.path.join(SOURCE, name), errors="replace") as file:
                text = file.read()
            if SOURCE.rstrip("/") + "/" in text:
                wrong.append(name)
        self.assertEqual(wrong, [])


if __name__ == "__main__":
    unittest.main()
