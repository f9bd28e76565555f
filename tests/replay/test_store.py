"""The store as the host's other users see it: cve.md E7, E8."""

import os
import shutil
import stat
import unittest

import image
import store
from cri import api
from image import archive, entry
from instance import Instance
from replay import Replay

NOBODY = 65534


def as_nobody(function):
    """What `function` returns, as a text, in a process that is nobody."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, function().encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


class Store(Replay):
    # Vulnerable: everybody on the host can walk to a container's files and run what is setuid there.
    def test_cve_2021_41103(self):
        made = image.Image([image.busybox_layer(), archive(entry("su", b"#!/bin/sh\n", mode=0o4755))], {"Cmd": ["sh"]})
        reference = self.registry.serve(made, repository="setuid")
        self.pull(reference)
        self.addCleanup(self.remove, reference)
        pod = self.run_pod()
        container = self.create(pod, reference, "sleep", "100")
        self.client.StartContainer(container_id=container)
        targets = [directory + "/su" for _, directory in store.named_layers(self.storage)[reference]][1:]
        self.assertTrue(os.lstat(targets[0]).st_mode & stat.S_ISUID)  # it is there, for root

        def walk():
            found = []
            for top, directories, names in os.walk(self.instance.root):
                found += [os.path.join(top, name) for name in directories + names if os.access(os.path.join(top, name), os.R_OK)]
            for target in targets:
                try:
                    os.stat(target)
                    found.append(target)
                except PermissionError:
                    pass
            return "\n".join(found)
        seen = as_nobody(walk).splitlines()
        self.assertIn(self.instance.config_file, seen)  # nobody did walk
        for path in seen:
            self.assertNotIn("/state/storage/", path)
            self.assertNotIn("/run/pods/", path)
            self.assertNotIn("/run/oci/", path)
            self.assertFalse("/logs/" in path and path.endswith(".log"), path)

    # Vulnerable: a directory that an older version, or somebody else, left open stays open.
    def test_cve_2024_25621(self):
        closed = ("state/storage", "state/storage/layers", "state/storage/containers", "state/storage/staging",
                  "state/storage/trash", "state/cri", "state/netd", "run/pods", "run/oci", "run/stage")
        other = Instance()
        try:
            other.start()
            other.stop()
            there = [name for name in closed if os.path.isdir(os.path.join(other.root, name))]
            self.assertIn("state/storage/layers", there)
            for name in there:
                os.chmod(os.path.join(other.root, name), 0o777)
            other.start()
            for name in there:
                self.assertEqual(stat.S_IMODE(os.stat(os.path.join(other.root, name)).st_mode) & 0o077, 0, name)
            other.stop()
        finally:
            other.remove()


del Replay

if __name__ == "__main__":
    unittest.main()
