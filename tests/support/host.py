"""What the machine holds that a test could have left behind."""

import os

from instance import wait_until


def status(pid):
    """/proc/PID/status as a dictionary."""
    with open(f"/proc/{pid}/status") as file:
        return {key: value.strip() for key, value in (line.split(":", 1) for line in file)}


def mountinfo(pid="self"):
    with open(f"/proc/{pid}/mountinfo") as file:
        return file.read().splitlines()


def cgroups(part):
    """Every control group, in every hierarchy, whose path contains `part`."""
    found = []
    for directory, names, _ in os.walk("/sys/fs/cgroup"):
        found += [os.path.join(directory, name) for name in names if part in name]
    return found


def leftovers(instance, pod_ids=()):
    """Everything that should be gone once all pods and images of an instance are removed, as readable lines."""
    left = []
    for directory in ("pods", "shims", "oci", "netns", "stage"):
        path = os.path.join(instance.root, "run", directory)
        for top, directories, files in os.walk(path):
            left += [os.path.join(top, name) for name in files]
            left += [os.path.join(top, name) for name in directories
                     if any(pod in name for pod in pod_ids)]
    for directory in ("containers", "staging", "trash", "layers"):
        path = os.path.join(instance.root, "state/storage", directory)
        left += [os.path.join(path, name) for name in os.listdir(path)]
    # The pods' directory is a mount of its own as long as the launcher lives: namespaces can be pinned in it only then.
    # The store may lie on a disk of its own.
    expected = (instance.root + "/run/pods", instance.root + "/state/storage")
    left += [line for line in mountinfo() if instance.root in line and line.split()[4] not in expected]
    if os.path.isdir(instance.ipam):
        for top, _, files in os.walk(instance.ipam):
            left += [os.path.join(top, name) for name in files if name.count(".") == 3]
    for pod in pod_ids:
        left += cgroups(pod)
    left += [f"process {pid} {name}" for pid, (name, _) in instance.processes().items() if name == "shim"]
    return left


def wait_nothing_left(instance, pod_ids):
    wait_until(lambda: not leftovers(instance, pod_ids), what=lambda: f"'nothing left' ({leftovers(instance, pod_ids)})")
