"""A file system of a test's own: made in a file, mounted through a loop device where a store is to be."""

import os
import shutil
import subprocess
import tempfile


class Disk:
    def __init__(self, kind, megabytes=512, options="loop"):
        self.directory = tempfile.mkdtemp(prefix="bh-disk-", dir="/tmp")
        self.file = os.path.join(self.directory, "image")
        self.options = options
        self.point = None
        with open(self.file, "wb") as file:
            file.truncate(megabytes << 20)
        subprocess.run([f"mkfs.{kind}", "-q", self.file], check=True, capture_output=True)

    def mount(self, point):
        os.makedirs(point, exist_ok=True)
        subprocess.run(["mount", "-o", self.options, self.file, point], check=True)
        self.point = point
        return self

    def remove(self):
        if self.point:
            subprocess.run(["umount", self.point], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.directory, ignore_errors=True)
