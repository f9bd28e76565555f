"""ReopenContainerLog as the kubelet uses it: the file is moved away, then the runtime is told."""

import glob
import os
import re
import time
import unittest

import grpc

import cri
from cri import api
from instance import wait_until
from pods import BusyboxCase

COUNT = "i=0; while :; do echo $i; i=$((i+1)); done"
ENTRY = re.compile(r"^\S+ (stdout|stderr) ([FP]) (.*)$")


def entries(path):
    """[(stream, tag, text)]; what is not an entry fails."""
    with open(path) as file:
        text = file.read()
    assert not text or text.endswith("\n"), "torn: " + text[-100:]
    return [ENTRY.match(line).groups() for line in text.splitlines()]


def lines_of(paths, stream="stdout"):
    """What the container wrote, over all files in their order."""
    lines, part = [], ""
    for path in paths:
        for found, tag, text in entries(path):
            if found == stream:
                part += text
                if tag == "F":
                    lines.append(part)
                    part = ""
    return lines, part


class LogRotation(BusyboxCase):
    def start(self, name, script, **more):
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name))
        pod = self.client.RunPodSandbox(config=config).pod_sandbox_id
        self.addCleanup(lambda: self.client.RemovePodSandbox(pod_sandbox_id=pod))
        asked = cri.container_config("main", self.reference, ["sh", "-c", script], **more)
        container = self.client.CreateContainer(pod_sandbox_id=pod, config=asked, sandbox_config=config).container_id
        self.client.StartContainer(container_id=container)
        return container, os.path.join(self.instance.root, "logs", name, "main.log")

    def reopen(self, container):
        self.client.ReopenContainerLog(container_id=container)

    def test_nothing_is_lost_or_repeated(self):
        container, log = self.start("sequence", COUNT)
        moved = []
        for number in range(20):
            wait_until(lambda: os.path.getsize(log) > 10_000, what="output")
            moved.append(f"{log}.{number:02}")
            os.rename(log, moved[-1])
            self.reopen(container)
            # Who comes back from the call sees the new file, and the old one does not change any more.
            self.assertTrue(os.path.exists(log))
            size = os.path.getsize(moved[-1])
            time.sleep(0.02)
            self.assertEqual(os.path.getsize(moved[-1]), size)
        self.client.StopContainer(container_id=container, timeout=0)
        lines, rest = lines_of(moved + [log])
        self.assertEqual(rest, "")
        self.assertGreater(len(lines), 20_000)
        self.assertEqual(lines, [str(number) for number in range(len(lines))])

    def test_a_line_without_its_end_is_divided(self):
        container, log = self.start("partial", "printf before; while [ ! -e /go ]; do sleep 0.05; done; echo after; sleep 1000")
        time.sleep(0.5)
        os.rename(log, log + ".old")
        self.reopen(container)
        self.client.ExecSync(container_id=container, cmd=["touch", "/go"])
        wait_until(lambda: entries(log), what="the rest")
        self.assertEqual(entries(log + ".old"), [("stdout", "P", "before")])
        self.assertEqual(entries(log), [("stdout", "F", "after")])

    def test_without_moving_the_file_goes_on(self):
        container, log = self.start("same", "echo one; while [ ! -e /go ]; do sleep 0.05; done; echo two; sleep 1000")
        wait_until(lambda: entries(log), what="output")
        self.reopen(container)
        self.reopen(container)
        self.client.ExecSync(container_id=container, cmd=["touch", "/go"])
        wait_until(lambda: len(entries(log)) == 2, what="output")
        self.assertEqual(lines_of([log])[0], ["one", "two"])
        self.assertEqual(glob.glob(log + "*"), [log])

    def test_works_while_the_container_is_being_stopped(self):
        container, log = self.start("stopping", "trap 'echo asked' TERM; " + COUNT.replace("done", "sleep 0.01; done"))
        wait_until(lambda: entries(log), what="output")
        stopping = self.client.begin("StopContainer", api.StopContainerRequest(container_id=container, timeout=4))
        wait_until(lambda: ("stdout", "F", "asked") in entries(log), what="the signal")
        os.rename(log, log + ".old")
        before = time.monotonic()
        self.reopen(container)
        self.assertLess(time.monotonic() - before, 1)
        self.assertFalse(stopping.done())
        wait_until(lambda: entries(log), what="output in the new file")
        stopping.result()
        lines = [line for line in lines_of([log + ".old", log])[0] if line != "asked"]
        self.assertEqual(lines, [str(number) for number in range(len(lines))])

    def test_what_cannot_be_reopened_makes_no_file(self):
        container, log = self.start("ended", "echo done")
        wait_until(lambda: self.client.ContainerStatus(container_id=container).status.state == api.CONTAINER_EXITED)
        os.rename(log, log + ".old")
        code, text = cri.code_of(self.client.ReopenContainerLog, container_id=container)
        self.assertEqual((code, text), (grpc.StatusCode.FAILED_PRECONDITION, "container_id: the container is not running"))
        self.assertFalse(os.path.exists(log))
        code, _ = cri.code_of(self.client.ReopenContainerLog, container_id="0" * 64)
        self.assertEqual(code, grpc.StatusCode.NOT_FOUND)

    def test_a_trap_in_its_place_is_refused_and_the_old_file_stays(self):
        container, log = self.start("trap", COUNT.replace("done", "sleep 0.01; done"))
        wait_until(lambda: entries(log), what="output")
        for make in (lambda: os.mkfifo(log), lambda: os.symlink("/etc/passwd", log), lambda: os.mkdir(log),
                     lambda: os.link(log + ".old", log)):
            os.rename(log, log + ".old") if os.path.exists(log) else None
            make()
            code, text = cri.code_of(self.client.ReopenContainerLog, container_id=container)
            self.assertEqual(code, grpc.StatusCode.FAILED_PRECONDITION, text)
            size = os.path.getsize(log + ".old")
            wait_until(lambda: os.path.getsize(log + ".old") > size, what="more in the old file")
            os.rmdir(log) if os.path.isdir(log) else os.unlink(log)


if __name__ == "__main__":
    unittest.main()
