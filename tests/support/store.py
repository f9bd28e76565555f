"""The store as it lies on disk, held against the archives that were pushed."""

import contextlib
import hashlib
import io
import os
import sqlite3
import stat
import tarfile


def named_layers(storage):
    """{reference: [(diff id, the layer's directory), lowest first]} of every name in the index."""
    found = {}
    for reference, diff_id, layer in _select(
            storage, "SELECT names.reference, layers.diff_id, image_layers.layer FROM names"
            " LEFT JOIN image_layers USING (image) LEFT JOIN layers ON layers.name = image_layers.layer"
            " ORDER BY names.reference, position"):
        found.setdefault(reference, []).append((diff_id, f"{storage}/layers/{layer}/closed/diff"))
    return found


def strangers(storage):
    """What lies in the store though the index names it nowhere: leftovers, once the sweep is done."""
    layers = {name for name, in _select(storage, "SELECT name FROM layers")}
    left = [f"layers/{name}" for name in os.listdir(f"{storage}/layers") if name not in layers]
    return left + [f"{part}/{name}" for part in ("staging", "trash") for name in os.listdir(f"{storage}/{part}")]


def _select(storage, query):
    with contextlib.closing(sqlite3.connect(f"file:{storage}/bulkhead.sqlite?mode=ro", uri=True)) as index:
        return index.execute(query).fetchall()


def of_archive(layer):
    """{path: facts} that a plain archive (no entry twice, parents before children) must become."""
    tree = {}
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        for entry in tar:
            path = os.path.normpath(entry.name)
            parent, name = os.path.split(path)
            if name.startswith(".wh."):
                tree[os.path.join(parent, name[4:])] = ("whiteout",)
            elif entry.islnk():
                tree[path] = tree[os.path.normpath(entry.linkname)]
            elif entry.issym():
                tree[path] = ("link", entry.linkname)
            elif entry.isdir():
                tree[path] = ("directory", entry.mode, entry.uid, entry.gid)
            else:
                content = hashlib.sha256(tar.extractfile(entry).read()).hexdigest()
                tree[path] = ("file", entry.mode, entry.uid, entry.gid, int(entry.mtime), entry.size, content)
    return tree


def of_directory(top):
    """{path: facts} of a layer's directory."""
    return {os.path.relpath(path, top): _facts(path) for path in _walk(top)}


def _walk(top):
    for entry in os.scandir(top):
        yield entry.path
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path)


def _facts(path):
    info = os.lstat(path)
    mode = stat.S_IMODE(info.st_mode)
    if stat.S_ISLNK(info.st_mode):
        return ("link", os.readlink(path))
    if stat.S_ISDIR(info.st_mode):
        return ("directory", mode, info.st_uid, info.st_gid)
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as file:
            content = hashlib.file_digest(file, "sha256").hexdigest()
        return ("file", mode, info.st_uid, info.st_gid, int(info.st_mtime), info.st_size, content)
    if stat.S_ISCHR(info.st_mode) and info.st_rdev == 0:
        return ("whiteout",)
    return ("strange", info.st_mode)
