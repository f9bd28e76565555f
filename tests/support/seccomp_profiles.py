"""Seccomp profiles for tests."""

import glob
import re

CHMOD = ("chmod", "fchmod", "fchmodat", "fchmodat2")


def all_calls():
    """Every system call that this machine's headers know."""
    names = set()
    for path in glob.glob("/usr/include/*/asm/unistd_64.h") or ["/usr/include/asm-generic/unistd.h"]:
        with open(path) as file:
            names |= set(re.findall(r"#define __NR(?:3264)?_(\w+)", file.read()))
    assert "read" in names, "linux-libc-dev is missing"
    return names


def allowing_all_but(*calls, rules=()):
    """A list of what is allowed, with `rules` after it; anything else answers ENOSYS."""
    return {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38,
            "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
            "syscalls": [{"names": sorted(all_calls() - set(calls)), "action": "SCMP_ACT_ALLOW"}, *rules]}


def forbidding(*calls, arguments=()):
    """Allows by default, which is to be unconfined but for a list."""
    return {"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"],
            "syscalls": [{"names": list(calls), "action": "SCMP_ACT_ERRNO", "errnoRet": 38, "args": list(arguments)}]}


def equals(index, value):
    return {"index": index, "value": int(value), "op": "SCMP_CMP_EQ"}
