"""Runs critest against one Bulkhead of its own: README.md."""

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys

import images
from instance import Instance
from registry import Registry

UPSTREAM = ("registry.k8s.io", "k8s.gcr.io", "gcr.io")
# One names a digest of a public image, which cannot be made here.
LEFT_OUT = ("public image with digest",)


def mirrors(address):
    text = ""
    for name in UPSTREAM:
        text += f'[[registry]]\nprefix = "{name}"\nlocation = "{name}"\n[[registry.mirror]]\nlocation = "{address}"\ninsecure = true\n'
    return text


def open_host_ports(bulkhead):
    path = os.path.join(bulkhead.cni, "10-test.conflist")
    with open(path) as file:
        network = json.load(file)
    network["plugins"].append({"type": "portmap", "capabilities": {"portMappings": True}, "snat": True})
    with open(path, "w") as file:
        json.dump(network, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--critest", required=True, help="the program, built from cri-tools 1.36 or newer")
    parser.add_argument("--busybox", required=True, help="Debian's dynamic busybox: its package is not the one that is installed")
    parser.add_argument("--runtime", default="runc", choices=("runc", "crun"))
    parser.add_argument("--focus", help="only specs whose text matches")
    parser.add_argument("--skip", help="specs to leave out besides those that cannot be run")
    parser.add_argument("--log", help="where the suite's own output goes")
    options = parser.parse_args()
    with contextlib.ExitStack() as undo:
        registry = Registry()
        undo.callback(registry.stop)
        for repository, tag, made, index in images.all_images(options.busybox):
            registry.push(made, repository, tag, index=index)
        bulkhead = Instance(runtime=options.runtime, ceiling='profile = "permissive"\n')
        undo.callback(bulkhead.remove)
        open_host_ports(bulkhead)
        with open(os.path.join(bulkhead.root, "registries.conf"), "w") as file:
            file.write(mirrors(registry.address))
        bulkhead.start()
        sys.exit(suite(options, bulkhead))


def suite(options, bulkhead):
    skip = "|".join([*LEFT_OUT, *([options.skip] if options.skip else [])])
    command = [options.critest, "-runtime-endpoint", "unix://" + bulkhead.socket, "-ginkgo.skip", skip, "-ginkgo.no-color",
               "-ginkgo.v", "-ginkgo.timeout", "40m"]
    if options.focus:
        command += ["-ginkgo.focus", options.focus]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if options.log:
        with open(options.log, "w") as file:
            file.write(run.stdout)
    for line in run.stdout.splitlines():
        if re.match(r"\s*\[(FAIL|PANICKED|TIMEDOUT|INTERRUPTED)\]|Ran \d+ of|(SUCCESS|FAIL)!", line):
            print(line)
    return run.returncode


if __name__ == "__main__":
    main()
