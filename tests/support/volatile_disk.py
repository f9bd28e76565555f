"""A disk with a volatile write cache, whose power can be cut between any two of its writes.

It is one file served by FUSE and made a block device by the loop driver, which passes the file system's writes on as
writes and its flushes as fsync. Every request is kept in a journal. A cut at position P leaves what a power cut may
leave of a disk: all that was written before the last flush before P, and of the writes since then any part, in pieces
of 4 KiB. docs/decisions/0027 says why this is sound.
"""

import ctypes
import errno
import mmap
import multiprocessing
import os
import random
import select
import signal
import stat
import struct
import subprocess
import tempfile

BLOCK = 4096
MAX_WRITE = 1 << 20

# linux/fuse.h
HEADER_IN = struct.Struct("=IIQQIIII")
HEADER_OUT = struct.Struct("=IiQ")
(FORGET, GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE, FSYNC, FLUSH, INIT, DESTROY, BATCH_FORGET) = (
    2, 3, 4, 14, 15, 16, 18, 20, 25, 26, 38, 42)
ASYNC_READ, BIG_WRITES, MAX_PAGES = 1 << 0, 1 << 5, 1 << 22
DIRECT_IO = 1

# linux/sched.h, linux/mount.h
CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE, MNT_DETACH = 1 << 14, 1 << 18, 2


class _Server:
    """The process that is the disk. One request at a time: the journal's order is the order of completion."""

    def __init__(self, fuse, control, size, position):
        self.fuse, self.control, self.size, self.position = fuse, control, size, position
        self.content = mmap.mmap(-1, size)  # recording: what a reader sees
        self.journal = []                   # (offset, bytes), or None for a flush
        self.cut = None                     # after a cut: block number -> bytes, over `content`
        self.settled = 0                    # how much of the journal `content` has, after the first cut

    def run(self):
        poll = select.poll()
        poll.register(self.fuse, select.POLLIN)
        poll.register(self.control.fileno(), select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self.fuse:
                    if not self.serve(os.read(self.fuse, MAX_WRITE + BLOCK)):
                        return
                else:
                    try:
                        position, seed = self.control.recv()
                    except EOFError:
                        return
                    self.control.send(self.cut_at(position, seed))

    def serve(self, request):
        length, opcode, unique, _, _, _, _, _ = HEADER_IN.unpack_from(request)
        body = memoryview(request)[HEADER_IN.size:length]
        if opcode in (FORGET, BATCH_FORGET):
            return True
        error, answer = 0, b""
        if opcode == INIT:
            flags = struct.unpack_from("=IIII", body)[3] & (ASYNC_READ | BIG_WRITES | MAX_PAGES)
            answer = struct.pack("=IIIIHHIIHHI28x", 7, 31, 1 << 20, flags, 64, 48, MAX_WRITE, 1, MAX_WRITE // BLOCK, 0, 0)
        elif opcode in (GETATTR, SETATTR):
            answer = struct.pack("=QII", 3600, 0, 0) + struct.pack(
                "=QQQQQQIIIIIIIIII", 1, self.size, self.size // 512, 0, 0, 0, 0, 0, 0,
                stat.S_IFREG | 0o600, 1, 0, 0, 0, BLOCK, 0)
        elif opcode == OPEN:
            answer = struct.pack("=QII", 1, DIRECT_IO, 0)
        elif opcode == READ:
            _, offset, size = struct.unpack_from("=QQI", body)
            answer = self.read(offset, size)
        elif opcode == WRITE:
            _, offset, size = struct.unpack_from("=QQI", body)
            self.write(offset, bytes(body[40:40 + size]))
            answer = struct.pack("=II", size, 0)
        elif opcode == FSYNC:
            self.flush()
        elif opcode not in (RELEASE, FLUSH, DESTROY):
            error = -errno.ENOSYS
        os.writev(self.fuse, [HEADER_OUT.pack(HEADER_OUT.size + len(answer), error, unique), answer])
        return opcode != DESTROY

    def read(self, offset, size):
        data = self.content[offset:offset + size]
        if not self.cut:
            return data
        blocks = [number for number in range(offset // BLOCK, (offset + size - 1) // BLOCK + 1) if number in self.cut]
        if not blocks:
            return data
        data = bytearray(data)
        for number in blocks:
            begin = max(number * BLOCK, offset)
            end = min((number + 1) * BLOCK, offset + size)
            data[begin - offset:end - offset] = self.cut[number][begin - number * BLOCK:end - number * BLOCK]
        return data

    def write(self, offset, data):
        if self.cut is None:
            self.journal.append((offset, data))
            self.content[offset:offset + len(data)] = data
            self.position.value = len(self.journal)
            return
        self._overlay(offset, data)

    def _overlay(self, offset, data):
        at = 0
        while at < len(data):
            number, within = divmod(offset + at, BLOCK)
            piece = data[at:at + BLOCK - within]
            old = self.cut.get(number) or self.content[number * BLOCK:(number + 1) * BLOCK]
            self.cut[number] = old[:within] + piece + old[within + len(piece):]
            at += len(piece)

    def flush(self):
        if self.cut is None:
            self.journal.append(None)
            self.position.value = len(self.journal)

    def cut_at(self, position, seed):
        """From now on the disk is what a cut at `position` left. Positions of successive cuts must not fall."""
        if self.cut is None:
            self.content.close()
            self.content = mmap.mmap(-1, self.size)
        self.cut = {}
        flushed = position
        while flushed > 0 and self.journal[flushed - 1] is not None:
            flushed -= 1
        for entry in self.journal[self.settled:flushed]:
            if entry is not None:
                self.content[entry[0]:entry[0] + len(entry[1])] = entry[1]
        self.settled = max(self.settled, flushed)
        chance = random.Random(seed)
        survival = chance.choice((0.0, 0.1, 0.5, 0.9, 1.0))
        pending = kept = 0
        for offset, data in self.journal[flushed:position]:
            for at in range(0, len(data), BLOCK):
                pending += 1
                if chance.random() < survival:
                    kept += 1
                    self._overlay(offset + at, data[at:at + BLOCK])
        return pending, kept


class VolatileDisk:
    """`device` is the block device while it is attached; `position()` counts its writes and flushes so far."""

    def __init__(self, size):
        self.directory = tempfile.mkdtemp(prefix="bh-disk-")
        self.file = os.path.join(self.directory, "disk")
        open(self.file, "w").close()
        fuse = os.open("/dev/fuse", os.O_RDWR)
        _mount(self.file, f"fd={fuse},rootmode={stat.S_IFREG:o},user_id=0,group_id=0")
        self._position = multiprocessing.RawValue("Q", 0)
        self._control, control = multiprocessing.Pipe()
        self._process = os.fork()
        if self._process == 0:
            # The disk must not die of the test's signals while something is still mounted on it.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_IGN)
            self._control.close()
            try:
                _leave_mount_namespace(self.file)
                _Server(fuse, control, size, self._position).run()
            finally:
                os._exit(0)
        os.close(fuse)
        control.close()
        self.device = None
        self.attach()

    def attach(self):
        done = subprocess.run(["losetup", "--find", "--show", self.file], check=True, capture_output=True, text=True)
        self.device = done.stdout.strip()
        # The file system is told of a cache, and that each write to be durable takes a flush of it.
        for name, value in (("write_cache", "write back"), ("fua", "0")):
            with open(f"/sys/block/{os.path.basename(self.device)}/queue/{name}") as file:
                assert file.read().strip() == value, name

    def detach(self):
        if self.device:
            subprocess.run(["losetup", "--detach", self.device], check=True)
            self.device = None

    def position(self):
        return self._position.value

    def cut_at(self, position, seed):
        """The disk after a power cut; (pieces that were at stake, pieces that survived). Nothing may be attached."""
        assert self.device is None
        self._control.send((position, seed))
        return self._control.recv()

    def close(self):
        self.detach()
        self._control.close()
        subprocess.run(["umount", "-l", self.file], check=False)
        os.waitpid(self._process, 0)
        os.unlink(self.file)
        os.rmdir(self.directory)


def _leave_mount_namespace(file):
    """The disk must not be the last to hold a file system that is mounted on it.

    Whoever exits last unmounts, and waits for the disk to write: killed together with the test, a server in the same
    namespace would wait for itself, and every losetup on the machine for it.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) or libc.mount(None, b"/", None, MS_REC | MS_PRIVATE, None) or \
            libc.umount2(file.encode(), MNT_DETACH):
        raise OSError(ctypes.get_errno(), "a mount namespace for the disk")


def _mount(target, options):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"volatile-disk", target.encode(), b"fuse", 0, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), "mount fuse")
