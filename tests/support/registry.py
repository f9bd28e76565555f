"""Debian's docker-registry on loopback, and pushing to any registry by plain HTTP."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time

import image as images


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Registry:
    def __init__(self, port=None):
        self.port = port or free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.directory = tempfile.mkdtemp(prefix="bh-registry-")
        config = os.path.join(self.directory, "config.yml")
        with open(config, "w") as file:
            file.write(f"""version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {self.directory}/data}}
  delete: {{enabled: true}}
http: {{addr: "{self.address}"}}
""")
        with open(os.path.join(self.directory, "log"), "wb") as log:
            self.process = subprocess.Popen(["docker-registry", "serve", config], stdout=log, stderr=log)
        self._wait()

    def _wait(self):
        for _ in range(200):
            try:
                if _request(self.port, "GET", "/v2/").status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError("docker-registry did not come up")

    def push(self, image, repository, tag, index=False):
        """Pushes and returns the reference by tag."""
        push(self.port, image, repository, tag, index)
        return f"{self.address}/{repository}:{tag}"

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def _request(port, method, path, body=None, headers=None):
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        response.read()
        return response


def push(port, image, repository, tag, index=False):
    for name, blob in image.blobs.items():
        started = _request(port, "POST", f"/v2/{repository}/blobs/uploads/")
        location = started.getheader("Location").split(str(port), 1)[1]
        join = "&" if "?" in location else "?"
        done = _request(port, "PUT", f"{location}{join}digest={name}", blob, {"Content-Type": "application/octet-stream"})
        assert done.status == 201, done.status
    manifest_name = images.digest(image.manifest) if index else tag
    put = _request(port, "PUT", f"/v2/{repository}/manifests/{manifest_name}", image.manifest,
                   {"Content-Type": images.MANIFEST_TYPE})
    assert put.status == 201, put.status
    if index:
        put = _request(port, "PUT", f"/v2/{repository}/manifests/{tag}", image.index(),
                       {"Content-Type": images.INDEX_TYPE})
        assert put.status == 201, put.status


if __name__ == "__main__":
    # registry.py PORT REPOSITORY TAG: pushes the busybox image to a registry that is already there.
    import sys
    push(int(sys.argv[1]), images.busybox_image(), sys.argv[2], sys.argv[3])
