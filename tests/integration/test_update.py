"""UpdateContainerResources: what the container's control group says afterwards, and that a refusal changes nothing."""

import glob
import os
import subprocess
import unittest

import grpc

import cri
import image
from cri import api
from instance import Instance, wait_until
from registry import Registry

V2 = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
HUGETLB = os.path.exists("/sys/fs/cgroup/hugetlb/cgroup.procs")
MIB = 1 << 20


def text_of(path):
    with open(path) as file:
        return file.read().strip()


def group_file(container, name):
    """The text of a file of the container's control group, in whichever hierarchy has it."""
    found = [path for path in glob.glob(f"/sys/fs/cgroup/**/{container}/{name}", recursive=True)]
    assert len(set(map(os.path.realpath, found))) == 1, (container, name, found)
    return text_of(found[0])


def limits_of(container):
    """Everything that an update may change, as the kernel shows it."""
    names = (("cpu.weight", "cpu.max", "memory.max", "memory.high", "memory.swap.max") if V2 else
             ("cpu.shares", "cpu.cfs_quota_us", "cpu.cfs_period_us", "memory.limit_in_bytes",
              "memory.memsw.limit_in_bytes"))
    return {name: group_file(container, name) for name in names + ("cpuset.cpus", "cpuset.mems", "pids.max")}


def score_of(pid):
    return int(text_of(f"/proc/{pid}/oom_score_adj"))


class Update(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.registry = Registry()
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address],
                                ceiling='profile = "baseline"\nlog_roots = ["/tmp"]\nmin_oom_score_adj = 100\n').start()
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))
        cls.pod_config = cri.pod_config("update", os.path.join(cls.instance.root, "logs/update"))
        cls.pod = cls.client.RunPodSandbox(config=cls.pod_config).pod_sandbox_id

    @classmethod
    def tearDownClass(cls):
        cls.instance.remove()
        cls.registry.stop()

    def create(self, name, script="exec sleep 1000", **resources):
        resources.setdefault("oom_score_adj", 500)
        linux = api.LinuxContainerConfig(resources=api.LinuxContainerResources(**resources))
        config = cri.container_config(name, self.reference, ["sh", "-c", script], linux=linux)
        container = self.client.CreateContainer(pod_sandbox_id=self.pod, config=config,
                                                sandbox_config=self.pod_config).container_id
        self.addCleanup(lambda: self.client.RemoveContainer(container_id=container))
        return container

    def start(self, name, *arguments, **resources):
        container = self.create(name, *arguments, **resources)
        self.client.StartContainer(container_id=container)
        return container

    def update(self, container, **resources):
        self.client.UpdateContainerResources(container_id=container, linux=api.LinuxContainerResources(**resources))

    def refused(self, container, **resources):
        return cri.code_of(self.client.UpdateContainerResources, container_id=container,
                           linux=api.LinuxContainerResources(**resources))

    def shown(self, container):
        return self.client.ContainerStatus(container_id=container).status.resources.linux

    def answers(self):
        try:
            return self.client.Version()
        except grpc.RpcError:
            return None

    @staticmethod
    def processes(container):
        found = glob.glob(f"/sys/fs/cgroup/{'' if V2 else 'pids/'}**/{container}/cgroup.procs", recursive=True)
        return list(map(int, text_of(found[0]).split()))

    def assertLimits(self, container, **expected):
        """cpu shares, quota and period, memory in bytes, cpuset."""
        found = limits_of(container)
        if V2:
            shares = expected["shares"]
            self.assertEqual(found["cpu.weight"], str(1 + (shares - 2) * 9999 // 262142))
            self.assertEqual(found["cpu.max"], f"{expected['quota']} {expected['period']}".replace("-1", "max"))
            self.assertEqual(found["memory.max"], str(expected["memory"]))
        else:
            self.assertEqual((found["cpu.shares"], found["cpu.cfs_quota_us"], found["cpu.cfs_period_us"]),
                             (str(expected["shares"]), str(expected["quota"]), str(expected["period"])))
            self.assertEqual(found["memory.limit_in_bytes"], str(expected["memory"]))
        self.assertEqual(found["cpuset.cpus"], expected["cpus"])

    def test_a_running_and_a_created_container(self):
        first = dict(cpu_shares=512, cpu_quota=50_000, cpu_period=100_000, memory_limit_in_bytes=64 * MIB, cpuset_cpus="0")
        second = dict(cpu_shares=256, cpu_quota=150_000, cpu_period=200_000, memory_limit_in_bytes=128 * MIB,
                      cpuset_cpus="1")
        for name, make in (("created", self.create), ("running", self.start)):
            with self.subTest(name):
                container = make(name, **first)
                self.assertLimits(container, shares=512, quota=50_000, period=100_000, memory=64 * MIB, cpus="0")
                self.update(container, **second)
                self.assertLimits(container, shares=256, quota=150_000, period=200_000, memory=128 * MIB, cpus="1")
                self.update(container, **second)  # idempotent
                # Down again, and what is not said stays.
                self.update(container, memory_limit_in_bytes=32 * MIB, cpu_quota=-1)
                self.assertLimits(container, shares=256, quota=-1, period=200_000, memory=32 * MIB, cpus="1")
                shown = self.shown(container)
                self.assertEqual((shown.cpu_shares, shown.cpu_quota, shown.cpu_period, shown.memory_limit_in_bytes,
                                  shown.cpuset_cpus, shown.oom_score_adj), (256, -1, 200_000, 32 * MIB, "1", 500))
                if name == "created":
                    self.client.StartContainer(container_id=container)
                    self.assertLimits(container, shares=256, quota=-1, period=200_000, memory=32 * MIB, cpus="1")

    def test_swap_is_raised_and_lowered_with_memory(self):
        container = self.start("swap", memory_limit_in_bytes=32 * MIB, memory_swap_limit_in_bytes=64 * MIB)
        for memory, total in ((96, 128), (48, 48), (48, 96), (100, 100)):
            self.update(container, memory_limit_in_bytes=memory * MIB, memory_swap_limit_in_bytes=total * MIB)
            found = limits_of(container)
            if V2:
                self.assertEqual((found["memory.max"], found["memory.swap.max"]), (str(memory * MIB), str((total - memory) * MIB)))
            else:
                self.assertEqual((found["memory.limit_in_bytes"], found["memory.memsw.limit_in_bytes"]),
                                 (str(memory * MIB), str(total * MIB)))
        before = limits_of(container)
        code, text = self.refused(container, memory_limit_in_bytes=200 * MIB)
        self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("linux.memory_swap_limit_in_bytes", text)
        self.assertEqual(limits_of(container), before)

    def test_a_decrease_reclaims_what_can_be_reclaimed(self):
        script = "dd if=/dev/zero of=/file bs=1M count=48; sync; echo written; exec sleep 1000"
        container = self.start("cache", script, memory_limit_in_bytes=96 * MIB)
        log = self.client.ContainerStatus(container_id=container).status.log_path
        wait_until(lambda: os.path.getsize(log) > 0 and "written" in text_of(log), what="the file")
        used = int(group_file(container, "memory.current" if V2 else "memory.usage_in_bytes"))
        self.assertGreater(used, 40 * MIB, "nothing to reclaim")
        self.update(container, memory_limit_in_bytes=24 * MIB)
        self.assertEqual(limits_of(container)["memory.max" if V2 else "memory.limit_in_bytes"], str(24 * MIB))
        self.assertEqual(self.client.ContainerStatus(container_id=container).status.state, api.CONTAINER_RUNNING)

    def test_what_is_in_use_is_not_taken_and_everything_is_put_back(self):
        # A buffer that is touched, and can go nowhere: no swap.
        script = "echo up; exec dd if=/dev/zero of=/dev/null bs=40M"
        container = self.start("used", script, memory_limit_in_bytes=96 * MIB, memory_swap_limit_in_bytes=96 * MIB,
                               cpu_shares=512, cpu_quota=50_000, cpu_period=100_000, cpuset_cpus="0-1")
        used = "memory.current" if V2 else "memory.usage_in_bytes"
        wait_until(lambda: int(group_file(container, used)) > 38 * MIB, what="use of memory")
        before, shown = limits_of(container), self.shown(container)
        scores = {pid: score_of(pid) for pid in self.processes(container)}
        code, text = self.refused(container, memory_limit_in_bytes=16 * MIB, memory_swap_limit_in_bytes=16 * MIB,
                                  cpu_shares=2, cpu_quota=10_000, cpuset_cpus="0", oom_score_adj=900)
        self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION, text)
        self.assertIn("linux.memory_limit_in_bytes", text)
        self.assertEqual(limits_of(container), before)
        self.assertEqual(self.shown(container), shown)
        self.assertEqual({pid: score_of(pid) for pid in scores}, scores)
        self.assertEqual(self.client.ContainerStatus(container_id=container).status.state, api.CONTAINER_RUNNING)

    def test_a_refusal_late_in_the_order_undoes_what_was_before_it(self):
        container = self.start("late", memory_limit_in_bytes=64 * MIB, cpu_shares=512, cpuset_cpus="0-1")
        before = limits_of(container)
        for bad in (dict(cpuset_cpus="999"), dict(cpu_quota=1), dict(cpu_period=5)):
            with self.subTest(bad):
                code, text = self.refused(container, memory_limit_in_bytes=32 * MIB, cpu_shares=1024, **bad)
                self.assertEqual(code, grpc.StatusCode.INVALID_ARGUMENT, text)
                self.assertIn("linux." + next(iter(bad)), text)
                self.assertEqual(limits_of(container), before)

    def test_every_process_has_the_score(self):
        container = self.start("score", "for i in 1 2 3; do sleep 1000 & done; wait")
        wait_until(lambda: len(self.processes(container)) == 4, what="children")
        self.update(container, oom_score_adj=700)
        self.assertEqual([score_of(pid) for pid in self.processes(container)], [700] * 4)
        self.update(container, oom_score_adj=300)
        self.assertEqual([score_of(pid) for pid in self.processes(container)], [300] * 4)
        executed = self.client.ExecSync(container_id=container, cmd=["sh", "-c", "sleep 0.5; cat /proc/self/oom_score_adj"])
        self.assertEqual(executed.stdout, b"300\n")
        code, text = self.refused(container, oom_score_adj=50)
        self.assertEqual(code, grpc.StatusCode.PERMISSION_DENIED)
        self.assertIn("linux.oom_score_adj", text)
        self.assertEqual([score_of(pid) for pid in self.processes(container)], [300] * 4)
        self.update(container, cpu_shares=100)  # 0 says nothing of the score
        self.assertEqual(score_of(self.processes(container)[0]), 300)
        self.assertEqual(self.shown(container).oom_score_adj, 300)

    def test_a_restart_remembers(self):
        container = self.start("remembered", memory_limit_in_bytes=64 * MIB, cpu_shares=512)
        self.update(container, memory_limit_in_bytes=80 * MIB)
        pid = self.instance.pid_of("cri")
        os.kill(pid, 9)
        wait_until(lambda: self.instance.processes() and pid not in self.instance.processes(), what="end of cri")
        wait_until(self.answers, seconds=20, what="cri back")
        shown = self.shown(container)
        self.assertEqual((shown.memory_limit_in_bytes, shown.cpu_shares), (80 * MIB, 512))
        # The launcher goes on from what it had: the sum stays above the limit that it knows.
        self.update(container, memory_swap_limit_in_bytes=96 * MIB)
        code, text = self.refused(container, memory_swap_limit_in_bytes=72 * MIB)
        self.assertEqual((code, text), (grpc.StatusCode.INVALID_ARGUMENT, "linux.memory_swap_limit_in_bytes: is less than "
                                        "the memory limit, which it includes"))

    def test_one_that_ended_has_no_limits(self):
        container = self.start("ended", "true")
        wait_until(lambda: self.client.ContainerStatus(container_id=container).status.state == api.CONTAINER_EXITED)
        self.assertEqual(self.refused(container, cpu_shares=2)[0], grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(self.refused("0" * 64, cpu_shares=2)[0], grpc.StatusCode.NOT_FOUND)

    def test_what_is_not_of_this_node_is_refused(self):
        container = self.start("windows", cpu_shares=512)
        windows = api.WindowsContainerResources(cpu_shares=3)
        self.assertEqual(cri.code_of(self.client.UpdateContainerResources, container_id=container, windows=windows,
                                     linux=api.LinuxContainerResources(cpu_shares=2)),
                         (grpc.StatusCode.INVALID_ARGUMENT, "windows: is not for this node"))
        self.assertEqual(self.shown(container).cpu_shares, 512)

    def test_keys_of_unified(self):
        container = self.start("unified")
        for key, value, why in (("cgroup.procs", "1", grpc.StatusCode.PERMISSION_DENIED),
                                ("cgroup.freeze", "1", grpc.StatusCode.PERMISSION_DENIED),
                                ("memory.high", "1\n2", grpc.StatusCode.INVALID_ARGUMENT),
                                ("../cpu.max", "max", grpc.StatusCode.INVALID_ARGUMENT)):
            with self.subTest(key):
                self.assertEqual(self.refused(container, unified={key: value})[0], why)
        if V2:
            self.update(container, unified={"memory.high": str(64 * MIB)})
            self.assertEqual(group_file(container, "memory.high"), str(64 * MIB))
            return
        code, text = self.refused(container, unified={"memory.high": "1000000"})
        self.assertEqual((code, text), (grpc.StatusCode.FAILED_PRECONDITION,
                                        "linux.unified: needs cgroup v2, which this host has not"))
        config = cri.container_config("unified-new", self.reference, ["true"], linux=api.LinuxContainerConfig(
            resources=api.LinuxContainerResources(unified={"memory.high": "1000000"}, oom_score_adj=500)))
        code, text = cri.code_of(self.client.CreateContainer, pod_sandbox_id=self.pod, config=config,
                                 sandbox_config=self.pod_config)
        self.assertEqual((code, text), (grpc.StatusCode.FAILED_PRECONDITION,
                                        "config.linux.resources.unified: needs cgroup v2, which this host has not"))

    def test_huge_pages_without_their_controller(self):
        if HUGETLB or V2:
            self.skipTest("this host has it; HugePages looks at that")
        none = api.HugepageLimit(page_size="2MB", limit=0)
        some = api.HugepageLimit(page_size="2MB", limit=4 * MIB)
        container = self.start("pages", hugepage_limits=[none])
        self.update(container, hugepage_limits=[none])
        code, text = self.refused(container, hugepage_limits=[some])
        self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("linux.hugepage_limits", text)
        self.assertEqual(self.refused(container, hugepage_limits=[api.HugepageLimit(page_size="../x", limit=1)])[0],
                         grpc.StatusCode.INVALID_ARGUMENT)


@unittest.skipIf(V2 or HUGETLB, "its controller is the host's already")
class HugePages(unittest.TestCase):
    """Where the kernel counts huge pages: mounted for this test, in its own mount namespace."""

    @classmethod
    def setUpClass(cls):
        os.makedirs("/sys/fs/cgroup/hugetlb", exist_ok=True)
        subprocess.run(["mount", "-t", "cgroup", "-o", "hugetlb", "none", "/sys/fs/cgroup/hugetlb"], check=True)
        cls.addClassCleanup(lambda: (subprocess.run(["umount", "/sys/fs/cgroup/hugetlb"], check=True),
                                     os.rmdir("/sys/fs/cgroup/hugetlb")))
        cls.registry = Registry()
        cls.addClassCleanup(cls.registry.stop)
        cls.reference = cls.registry.push(image.busybox_image(), "library/busybox", "v1")
        cls.instance = Instance(registries=[cls.registry.address]).start()
        cls.addClassCleanup(cls.instance.remove)
        cls.client = cls.instance.client
        cls.client.PullImage(image=api.ImageSpec(image=cls.reference))

    @staticmethod
    def limits(*pairs):
        pages = [api.HugepageLimit(page_size=size, limit=limit) for size, limit in pairs]
        return api.LinuxContainerResources(hugepage_limits=pages)

    def test_limits_are_set_and_changed(self):
        pod_config = cri.pod_config("huge", os.path.join(self.instance.root, "logs/huge"))
        pod = self.client.RunPodSandbox(config=pod_config).pod_sandbox_id
        config = cri.container_config("main", self.reference, ["sleep", "1000"], linux=api.LinuxContainerConfig(
            resources=self.limits(("2MB", 4 * MIB))))
        container = self.client.CreateContainer(pod_sandbox_id=pod, config=config, sandbox_config=pod_config).container_id
        self.client.StartContainer(container_id=container)
        self.assertEqual(group_file(container, "hugetlb.2MB.limit_in_bytes"), str(4 * MIB))
        self.client.UpdateContainerResources(container_id=container, linux=self.limits(("2MB", 8 * MIB), ("3MB", 0)))
        self.assertEqual(group_file(container, "hugetlb.2MB.limit_in_bytes"), str(8 * MIB))
        code, text = cri.code_of(self.client.UpdateContainerResources, container_id=container,
                                 linux=self.limits(("2MB", 2 * MIB), ("3MB", 1)))
        self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION)
        self.assertIn("linux.hugepage_limits", text)
        self.assertEqual(group_file(container, "hugetlb.2MB.limit_in_bytes"), str(8 * MIB))
        shown = self.client.ContainerStatus(container_id=container).status.resources.linux
        self.assertEqual({each.page_size: each.limit for each in shown.hugepage_limits}, {"2MB": 8 * MIB, "3MB": 0})
        self.client.RemovePodSandbox(pod_sandbox_id=pod)


if __name__ == "__main__":
    unittest.main()
