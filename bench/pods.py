"""Pods one after the other through Bulkhead and by hand, then the memory of every process. See README.md."""

import argparse
import os
import statistics
import time

import cri
import image
from by_hand import ByHand
from cri import api
from instance import CONFLIST, Instance
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
        values = sorted(self.steps[step])
        return values[min(len(values) - 1, int(len(values) * 0.95))]


def pss(pid):
    """Proportional set size in KiB."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("Pss:"))


def memory(instance):
    """{process name: [PSS in KiB, …]}"""
    found = {}
    for pid, (name, _) in instance.processes().items():
        try:
            found.setdefault(name, []).append(pss(pid))
        except (OSError, StopIteration):
            pass
    return found


def through_bulkhead(instance, reference, count, timings):
    client = instance.client
    pods = []
    for number in range(count):
        config = cri.pod_config(f"bench-{number}", os.path.join(instance.root, "logs", f"bench-{number}"))
        pod = timings.take("run", client.RunPodSandbox, config=config).pod_sandbox_id
        container = timings.take("create", client.CreateContainer, pod_sandbox_id=pod, sandbox_config=config,
                                 config=cri.container_config("main", reference, ["sleep", "1000"])).container_id
        timings.take("start", client.StartContainer, container_id=container)
        timings.take("exec", client.ExecSync, container_id=container, cmd=["true"])
        pods.append((pod, container))
    loaded = memory(instance)
    for pod, container in pods:
        timings.take("stop", client.StopContainer, container_id=container, timeout=0)
        timings.take("remove", client.RemoveContainer, container_id=container)
        timings.take("stop pod", client.StopPodSandbox, pod_sandbox_id=pod)
        timings.take("remove pod", client.RemovePodSandbox, pod_sandbox_id=pod)
    return loaded


def by_hand(hand, count, timings):
    names = [f"hand-{number}" for number in range(count)]
    for name in names:
        timings.take("run", hand.network, name)
        timings.take("create", hand.create, name)
        timings.take("start", hand.start, name)
        timings.take("exec", hand.execute, name)
    for name in names:
        timings.take("stop", hand.stop, name)
        timings.take("remove", hand.delete, name)
        timings.take("stop pod", hand.unplug, name)


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
    hand = ByHand(options.runtime, CONFLIST, os.path.join(instance.root, "ipam-hand"))
    try:
        time.sleep(1)
        idle = memory(instance)
        instance.client.PullImage(image=api.ImageSpec(image=reference))
        warm, ours, theirs = Timings(), Timings(), Timings()
        through_bulkhead(instance, reference, 2, warm)
        by_hand(hand, 1, warm)
        hand.remove()
        hand = ByHand(options.runtime, CONFLIST, os.path.join(instance.root, "ipam-hand"))
        loaded = through_bulkhead(instance, reference, options.pods, ours)
        by_hand(hand, options.pods, theirs)
        print(f"{options.pods} pods, one after the other, {options.runtime}\n")
        print_latencies(ours, theirs)
        print_memory(idle, loaded, options.pods)
    finally:
        hand.remove()
        instance.remove()
        registry.stop()


if __name__ == "__main__":
    main()
