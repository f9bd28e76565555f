"""The images that critest pulls, made here: README.md lists what each must contain."""

import os
import subprocess
import tempfile

import image

HERE = os.path.dirname(os.path.abspath(__file__))
E2E = "e2e-test-images"
TOOLS = "k8s-staging-cri-tools"
APPLETS = image.APPLETS + ("top", "pidof", "netstat", "ping", "brctl", "find", "tail", "nslookup", "date", "expr", "tr", "awk", "sed",
                           "cut", "basename", "ln", "mknod", "df", "du", "uname", "whoami", "sort", "uniq", "xargs", "printf", "umount",
                           "od", "readlink", "mkfifo", "tee", "getopt", "chown", "ifconfig", "route", "time", "timeout", "free", "nproc")
DYNAMIC = ("/usr/bin/pgrep", "/usr/bin/ipcs")  # which busybox-static has not


def with_libraries(program):
    """A program of the host's and the libraries it loads, as entries of a layer."""
    listed = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    paths = {word for line in listed.splitlines() for word in line.split() if word.startswith("/")}
    return {path: os.path.realpath(path) for path in (program, *paths)}


def read(path):
    with open(path, "rb") as file:
        return file.read()


def libraries_layer(busybox):
    """Whatever the programs load, and the programs that busybox has not."""
    files = {path: real for path, real in with_libraries(busybox).items() if path != busybox}
    for program in DYNAMIC:
        files.update(with_libraries(program))
    directories = sorted({parent for path in files for parent in parents(path)})
    return image.tar_layer([(name.lstrip("/"), None) for name in directories] +
                           [(path.lstrip("/"), read(real)) for path, real in sorted(files.items())])


def parents(path):
    while (path := os.path.dirname(path)) != "/":
        yield path


def base_layer(busybox, passwd=(), group=()):
    entries = [(name, None) for name in ("bin", "etc", "tmp", "usr", "usr/sbin", "var", "var/run")]
    entries += [("bin/busybox", read(busybox))]
    entries += [("bin/" + applet, image.link("bin/busybox", hard=True)) for applet in APPLETS]
    entries += [("etc/passwd", "\n".join(("root:x:0:0:root:/root:/bin/sh", "www-data:x:33:33::/:/bin/sh",
                                            "nobody:x:65534:65534::/:/bin/sh", *passwd, "")).encode()),
                ("etc/group", "\n".join(("root:x:0:", "www-data:x:33:", "nogroup:x:65534:", *group, "")).encode())]
    return image.tar_layer(entries)


def stand_in(name, mode=0o755):
    """The program of stand-in.c by that name, as a layer."""
    with tempfile.TemporaryDirectory() as directory:
        built = os.path.join(directory, "stand-in")
        subprocess.run(["cc", "-static", "-Os", "-o", built, os.path.join(HERE, "stand-in.c")], check=True)
        return image.archive(image.entry("usr/sbin/" + name, read(built), mode=mode))


def all_images(busybox):
    """(repository, tag, image, behind an index?); `busybox` is the dynamic flavour, whose shell runs what is on the disk: the
    static one's prefers its own."""
    libraries, plain = libraries_layer(busybox), base_layer(busybox)
    predefined = base_layer(busybox, ["default-user:x:1000:1000::/:/bin/sh"],
                            ["default-user:x:1000:", "group-defined-in-image:x:50000:default-user"])
    nginx = stand_in("nginx")

    def based(*layers, **config):
        return image.Image([libraries, plain, *layers], {"Env": ["PATH=/usr/sbin:/usr/bin:/bin"], "Cmd": ["sh"], **config})

    def distinct(name):
        return based(image.tar_layer([(name, name.encode())]))

    yield f"{E2E}/busybox", "1.29-2", based(), True
    yield f"{E2E}/nginx", "1.14-2", based(nginx, Cmd=["/usr/sbin/nginx"]), True
    yield f"{E2E}/httpd", "2.4.39-4", based(stand_in("httpd"), Cmd=["/usr/sbin/httpd"]), True
    yield f"{E2E}/nonewprivs", "1.3", based(stand_in("nnp", 0o4755), Entrypoint=["/usr/sbin/nnp"]), True
    yield "pause", "3.9", based(Cmd=["sleep", "1000000"]), True
    for name, user in (("uid", "1002"), ("username", "www-data"), ("uid-group", "1003:1004"), ("username-group", "www-data:1004")):
        yield f"{TOOLS}/test-image-user-{name}", "latest", based(User=user), True
    yield f"{TOOLS}/test-image-predefined-group", "latest", based(predefined, User="1000"), True
    yield f"{TOOLS}/hostnet-nginx-amd64", "latest", based(nginx, Cmd=["/usr/sbin/nginx"], Env=["PATH=/bin", "PORT=12003"]), True
    yield f"{TOOLS}/test-image-latest", "latest", distinct("latest"), False
    yield f"{TOOLS}/test-image-tag", "test", distinct("test"), True
    yield f"{TOOLS}/test-image-tag", "all", distinct("all"), True
    for number in "123":
        yield f"{TOOLS}/test-image-{number}", "latest", distinct("image-" + number), True
    for number in "123":
        yield f"{TOOLS}/test-image-tags", number, distinct("tags"), True
