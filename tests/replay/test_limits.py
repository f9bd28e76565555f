"""Limits as a weapon, and what they must not hit: cve.md F6 (CVE-2019-14891), and W24 for a container that lives."""

import glob
import os
import unittest

import cri
import image
from cri import api
from instance import children_of, wait_until
from replay import Replay

MIB = 1 << 20


class Limits(Replay):
    def setUp(self):
        super().setUp()
        made = image.Image([image.busybox_layer()], {"Env": ["PATH=/bin"]})
        self.reference = self.registry.serve(made, repository="limits")
        self.pull(self.reference)

    def start(self, script, **resources):
        linux = api.LinuxContainerConfig(resources=api.LinuxContainerResources(**resources))
        container = self.create(self.run_pod(), self.reference, "sh", "-c", script, linux=linux)
        self.client.StartContainer(container_id=container)
        return container

    def shim_of(self, container):
        groups = glob.glob(f"/sys/fs/cgroup/**/{container}/cgroup.procs", recursive=True)
        with open(groups[0]) as file:
            members = file.read().split()
        shims = [pid for pid, (name, _) in self.instance.processes().items()
                 if name == "shim" and set(map(str, children_of(pid))) & set(members)]
        self.assertEqual(len(shims), 1)
        return shims[0]

    # Vulnerable: the monitor shares the container's memory limit, is what the OOM killer takes, and the container runs on
    # without one.
    def test_cve_2019_14891_the_monitor_is_not_the_victim(self):
        script = "i=0; while [ $i -lt 30 ]; do dd if=/dev/zero of=/dev/null bs=200M; i=$((i+1)); done; echo over; exec sleep 1000"
        container = self.start(script, memory_limit_in_bytes=32 * MIB, memory_swap_limit_in_bytes=32 * MIB)
        shim = self.shim_of(container)
        with open(f"/proc/{shim}/cgroup") as file:
            self.assertNotIn(container, file.read())
        status = self.client.ContainerStatus(container_id=container).status
        wait_until(lambda: os.path.getsize(status.log_path) > 0 and "over" in open_text(status.log_path), seconds=60,
                   what="thirty kills")
        self.assertEqual(self.shim_of(container), shim)
        self.assertEqual(self.client.ContainerStatus(container_id=container).status.state, api.CONTAINER_RUNNING)
        self.client.StopContainer(container_id=container, timeout=0)

    # Vulnerable: the key is a path in the control group, and another file is written.
    def test_w24_keys_are_no_paths_in_an_update(self):
        container = self.start("exec sleep 1000", memory_limit_in_bytes=64 * MIB)
        group = glob.glob(f"/sys/fs/cgroup/pids/**/{container}", recursive=True) or glob.glob(
            f"/sys/fs/cgroup/**/{container}", recursive=True)
        with open(group[0] + "/cgroup.procs") as file:
            before = file.read()
        evil = ({"unified": {"../memory.max": "1"}}, {"unified": {"memory.max/../cgroup.procs": "1"}},
                {"unified": {"cgroup.procs": str(os.getpid())}}, {"unified": {"cgroup.kill": "1"}}, {"unified": {"": "1"}},
                {"hugepage_limits": [api.HugepageLimit(page_size="../../x", limit=1)]},
                {"hugepage_limits": [api.HugepageLimit(page_size="2MB/../cgroup.procs", limit=1)]},
                {"cpuset_cpus": "0\n1"}, {"cpuset_mems": "../0"})
        for resources in evil:
            with self.subTest(resources):
                code, _ = cri.code_of(self.client.UpdateContainerResources, container_id=container,
                                      linux=api.LinuxContainerResources(cpu_shares=7, **resources))
                self.assertIn(code.name, ("INVALID_ARGUMENT", "PERMISSION_DENIED"))
        with open(group[0] + "/cgroup.procs") as file:
            self.assertEqual(file.read(), before)
        shown = self.client.ContainerStatus(container_id=container).status
        self.assertEqual((shown.state, shown.resources.linux.cpu_shares), (api.CONTAINER_RUNNING, 0))


def open_text(path):
    with open(path) as file:
        return file.read()


if __name__ == "__main__":
    unittest.main()
