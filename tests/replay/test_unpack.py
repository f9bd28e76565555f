"""Layers that once broke an unpacker: cve.md 1E, W2, W3, W10, W12, W30, W31."""

import gzip
import os
import stat
import subprocess
import tarfile
import unittest

import image
from image import archive, directory, entry, hardlink, symlink
from replay import Peaks, REFUSED, Replay

BASE = (directory("etc"), entry("etc/passwd", b"inside"), entry("etc/gone", b"x"))


def octal_overflow(layer, field, value, width):
    """The same archive with a number in GNU's base-256 form (tar, "Basic Tar Format") in its first header."""
    header = bytearray(layer[:512])
    header[field:field + width] = (value | 1 << (8 * width - 1)).to_bytes(width, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + layer[512:]


class Unpack(Replay):
    config = "[pull]\nprogress_timeout_seconds = 3\nmax_layer_bytes = 50000000\nmax_layer_entries = 1000\n"

    def refused_layer(self, *entries, texts=()):
        return self.refused(self.serve(archive(*entries)), *texts)

    def same(self, root, one, other):
        self.assertEqual(os.lstat(os.path.join(root, one)).st_ino, os.lstat(os.path.join(root, other)).st_ino, (one, other))

    def content(self, root, path):
        with open(os.path.join(root, path), "rb") as file:
            return file.read()

    def is_whiteout(self, root, path):
        info = os.lstat(os.path.join(root, path))
        self.assertTrue(stat.S_ISCHR(info.st_mode) and info.st_rdev == 0, path)

    # Vulnerable: chmod by the link's name follows it; the canary's mode becomes 0777.
    def test_cve_2021_32760(self):
        target = self.canary.path + "/file"
        [root] = self.pulled(archive(symlink("s", target), hardlink("sketchy", "s", mode=0o777)))
        self.assertEqual(os.readlink(root + "/sketchy"), target)
        self.same(root, "s", "sketchy")

    # Vulnerable: `a` is resolved once, and a/y lands beside the canary.
    def test_cve_2025_47290(self):
        for target in (self.canary.path, "../" * 12 + self.canary.path):
            with self.subTest(target):
                [root] = self.pulled(archive(directory("a"), entry("a/x", b"1"), symlink("a", target)))
                self.assertEqual(os.readlink(root + "/a"), target)  # so far it is a layer like others
                self.refused_layer(directory("a"), entry("a/x", b"1"), symlink("a", target), entry("a/y", b"2"))

    # Vulnerable: the second layer's file goes where the first one's root points.
    def test_cve_2021_29136(self):
        for name in (".", "/", "/.", "./", "a/.."):
            with self.subTest(name):
                self.refused(self.serve(archive(symlink(name, self.canary.path)), archive(entry("pwn", b"x"))))

    # Vulnerable: the codec's process is waited for, for ever. Bounded by the CRI client's own deadline of 60 s.
    def test_cve_2021_20291(self):
        layer = archive(entry("f", b"x" * 100_000))
        xz = subprocess.run(["xz", "-c"], input=layer, capture_output=True, check=True).stdout
        for name, blob in (("whole", xz), ("cut", xz[:-20])):
            for kind in (image.LAYER_TYPE, image.LAYER_TYPE.replace("gzip", "xz"), image.LAYER_TYPE.replace("gzip", "zstd")):
                with self.subTest(blob=name, kind=kind):
                    self.refused(self.serve(layer, compress=lambda _, blob=blob: blob, layer_type=kind))
        self.pulled(layer)  # and the next one comes through

    # Vulnerable: what follows the archive's end is kept in memory, or written.
    def test_cve_2017_14992(self):
        whole = archive(entry("f", b"x"))
        with Peaks(self.instance) as peaks:
            [root] = self.pulled(whole + bytes(40 << 20))
            self.refused(self.serve(whole + bytes(60 << 20)), "larger")
            self.refused(self.serve(archive(entry("f", bytes(60 << 20)))), "larger")
        self.assertEqual(os.listdir(root), ["f"])
        self.assertIn("bulkhead-storaged/storaged", peaks.kib)
        self.assertLess(max(peaks.kib.values()), 48 << 10, peaks.kib)

    # Vulnerable: the sparse map, as long as the archive says, is read into memory. Half a GiB of it here.
    def test_cve_2025_58183(self):
        count = 10_000_000
        table = f"{count}\n".encode() + b"1\n0\n" * count
        table = table.ljust(len(table) + -len(table) % 512, b"\0")
        pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes", "GNU.sparse.realsize": "9000"}
        with Peaks(self.instance) as peaks:
            # libarchive gives up when the worker's memory ends, by abort(3): a broken worker, to those who asked.
            self.refused(self.serve(archive(entry("GNUSparseFile.0/holes", table, pax_headers=pax))),
                         codes=REFUSED + ("INTERNAL",))
        self.assertLess(max(peaks.kib.values()), 264 << 10, peaks.kib)
        few = b"2\n0\n3\n8990\n3\n".ljust(512, b"\0") + b"abcdef"
        [root] = self.pulled(archive(entry("GNUSparseFile.0/holes", few, pax_headers=pax)))
        self.assertEqual(self.content(root, "holes"), b"abc" + bytes(8987) + b"def" + bytes(7))

    # Vulnerable: 2^32 becomes 0.
    def test_w2_owners_that_no_file_can_have(self):
        plain = archive(entry("f", b"x", uid=7, gid=8), form=tarfile.GNU_FORMAT)
        for field in (108, 116):  # uid, gid
            for value in (1 << 32, (1 << 32) - 1, 1 << 40):
                with self.subTest(field=field, value=value):
                    self.refused(self.serve(octal_overflow(plain, field, value, 8)), "owner")
        for key in ("uid", "gid"):
            with self.subTest(key):
                self.refused(self.serve(archive(entry("f", b"x", pax_headers={key: "4294967296"}))), "owner")
        [root] = self.pulled(archive(entry("f", b"x", uid=(1 << 32) - 2, gid=100_000)))
        info = os.lstat(root + "/f")
        self.assertEqual((info.st_uid, info.st_gid), ((1 << 32) - 2, 100_000))

    # Vulnerable: 0x1000 becomes 0, and 0x101 another device.
    def test_w3_device_numbers_that_are_none(self):
        plain = archive(entry("d", type=tarfile.CHRTYPE, devmajor=1, devminor=3), form=tarfile.GNU_FORMAT)
        for field in (329, 337):  # major, minor
            with self.subTest(field):
                self.refused(self.serve(octal_overflow(plain, field, 1 << 20, 8)), "device")

    # W10: the shapes of containerd's TestBreakouts, as their names there. Vulnerable: etc of the host instead of the layer's.
    def test_w10_links_stay_inside(self):
        two = (directory("etc"), entry("etc/passwd", b"inside"))
        cases = {
            "SymlinkAbsolute": ((directory("etc"), symlink("l", "/etc"), entry("/l/passwd", b"in")), "etc/passwd", None),
            "SymlinkUpAndOut": ((*two, directory("dummy"), symlink("l", "/dummy/../etc"), entry("l/new", b"in")),
                                "etc/new", None),
            "SymlinkMultipleAbsolute": ((*two, directory("dummy"), symlink("dummy/etc", "/etc"), symlink("l", "/dummy/etc"),
                                         entry("dummy/etc/new", b"in")), "etc/new", None),
            "SymlinkMultipleRelative": ((*two, directory("dummy"), symlink("dummy/etc", "/etc"), symlink("l", "./dummy/etc"),
                                         entry("l/new", b"in")), "etc/new", None),
            "SymlinkEmptyFile": ((*two, symlink("l", "/etc"), entry("l/passwd", b"")), "etc/passwd", None),
            "HardlinkRelative": ((*two, directory("b"), symlink("b/d1", "../../etc"), hardlink("b/my", "/b/d1/passwd")),
                                 "b/my", "etc/passwd"),
            "HardlinkDownAndOut": ((*two, directory("b"), directory("down"), symlink("b/d1", "../down/../../etc"),
                                    hardlink("b/my", "/b/d1/passwd")), "b/my", "etc/passwd"),
            "HardlinkAbsolute": ((*two, symlink("l", "/etc"), hardlink("my", "/l/passwd")), "my", "etc/passwd"),
            "HardlinkRelativeLong": ((*two, symlink("l", "../" * 7 + "etc"), hardlink("my", "/l/passwd")), "my", "etc/passwd"),
            "HardlinkDirectAbsolute": ((*two, hardlink("my", "/etc/passwd")), "my", "etc/passwd"),
            "SymlinkSlashEnded": ((*two, directory("l/"), hardlink("/l/my", "/etc/passwd")), "l/my", "etc/passwd"),
            "SymlinkOverrideDirectory": ((*two, directory("l"), symlink("l", "/etc"), hardlink("/l/my", "/etc/passwd")),
                                         "etc/my", "etc/passwd"),
            "SymlinkOverrideDirectoryRelative": ((*two, directory("l"), symlink("l", "../../etc"),
                                                  hardlink("l/my", "/etc/passwd")), "etc/my", "etc/passwd"),
            "DirectoryOverrideSymlink": ((*two, symlink("l", "/etc"), directory("l"), hardlink("l/my", "/etc/passwd")),
                                         "l/my", "etc/passwd"),
            "HardlinkSymlinkRelative": ((*two, symlink("s", "../" * 5 + "etc/passwd"), hardlink("my", "/s")), "my", "s"),
            "HardlinkSymlinkAbsolute": ((*two, symlink("s", "/etc/passwd"), hardlink("my", "/s")), "my", "s"),
            "HardlinkSymlinkBeforeCreateTarget": ((directory("etc"), symlink("s", "/etc/passwd"), hardlink("my", "s"),
                                                   entry("/etc/passwd", b"after")), "my", "s"),
        }
        for name, (entries, one, other) in cases.items():
            with self.subTest(name):
                [root] = self.pulled(archive(*entries))
                self.same(root, one, other or one)
                self.assertEqual(self.content(root, "etc/passwd") if other else b"",
                                 (b"after" if "Before" in name else b"inside") if other else b"")

    # Vulnerable: the peer unlinks first and follows `..`.
    def test_w10_names_that_climb_are_refused(self):
        two = (directory("etc"), entry("etc/passwd", b"inside"))
        cases = {
            "SymlinkParentDirectory": (*two, symlink("..", "/etc/")),
            "SymlinkParentRelative": (*two, symlink("l/sub/..", "/etc/")),
            "SymlinkEmptyFilename": (*two, symlink("", "/etc/")),
            "HardlinkDirectRelative": (*two, hardlink("my", "../../../../../etc/passwd")),
            "HardlinkRelativeUpAndOut": (*two, symlink("l", "up/../../../etc"), hardlink("my", "/l/passwd")),
            "File": (entry("../../../../../.." + self.canary.path + "/pwn", b"x"),),
            "Inner": (directory("a"), entry("a/../../pwn", b"x")),
            "Link out of the layer": (symlink("l", self.canary.path), entry("l/pwn", b"x")),
            "Hard link through it": (symlink("l", self.canary.path), hardlink("my", "l/file")),
            "Directory through it": (symlink("l", self.canary.path), directory("l/sub")),
            "Whiteout through it": (symlink("l", self.canary.path), entry("l/.wh.file")),
            "Opaque through it": (symlink("l", self.canary.path), entry("l/.wh..wh..opq")),
        }
        for name, entries in cases.items():
            with self.subTest(name):
                self.refused_layer(*entries)

    # Vulnerable: `.wh..` removes the directory it stands in, `.wh...` the one above.
    def test_w10_whiteouts_of_nothing_are_refused(self):
        for name in (".wh..", ".wh...", "etc/.wh..", "etc/.wh...", ".wh.", "etc/.wh."):
            with self.subTest(name):
                self.refused(self.serve(archive(*BASE), archive(entry(name))), "whiteout")

    def test_w10_whiteouts_mean_the_layer_below(self):
        base = archive(*BASE, symlink("l", "/etc"))
        below, above = self.pulled(base, archive(entry("etc/.wh.gone"), entry(".wh.l")))
        self.is_whiteout(above, "etc/gone")
        self.is_whiteout(above, "l")
        self.assertEqual(self.content(below, "etc/gone"), b"x")
        # Through a link that only a lower layer has: nothing of the lower layer's is reached.
        below, above = self.pulled(base, archive(entry("l/.wh.passwd")))
        self.assertEqual(self.content(below, "etc/passwd"), b"inside")
        # `.wh.` in the middle of a path is a name like others, and no whiteout.
        [root] = self.pulled(archive(entry("d.wh.etc/some", b"non-empty")))
        self.assertEqual(self.content(root, "d.wh.etc/some"), b"non-empty")

    # c/storage's "victim": a directory swapped for a link between two entries, at any depth.
    def test_w10_victim(self):
        victim = self.canary.path
        for entries in ((symlink("loop", victim), symlink("loop/x", "y")),
                        (directory("a"), directory("a/b"), symlink("a/b", victim), entry("a/b/file", b"pwn")),
                        (symlink("a", victim), symlink("b", "a"), entry("b/file", b"pwn")),
                        (symlink("a", victim), hardlink("b", "a"), entry("b/file", b"pwn"))):
            self.refused_layer(*entries)

    # Vulnerable: the table of contents of zstd:chunked, and not the stream, says what the layer is.
    def test_w12_chunked_tables_are_ignored(self):
        layer = archive(entry("honest", b"1"))

        def chunked(data):
            stream = subprocess.run(["zstd", "-c"], input=data, capture_output=True, check=True).stdout
            table = b'{"version":1,"entries":[{"type":"reg","name":"evil"}]}'
            return stream + b"\x51\x2a\x4d\x18" + len(table).to_bytes(4, "little") + table

        [root] = self.pulled(layer, compress=chunked, layer_type=image.LAYER_TYPE.replace("gzip", "zstd"))
        self.assertEqual(os.listdir(root), ["honest"])

    # Vulnerable: the disk, the inodes or the kernel's patience ends before the archive does.
    def test_w30_bombs(self):
        deep = "d/" * 2000 + "f"
        bombs = {
            "ratio": (entry("f", bytes(100 << 20)),),
            "entries": tuple(entry(str(number)) for number in range(1001)),
            "implied directories": tuple(entry(f"{number}/a/b/c/d/e/f") for number in range(200)),
            "depth": (entry(deep),),
            "component": (entry("n" * 256),),
            "path": (entry("/".join(["n" * 200] * 21)),),
        }
        for name, entries in bombs.items():
            with self.subTest(name):
                self.refused_layer(*entries)
        self.refused(self.serve(archive(entry("f", b"x")), compress=lambda data: gzip.compress(data) + gzip.compress(bytes(60 << 20))))

    # Vulnerable: the kernel parses a file system that a stranger made.
    def test_w31_file_systems_are_no_layers(self):
        for kind in ("application/vnd.erofs.layer.v1", "application/vnd.oci.image.layer.v1.squashfs",
                     "application/vnd.oci.image.layer.v1.ext4"):
            with self.subTest(kind):
                self.refused(self.serve(archive(entry("f", b"x")), layer_type=kind), "mediaType")


del Replay  # unittest would run it by itself

if __name__ == "__main__":
    unittest.main()
