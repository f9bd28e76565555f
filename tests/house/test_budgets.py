"""Budgets of ARCHITECTURE, "Layering": what can be read in one sitting stays so."""

import os
import re
import subprocess
import unittest

SOURCE = os.environ["BULKHEAD_SOURCE"]
BUILD = os.environ["BULKHEAD_BUILD"]

FILE_LINES = 500
LINKED_LINES = 6000
# The whole of CRI needs more of one program (docs/decisions/0037, 0048); its rooms have budgets of their own.
LINKED_LINES_OF = {"bulkhead-launcher": 7600}
# The wire facts of CRI are one file by nature, and so is the page with a row for each of its fields.
LONG_BY_NATURE = {"proto/runtime/v1/api.proto", "docs/cri-coverage.md"}

# directory of each privileged program -> own lines
PRIVILEGED = {
    "daemons/shim/launcher": ("bulkhead-launcher", 2000),
    # How a container's limits are written: a part of the launcher that is read alone.
    "daemons/shim/resources": ("bulkhead-launcher", 450),
    # A pod's namespaces and their init; a container's devices: parts of the launcher that are read alone.
    "daemons/shim/namespaces": ("bulkhead-launcher", 330),
    "daemons/shim/devices": ("bulkhead-launcher", 120),
    "daemons/shim/console": ("bulkhead-launcher", 110),
    "daemons/shim/open-files": ("bulkhead-launcher", 130),
    "daemons/storaged/zygote": ("bulkhead-storage-zygote", 500),
    "daemons/storaged/mounter": ("bulkhead-mounter", 500),
    # What a worker is put into: mounts beneath one descriptor. No request, no process.
    "daemons/storaged/cells": ("bulkhead-storage-zygote", 250),
    # What file systems can do, for both: ioctls and mount calls by descriptor.
    "daemons/storaged/drivers": ("bulkhead-mounter", 400),
    "daemons/netd/netns-helper": ("bulkhead-netns-helper", 500),
    "daemons/netd/cni-runner": ("bulkhead-cni-runner", 500),
}


def tracked():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=SOURCE,
                            capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if os.path.exists(os.path.join(SOURCE, name))]


def lines_of(name):
    with open(os.path.join(SOURCE, name), errors="replace") as file:
        return sum(1 for _ in file)


def code_lines_of(name):
    """Lines that are neither blank nor a comment: writing down why must cost nothing."""
    with open(os.path.join(SOURCE, name), errors="replace") as file:
        return sum(1 for line in file if not re.match(r"\s*(//.*)?$", line))


def is_test(name):
    return bool(re.search(r"(_test\.cc|_test\.py|/testing/)", name))


class Budgets(unittest.TestCase):
    def test_no_file_is_long(self):
        long = {name: lines_of(name) for name in tracked()
                if re.search(r"\.(cc|h|py|capnp|proto|cmake|md|policy)$|^tools/[a-z-]+$", name)
                and name not in LONG_BY_NATURE and lines_of(name) > FILE_LINES}
        self.assertEqual(long, {})

    def test_privileged_programs_are_small(self):
        for directory, (program, budget) in PRIVILEGED.items():
            own = sum(code_lines_of(name) for name in tracked()
                      if name.startswith(directory + "/") and re.search(r"\.(cc|h)$", name) and not is_test(name))
            with self.subTest(program, lines=own):
                self.assertGreater(own, 0)
                self.assertLessEqual(own, budget)

    def test_little_is_linked_into_a_privileged_program(self):
        """First-party sources and headers behind every object that the program links, from ninja's own records."""
        for program, _ in PRIVILEGED.values():
            objects = [name for name in self.linked("bin/" + program) if name.endswith(".o")]
            self.assertTrue(objects, program)
            files = set()
            compiled = self.compiled_in("bin/" + program)
            self.assertGreater(len(compiled), 3)
            for block in self.deps(objects):
                if block[0] not in compiled:
                    continue  # of an archive, and not taken out of it
                for path in block:
                    full = os.path.normpath(os.path.join(BUILD, path))
                    if full.startswith(SOURCE + "/") and not full.startswith(BUILD + "/"):
                        files.add(os.path.relpath(full, SOURCE))
            linked = sum(code_lines_of(name) for name in files)
            with self.subTest(program, lines=linked):
                self.assertGreater(linked, 200)
                self.assertLessEqual(linked, LINKED_LINES_OF.get(program, LINKED_LINES))

    @classmethod
    def linked(cls, target):
        """What is linked into it, archives opened; not the tools that its making needs."""
        query = subprocess.run(["ninja", "-C", BUILD, "-t", "query", target], capture_output=True, text=True, check=True)
        inputs = []
        for line in query.stdout.split("outputs:")[0].splitlines():
            name = line.strip()
            if name.startswith("||"):
                continue
            name = name.removeprefix("| ")
            inputs += cls.linked(name) if name.endswith(".a") and not name.startswith("/") else [name]
        return set(inputs)

    @staticmethod
    def compiled_in(target):
        """The sources that a program was really made of, as its debug information names them."""
        dump = subprocess.run(["objdump", "--dwarf=info", "--dwarf-depth=1", target], cwd=BUILD, capture_output=True,
                              text=True, check=True)
        return set(re.findall(r"DW_AT_name\s*: (?:\(indirect[^)]*\): )?(\S+)", dump.stdout))

    @staticmethod
    def deps(objects):
        result = subprocess.run(["ninja", "-C", BUILD, "-t", "deps", *objects], capture_output=True, text=True, check=True)
        block = []
        for line in result.stdout.splitlines():
            if line.startswith("    "):
                block.append(line.strip())
            elif block:
                yield block
                block = []
        if block:
            yield block


if __name__ == "__main__":
    unittest.main()
