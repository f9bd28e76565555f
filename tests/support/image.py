"""Images for tests, made from nothing but busybox-static and Python: layers, configs and manifests as bytes."""

import base64
import gzip
import hashlib
import io
import json
import tarfile

BUSYBOX = "/bin/busybox"
APPLETS = ("sh", "echo", "cat", "sleep", "ls", "id", "true", "false", "ip", "hostname", "head", "seq", "touch", "mkdir",
           "ps", "kill", "wc", "dd", "test", "sync", "grep", "chmod", "env", "stat", "mount", "nc", "wget", "yes", "rm", "tr", "cut", "od",
           "mknod")

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"


def digest(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def tar_layer(entries):
    """A tar of (name, content) pairs; content is bytes for a file, None for a directory, a TarInfo for anything else."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in entries:
            if isinstance(content, tarfile.TarInfo):
                content.name = name
                tar.addfile(content)
                continue
            info = tarfile.TarInfo(name)
            info.mtime = 1_700_000_000
            if content is None:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
                tar.addfile(info)
            else:
                info.size, info.mode = len(content), 0o755
                tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def entry(name, content=b"", **changes):
    """For archive(): a file unless `changes` to its TarInfo (type, linkname, mode, uid, pax_headers…) say otherwise."""
    info = tarfile.TarInfo(name)
    info.mtime, info.mode, info.size = 1_700_000_000, 0o644, len(content)
    for key, value in changes.items():
        setattr(info, key, value)
    return info, content


def directory(name, **changes):
    return entry(name, **{"type": tarfile.DIRTYPE, "mode": 0o755, **changes})


def symlink(name, target):
    return entry(name, type=tarfile.SYMTYPE, linkname=target)


def hardlink(name, target, **changes):
    return entry(name, type=tarfile.LNKTYPE, linkname=target, **changes)


def archive(*entries, form=tarfile.PAX_FORMAT):
    """A tar of exactly these entries, in this order, whatever they say."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def link(target, hard=False):
    info = tarfile.TarInfo()
    info.type = tarfile.LNKTYPE if hard else tarfile.SYMTYPE
    info.linkname, info.mode = target, 0o777
    return info


def busybox_layer():
    with open(BUSYBOX, "rb") as program:
        entries = [("bin", None), ("etc", None), ("tmp", None), ("bin/busybox", program.read())]
    entries += [("bin/" + applet, link("bin/busybox", hard=True)) for applet in APPLETS]
    entries += [("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", b"root:x:0:\n")]
    return tar_layer(entries)


class Image:
    """One image: `layers` are uncompressed tars."""

    def __init__(self, layers, config=None, compress=gzip.compress, layer_type=LAYER_TYPE):
        self.blobs = {}
        descriptors = []
        for layer in layers:
            blob = compress(layer)
            self.blobs[digest(blob)] = blob
            descriptors.append({"mediaType": layer_type, "digest": digest(blob), "size": len(blob)})
        document = {
            "architecture": "amd64", "os": "linux", "config": config or {},
            "rootfs": {"type": "layers", "diff_ids": [digest(layer) for layer in layers]},
        }
        self.config = json.dumps(document).encode()
        self.blobs[digest(self.config)] = self.config
        self.document = {
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": digest(self.config), "size": len(self.config)},
            "layers": descriptors,
        }

    @property
    def manifest(self):
        return json.dumps(self.document).encode()

    @property
    def id(self):
        return digest(self.config)

    def index(self):
        entry = {"mediaType": MANIFEST_TYPE, "digest": digest(self.manifest), "size": len(self.manifest),
                 "platform": {"os": "linux", "architecture": "amd64"}}
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}).encode()


class Artifact:
    """An OCI artifact: `files` are (title, bytes) pairs; what an image's registry takes, with an artifact's manifest."""

    def __init__(self, files, config=b"{}", config_type="application/vnd.oci.empty.v1+json", **more):
        self.blobs = {digest(config): config, **{digest(content): content for _, content in files}}
        self.document = {
            "schemaVersion": 2, "mediaType": MANIFEST_TYPE, "artifactType": "application/vnd.example.model",
            "config": {"mediaType": config_type, "digest": digest(config), "size": len(config)},
            "layers": [{"mediaType": "application/vnd.example.file", "digest": digest(content), "size": len(content),
                        **({"annotations": {"org.opencontainers.image.title": title}} if title else {})}
                       for title, content in files],
            **more,
        }

    @property
    def manifest(self):
        return json.dumps(self.document).encode()


SCHEMA1_TYPE = "application/vnd.docker.distribution.manifest.v1+prettyjws"


class Schema1:
    """An image of Docker's schema 1. `steps` are (tar or None, settings) pairs, base first; a step without a tar is one
    that changed no files. `manifest` is what is signed, `signed()` the document as registries serve it."""

    def __init__(self, steps, config, compress=gzip.compress):
        empty = compress(archive())
        self.blobs = {}
        layers, history = [], []
        for number, (tar, settings) in enumerate(steps):
            blob = empty if tar is None else compress(tar)
            if tar is not None:
                self.blobs[digest(blob)] = blob
            step = {"id": f"{number:064x}", "created": "2015-01-01T00:00:00Z", **settings, **({"throwaway": True} if tar is None else {}),
                    **({"parent": f"{number - 1:064x}"} if number else {})}
            if number == len(steps) - 1:
                step.update(os="linux", architecture="amd64", config=config)
            layers.insert(0, {"blobSum": digest(blob)})
            history.insert(0, {"v1Compatibility": json.dumps(step)})
        self.document = {"schemaVersion": 1, "name": "library/old", "tag": "v1", "architecture": "amd64",
                         "fsLayers": layers, "history": history}

    @property
    def manifest(self):
        return json.dumps(self.document, indent=3).encode()

    def signed(self, payload=None, keep=None, around=None):
        """`payload`, which is signed, in a document that is it, or `around`; `keep` of its bytes are the document's."""
        payload = payload or self.manifest
        around = around or payload
        keep = len(payload) - 2 if keep is None else keep
        header = {"formatLength": keep, "formatTail": _unpadded(payload[keep:]), "time": "2015-01-01T00:00:00Z"}
        signature = {"header": {"alg": "ES256"}, "signature": "AAAA", "protected": _unpadded(json.dumps(header).encode())}
        return around[:-2] + b',\n   "signatures": ' + json.dumps([signature]).encode() + b"\n}"


def _unpadded(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def busybox_image(**config):
    settings = {"Cmd": ["sh"], "Env": ["PATH=/bin"]}
    settings.update(config)
    return Image([busybox_layer()], settings)
