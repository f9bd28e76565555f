"""Whose processes a container sees: its own, its pod's (with bulkhead-pause as init), another container's, the node's."""

import os
import signal
import unittest

import grpc

import host
from cri import api
from instance import wait_until
from pods import PodCase

POD, CONTAINER, NODE, TARGET = (api.NamespaceMode.Value(name) for name in ("POD", "CONTAINER", "NODE", "TARGET"))
READY, NOT_READY = (api.PodSandboxState.Value(name) for name in ("SANDBOX_READY", "SANDBOX_NOTREADY"))


def sharing(pid, **more):
    return dict(namespace_options=api.NamespaceOption(pid=pid, **more))


class Shared(PodCase):
    def shared_pod(self):
        return self.run_pod(security=sharing(POD))

    def start_in(self, pod, *command, pid=POD, **more):
        return self.start(pod, *command, security=sharing(pid, **more))

    def pause(self):
        return self.instance.pid_of("pause")

    def state(self, pod):
        return self.client.PodSandboxStatus(pod_sandbox_id=pod[0]).status.state

    def answers(self):
        try:
            return self.client.Version().version
        except grpc.RpcError:
            return None

    def test_containers_see_each_other_and_the_init(self):
        pod = self.shared_pod()
        first = self.start_in(pod, "sleep", "1001")
        second = self.start_in(pod, "sleep", "1002")
        seen = self.sh(second, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; cat /proc/1/comm; kill -9 1; echo; cat /proc/1/comm")
        self.assertIn("sleep 1001", seen)
        self.assertIn("sleep 1002", seen)
        self.assertEqual(seen.count("pause\n"), 2, seen)
        self.assertEqual(os.readlink(f"/proc/{self.main_pid(first)}/ns/pid"),
                         os.readlink(f"/proc/{self.pause()}/ns/pid"))
        alone = self.start(self.run_pod())
        self.assertNotEqual(os.readlink(f"/proc/{self.main_pid(alone)}/ns/pid"),
                            os.readlink(f"/proc/{self.pause()}/ns/pid"))

    def test_the_init_reaps_and_is_powerless(self):
        pod = self.shared_pod()
        container = self.start_in(pod)
        self.sh(container, "for i in 1 2 3 4 5; do (sleep 0.1 &) ; done")
        zombies = "cat /proc/[0-9]*/status | grep -c '^State:.*zombie'"
        wait_until(lambda: self.sh(container, zombies).startswith("0"), what="no zombie")
        pause = self.pause()
        with open(f"/proc/{pause}/status") as file:
            status = file.read()
        for line in ("CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "NSpid:"):
            self.assertIn(line, status)
        for kind in ("net", "mnt", "ipc", "uts"):
            self.assertNotEqual(os.readlink(f"/proc/{pause}/ns/{kind}"), os.readlink(f"/proc/self/ns/{kind}"), kind)
        self.assertEqual({os.readlink(f"/proc/{pause}/fd/{fd}") for fd in (0, 1, 2)}, {"/dev/null"})
        with self.assertRaises(OSError):  # through a container's eyes: CVE-2019-5736's kind
            open(f"/proc/{pause}/exe", "r+b").close()
        audit = self.instance.ctl("audit", check=False)
        self.assertEqual(audit.returncode, 0, audit.stdout + audit.stderr)

    def test_a_container_ends_alone_and_whole(self):
        pod = self.shared_pod()
        stays = self.start_in(pod, "sleep", "1001")
        ends = self.start_in(pod, "sh", "-c", "sleep 4321 & exit 7")
        self.assertEqual(self.ended(ends).exit_code, 7)
        wait_until(lambda: "sleep 4321" not in self.sh(stays, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), what="sweep")
        stopped = self.start_in(pod, "sh", "-c", "sleep 4322 & exec sleep 4323")
        self.client.StopContainer(container_id=stopped, timeout=0)
        wait_until(lambda: "432" not in self.sh(stays, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '"), what="everything killed")
        self.assertEqual(self.status(stays).state, api.CONTAINER_RUNNING)

    def test_a_lost_init_ends_the_pod(self):
        pod = self.shared_pod()
        container = self.start_in(pod)
        self.assertEqual(self.state(pod), READY)
        os.kill(self.pause(), signal.SIGKILL)
        self.assertEqual(self.ended(container).exit_code, 137)
        wait_until(lambda: self.state(pod) == NOT_READY, what="not ready")
        self.assertEqual(self.refused(pod, security=sharing(POD))[0], "FAILED_PRECONDITION")

    def test_a_lost_init_without_containers(self):
        pod = self.shared_pod()
        os.kill(self.pause(), signal.SIGKILL)
        wait_until(lambda: self.state(pod) == NOT_READY, what="not ready")

    def test_nothing_is_left(self):
        config = self.pod_config(security=sharing(POD))
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.start_in((pod, config))
        self.client.RemovePodSandbox(pod_sandbox_id=pod)
        self.client.RemoveImage(image=api.ImageSpec(image=self.reference))
        self.addCleanup(self.client.PullImage, image=api.ImageSpec(image=self.reference))
        self.assertNotIn("pause", [name for name, _ in self.instance.processes().values()])
        host.wait_nothing_left(self.instance, [pod])

    def test_the_daemons_come_and_go(self):
        pod = self.shared_pod()
        container = self.start_in(pod)
        pause = self.pause()
        for daemon in ("cri", "launcher"):
            before = self.instance.pid_of(daemon)
            os.kill(before, signal.SIGKILL)
            wait_until(lambda: [p for p, (name, _) in self.instance.processes().items() if name == daemon and p != before],
                       what="restart")
        wait_until(self.answers, what="an answer")
        self.assertEqual(self.state(pod), READY)
        self.assertEqual((self.pause(), self.status(container).state), (pause, api.CONTAINER_RUNNING))
        os.kill(pause, signal.SIGKILL)
        wait_until(lambda: self.state(pod) == NOT_READY, what="not ready")

    def test_target(self):
        pod, other = self.run_pod(), self.run_pod()
        target = self.start(pod, "sleep", "1003")
        debug = self.start_in(pod, pid=TARGET, target_id=target)
        self.assertEqual(os.readlink(f"/proc/{self.main_pid(target)}/ns/pid"),
                         os.readlink(f"/proc/{self.main_pid(debug)}/ns/pid"))
        self.assertEqual(self.sh(debug, "tr '\\0' ' ' < /proc/1/cmdline"), "sleep 1003 ")
        self.client.StopContainer(container_id=target, timeout=0)
        self.assertEqual(self.ended(debug).exit_code, 137)  # its init was the target
        for where, which in ((other, target), (pod, target), (other, "f" * 64), (other, "../x")):
            code, text = self.refused(where, security=sharing(TARGET, target_id=which))
            self.assertIn(code, ("FAILED_PRECONDITION", "INVALID_ARGUMENT"), text)
            self.assertIn("target_id", text)

    def test_the_pods_processes_need_a_pod_that_has_them(self):
        self.assertEqual(self.refused(self.run_pod(), security=sharing(POD))[0], "INVALID_ARGUMENT")
        own = self.start_in(self.shared_pod(), pid=CONTAINER)
        self.assertEqual(self.sh(own, "tr '\\0' ' ' < /proc/1/cmdline"), "sleep 1000 ")

    def test_the_nodes_are_not_given(self):
        self.assertEqual(self.refused_pod(security=sharing(NODE))[0], "PERMISSION_DENIED")


class NoTarget(PodCase):
    ceiling = "target_pid = false\n"

    def test_the_ceiling_says_no(self):
        pod = self.run_pod()
        target = self.start(pod)
        code, text = self.refused(pod, security=sharing(TARGET, target_id=target))
        self.assertEqual(code, "PERMISSION_DENIED", text)


if __name__ == "__main__":
    unittest.main()
