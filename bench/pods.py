"""Pods one after the other through Bulkhead and by hand, then the memory of every process. See README.md."""

import argparse
import math
import os
import statistics
import time

import cri
import image
from by_hand import ByHand
from cri import api
from instance import CONFLIST, Instance, children_of
from registry import Registry


class Timings:
    def __init__(self):
        self.steps = {}

    def take(self, step, function, *arguments, **fields):
        start = time.perf_counter()
        result = function(*arguments, **fields)
        self.steps.setdefault(step, []).append((time.perf_counter() - start) * 1000)
        return result

    def median(self, step):
        return statistics.median(self.steps[step])

    def p95(self, step):
        """By nearest rank: of 20 values the 19th."""
        values = sorted(self.steps[step])
        return values[math.ceil(len(values) * 0.95) - 1]


def pss(pid):
    """Proportional set size in KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def memory(instance):
    """{process name: [PSS in KiB, …]}, the supervisor's (bulkheadctl up) and its guardian's among them."""
    found = {}
    names = {pid: name for pid, (name, _) in instance.processes().items()}
    names.update((pid, "bulkheadctl up") for pid in [instance.process.pid, *children_of(instance.process.pid)] if pid not in names)
    for pid, name in names.items():
        try:
            found.setdefault(name, []).append(pss(pid))
        except (OSError, StopIteration):
            pass
    return found


class Ours:
    """One pod with one container through Bulkhead, step by step."""

    def __init__(self, instance, reference, timings):
        self.instance, self.reference, self.timings = instance, reference, timings
        self.client = instance.client
        self.made = []

    def up(self, number):
        name, take = f"bench-{number}", self.timings.take
        config = cri.pod_config(name, os.path.join(self.instance.root, "logs", name))
        pod = take("run", self.client.RunPodSandbox, config=config).pod_sandbox_id
        container = take("create", self.client.CreateContainer, pod_sandbox_id=pod, sandbox_config=config,
                         config=cri.container_config("main", self.reference, ["sleep", "1000"])).container_id
        take("start", self.client.StartContainer, container_id=container)
        take("exec", self.client.ExecSync, container_id=container, cmd=["true"])
        self.made.append((pod, container))

    def down(self, number):
        pod, container = self.made[number]
        self.timings.take("stop", self.client.StopContainer, container_id=container, timeout=0)
        self.timings.take("remove", self.client.RemoveContainer, container_id=container)
        self.timings.take("stop pod", self.client.StopPodSandbox, pod_sandbox_id=pod)
        self.timings.take("remove pod", self.client.RemovePodSandbox, pod_sandbox_id=pod)


class Theirs:
    """The same steps by hand."""

    def __init__(self, hand, timings):
        self.hand, self.timings = hand, timings

    def up(self, number):
        name = f"hand-{number}"
        self.timings.take("run", self.hand.network, name)
        self.timings.take("create", self.hand.create, name)
        self.timings.take("start", self.hand.start, name)
        self.timings.take("exec", self.hand.execute, name)

    def down(self, number):
        name = f"hand-{number}"
        self.timings.take("stop", self.hand.stop, name)
        self.timings.take("remove", self.hand.delete, name)
        self.timings.take("stop pod", self.hand.unplug, name)


def side_by_side(instance, ways, count):
    """Pod by pod, each way in turn, so that what else the machine does meets both; the memory while all are up."""
    for number in range(count):
        for way in ways:
            way.up(number)
    loaded = memory(instance)
    for number in range(count):
        for way in ways:
            way.down(number)
    return loaded


def print_latencies(ours, hand):
    print(f"{'step':<12}{'median ms':>10}{'p95 ms':>10}{'by hand':>10}{'p95':>10}{'ratio':>8}   budget")
    budgets = {"exec": "by hand + 1.5 ms"}
    for step in ("run", "create", "start", "exec", "stop", "remove", "stop pod", "remove pod"):
        line = f"{step:<12}{ours.median(step):>10.1f}{ours.p95(step):>10.1f}"
        if step in hand.steps:
            line += f"{hand.median(step):>10.1f}{hand.p95(step):>10.1f}{ours.median(step) / hand.median(step):>8.2f}"
        print(line + " " * max(3, 63 - len(line)) + budgets.get(step, ""))
    up = sum(ours.median(s) for s in ("run", "create", "start"))
    up_hand = sum(hand.median(s) for s in ("run", "create", "start"))
    print(f"{'one pod up':<12}{up:>10.1f}{'':>10}{up_hand:>10.1f}{'':>10}{up / up_hand:>8.2f}   <= 1.2")


def print_memory(idle, loaded, count):
    print(f"\n{'process':<16}{'idle PSS KiB':>14}{f'with {count} pods':>16}{'processes':>11}")
    for name in sorted(set(idle) | set(loaded)):
        print(f"{name:<16}{sum(idle.get(name, [])):>14}{sum(loaded.get(name, [])):>16}{len(loaded.get(name, [])):>11}")
    total, more = (sum(map(sum, m.values())) for m in (idle, loaded))
    print(f"{'all':<16}{total:>14}{more:>16}")
    print(f"\nidle {total / 1024:.1f} MiB (budget 40); a pod with one container {(more - total) / 1024 / count:.2f} MiB (budget 0.25)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pods", type=int, default=20)
    parser.add_argument("--runtime", default="crun")
    options = parser.parse_args()
    registry = Registry()
    reference = registry.push(image.busybox_image(), "busybox", "v1")
    instance = Instance(runtime=options.runtime, registries=[registry.address]).start()
    hands = []

    def ways(ours, theirs):
        hands.append(ByHand(options.runtime, CONFLIST, os.path.join(instance.root, "ipam-hand")))
        return Ours(instance, reference, ours), Theirs(hands[-1], theirs)
    try:
        time.sleep(1)
        idle = memory(instance)
        instance.client.PullImage(image=api.ImageSpec(image=reference))
        side_by_side(instance, ways(Timings(), Timings()), 2)  # warm
        ours, theirs = Timings(), Timings()
        loaded = side_by_side(instance, ways(ours, theirs), options.pods)
        print(f"{options.pods} pods, one after the other, {options.runtime}\n")
        print_latencies(ours, theirs)
        print_memory(idle, loaded, options.pods)
    finally:
        for hand in hands:
            hand.remove()
        instance.remove()
        registry.stop()


if __name__ == "__main__":
    main()
