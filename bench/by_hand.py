"""The same steps without Bulkhead: `ip netns`, the CNI plugin, the OCI runtime, on the same image's files."""

import json
import os
import select
import shutil
import subprocess
import tarfile
import tempfile
import io

import host
import image

CNI = "/usr/lib/cni/bridge"


class ByHand:
    def __init__(self, runtime, conflist, ipam):
        self.runtime = runtime
        self.directory = tempfile.mkdtemp(prefix="bh-hand-", dir="/tmp")
        self.plugin = dict(conflist["plugins"][0], cniVersion=conflist["cniVersion"], name="by-hand", bridge="bh-hand0")
        self.plugin["ipam"] = dict(self.plugin["ipam"], dataDir=ipam, ranges=[[{"subnet": "10.113.0.0/16"}]])
        self.names = []
        self.lower = os.path.join(self.directory, "lower")
        with tarfile.open(fileobj=io.BytesIO(image.busybox_layer())) as tar:
            tar.extractall(self.lower)
        subprocess.run([runtime, "spec"], cwd=self.directory, check=True)
        with open(os.path.join(self.directory, "config.json")) as file:
            self.spec = json.load(file)

    def remove(self):
        """Everything, also in the middle of a run."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        for name in self.names:
            subprocess.run([self.runtime, "--root", os.path.join(self.directory, "state"), "delete", "--force", name], **quiet)
            for mounted in (os.path.join(self.directory, name, "rootfs"), self._netns(name)):
                subprocess.run(["umount", "-q", mounted], **quiet)
        for group in host.cgroups("bulkhead-by-hand"):
            os.rmdir(group)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _netns(self, name):
        return os.path.join(self.directory, name + ".net")

    def _cni(self, command, name):
        environment = {"CNI_COMMAND": command, "CNI_CONTAINERID": name, "CNI_NETNS": self._netns(name),
                       "CNI_IFNAME": "eth0", "CNI_PATH": "/usr/lib/cni", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
        subprocess.run([CNI], input=json.dumps(self.plugin), env=environment, text=True, check=True, capture_output=True)

    def network(self, name):
        """A network namespace, pinned, and the CNI plugin's ADD."""
        self.names.append(name)
        open(self._netns(name), "w").close()
        subprocess.run(["unshare", f"--net={self._netns(name)}", "true"], check=True)
        self._cni("ADD", name)

    def create(self, name):
        """The overlay and the runtime's create."""
        bundle = os.path.join(self.directory, name)
        for part in ("rootfs", "upper", "work"):
            os.makedirs(os.path.join(bundle, part))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir={self.lower},upperdir={bundle}/upper,"
                        f"workdir={bundle}/work", f"{bundle}/rootfs"], check=True)
        spec = json.loads(json.dumps(self.spec))
        spec["process"].update(args=["sleep", "1000"], terminal=False)
        spec["process"]["env"] = ["PATH=/bin"]
        spec["linux"]["cgroupsPath"] = "/bulkhead-by-hand/" + name
        for namespace in spec["linux"]["namespaces"]:
            if namespace["type"] == "network":
                namespace["path"] = self._netns(name)
        with open(os.path.join(bundle, "config.json"), "w") as file:
            json.dump(spec, file)
        self._runtime("create", "--bundle", bundle, "--pid-file", os.path.join(bundle, "pid"), name)

    def _runtime(self, *arguments):
        subprocess.run([self.runtime, "--root", os.path.join(self.directory, "state"), *arguments], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)

    def start(self, name):
        self._runtime("start", name)

    def execute(self, name):
        self._runtime("exec", name, "true")

    def stop(self, name):
        """And wait for its end, as StopContainer does."""
        with open(os.path.join(self.directory, name, "pid")) as file:
            handle = os.pidfd_open(int(file.read()))
        self._runtime("kill", name, "KILL")
        select.select([handle], [], [])
        os.close(handle)

    def delete(self, name):
        self._runtime("delete", "--force", name)
        subprocess.run(["umount", os.path.join(self.directory, name, "rootfs")], check=True)

    def unplug(self, name):
        self._cni("DEL", name)
        subprocess.run(["umount", self._netns(name)], check=True)
