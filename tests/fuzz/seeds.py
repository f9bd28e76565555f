"""Writes the seeds of corpus/: small, each with something that mutations rarely find by themselves.

    PYTHONPATH=tests/support tests/fuzz/seeds.py
"""

import base64
import gzip
import io
import json
import os
import subprocess
import tarfile

import image

HERE = os.path.dirname(os.path.abspath(__file__))
ZEROS = "sha256:" + "0" * 64


def write(target, **seeds):
    directory = os.path.join(HERE, "corpus", target)
    os.makedirs(directory, exist_ok=True)
    for name, content in seeds.items():
        with open(os.path.join(directory, name.replace("_", "-")), "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)


def tar(*entries, form=tarfile.PAX_FORMAT):
    """Entries are (name, changes to its TarInfo, content); two zero blocks end it, and no more."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, changes, content in entries:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for key, value in changes.items():
                setattr(info, key, value)
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue().rstrip(b"\0").ljust(512, b"\0") + bytes(1024 + -len(buffer.getvalue().rstrip(b"\0")) % 512)


def sparse(version):
    """A GNU sparse file with a hole in the middle, as pax headers say it (tar, "Sparse Formats")."""
    pax = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "holes", "GNU.sparse.realsize": "9000"}
    table = b"2\n0\n3\n8990\n3\n".ljust(512, b"\0")
    if version == 0:
        pax = {"GNU.sparse.size": "9000", "GNU.sparse.numblocks": "2", "GNU.sparse.map": "0,3,8990,3"}
        table = b""
    return tar(("GNUSparseFile.0/holes", {"pax_headers": pax}, table + b"abcdef"))


def unpack():
    kind = tarfile
    directory, link, hard = {"type": kind.DIRTYPE}, {"type": kind.SYMTYPE}, {"type": kind.LNKTYPE}
    write(
        "unpack",
        files=tar(("d", directory, b""), ("d/f", {"mode": 0o4755, "uid": 1000}, b"hello"), ("d/f", {}, b"again")),
        links=tar(("f", {}, b"x"), ("s", {**link, "linkname": "../../canary"}, b""), ("s/through", {}, b"x"),
                  ("h", {**hard, "linkname": "f"}, b""), ("h2", {**hard, "linkname": "s/file"}, b"")),
        swap=tar(("a", directory, b""), ("a/x", {}, b"1"), ("a", {**link, "linkname": "/canary"}, b""), ("a/y", {}, b"2")),
        marks=tar(("d", directory, b""), ("d/.wh.gone", {}, b""), ("d/.wh..wh..opq", {}, b""), (".wh..wh.plnk", {}, b""),
                  (".wh..", {}, b"")),
        climbs=tar(("../canary/file", {}, b"x"), ("/abs/../x", {}, b"x")),
        nodes=tar(("null", {"type": kind.CHRTYPE, "devmajor": 1, "devminor": 3}, b""), ("disk", {"type": kind.BLKTYPE}, b""),
                  ("pipe", {"type": kind.FIFOTYPE}, b"")),
        xattrs=tar(("f", {"pax_headers": {"SCHILY.xattr.user.a": "b", "SCHILY.xattr.trusted.overlay.opaque": "y",
                                          "SCHILY.xattr.user.overlay.opaque": "y", "LIBARCHIVE.xattr.user.c": "ZA=="}}, b"x")),
        pax=tar(("é" * 60, {"uid": 1 << 40, "mtime": 1.5}, b"x"), ("n/" * 120 + "f", {}, b"x")),
        gnu=tar(("n/" * 120 + "f", {"linkname": "l" * 150, "type": kind.SYMTYPE}, b""), form=kind.GNU_FORMAT),
        ustar=tar(("n/" * 60 + "f", {}, b"x"), form=kind.USTAR_FORMAT),
        sparse_1=sparse(1), sparse_0=sparse(0),
        root=tar((".", directory, b""), ("./", {**link, "linkname": "/canary"}, b""), ("pwn", {}, b"x")))


def decompress():
    text = b"some text, some text, some text" * 20
    zstd = subprocess.run(["zstd", "-c", "--check"], input=text, capture_output=True, check=True).stdout
    skippable = b"\x50\x2a\x4d\x18\x04\x00\x00\x00skip"
    bomb = gzip.compress(bytes(3 << 20))
    write("decompress", plain=b"\0" + text, gzip=b"\1" + gzip.compress(text, mtime=0),
          members=b"\1" + gzip.compress(text, mtime=0) + gzip.compress(b"more", mtime=0),
          named=b"\1\x1f\x8b\x08\x1c" + bytes(6) + b"\x02\x00xxname\0comment\0" + gzip.compress(text, mtime=0)[10:],
          cut=b"\1" + gzip.compress(text, mtime=0)[:-5], behind=b"\1" + gzip.compress(text, mtime=0) + b"garbage",
          bomb=b"\1" + bomb, zstd=b"\2" + zstd, frames=b"\2" + skippable + zstd + zstd, zstd_cut=b"\2" + zstd[:-3])


def documents():
    made = image.Image([b"one", b"two"], {
        "User": "0:0", "Env": ["A=b"], "Entrypoint": ["/x"], "Cmd": None, "WorkingDir": "/w", "StopSignal": "SIGTERM",
        "Volumes": {"/v": {}}, "Labels": {"k": "v"}})
    docker = json.loads(made.manifest)
    docker["mediaType"] = "application/vnd.docker.distribution.manifest.v2+json"
    docker["config"]["mediaType"] = "application/vnd.docker.container.image.v1+json"
    for each in docker["layers"]:
        each["mediaType"] = "application/vnd.docker.image.rootfs.diff.tar.gzip"
    both = {**made.document, "manifests": []}
    foreign = json.loads(made.manifest)
    foreign["layers"][0].update(urls=["http://evil.test/x"], annotations={"a": "b"}, mediaType=image.LAYER_TYPE[:-4] + "zstd")
    index = json.loads(made.index())
    index["manifests"].append({"digest": ZEROS, "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}})
    seeds = {"oci": made.manifest, "docker": json.dumps(docker), "both": json.dumps(both), "foreign": json.dumps(foreign),
             "schema_1": '{"schemaVersion":1,"fsLayers":[],"history":[]}', "twice": '{"schemaVersion":2,"schemaVersion":2}',
             "deep": '{"layers":' + "[" * 40 + "]" * 40 + "}", "digest": json.dumps(made.document).replace("sha256:", "../")}
    old = image.Schema1([(image.archive(image.entry("f", b"x")), {"author": "a"}), (None, {"container_config": {"Cmd": ["/bin/sh", "-c"]}})],
                        {"User": "7", "Cmd": ["sh"]}, compress=lambda data: gzip.compress(data, mtime=0))
    write("schema1", plain=old.manifest, signed=old.signed(), twice=old.signed(payload=old.signed()))
    write("manifest", with_index=json.dumps(index).encode() + b"\0" + made.manifest, **seeds)
    write("registry-documents", index=json.dumps(index), **seeds)
    config = json.loads(made.config)
    write("config", whole=made.config, no_settings=json.dumps({**config, "config": None}),
          nul=made.config.replace(b"SIGTERM", b"\\u0000"), surrogate=made.config.replace(b"SIGTERM", b"\\ud800"),
          numbers=made.config.replace(b'"0:0"', b"1e999"), no_layers='{"rootfs":{"type":"layers","diff_ids":[]}}')


def texts():
    write("reference", short="busybox", whole="localhost:5000/a/b__c-d.e:Tag.1@sha256:" + "a" * 64, ipv6="[::1]:5000/x:y", nul="[::1\0]/x",
          climbs="example.com/../x", escape="example.com/%2e%2e/x", upper="A/b", docker="docker.io/library/x@" + ZEROS)
    passwd, group = "root:x:0:0::/:/bin/sh\napp:x:1000:1001::/:\n1002:x:0:0::/:\n", "root:x:0:\nstaff:x:50:app,root\n"
    write("accounts", both="app:staff\0" + passwd + "\0" + group, number="1002\0" + passwd + "\0" + group,
          wraps="app\0app:x:4294967296:4294967295::/:\n\0staff:x:4294967296:app\n", long_number="9" * 36 + "\0" + "9" * 36 + ":x:0:0::/:",
          short="app\0app:x:1\napp:x:1:2\0:::\n::::app", colons="a:\0a:a:1:1\0,,:x:2:,a,")
    write("auth-challenge", bearer='Bearer realm="https://auth.test/token",service="r",scope="repository:a/b:pull"',
          several='Basic realm="a", Bearer realm=b , service = "c\\"d",,Negotiate', open='Bearer realm="', token68="Negotiate a+/b==")
    write("url", absolute="https://registry.test:5000/v2/\n/v2/x?a=b#c", relative="http://[::1]:5000/a/b\n../c",
          host="http://a.test/\n//b.test/x", user="http://u:p@a.test/", file="http://a.test/\nfile:///etc/passwd",
          control="http://a.test/\nhttp://b.test/\t\r", idn="http://ä.test/\nHTTPS://B.TEST:443")


def cni():
    bridge = {"type": "bridge", "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.1.0.0/16"}]]}}
    portmap = {"type": "portmap", "capabilities": {"portMappings": True, "dns": False}}
    result = {"cniVersion": "1.0.0", "interfaces": [{"name": "eth0"}], "dns": {},
              "ips": [{"address": "10.1.0.2/16", "interface": 0}, {"address": "fd00::2/64"}]}
    facts = {"annotations": {"a/b": "c"}, "cgroupPath": "/pods/p", "dns": {"servers": ["10.0.0.1"]}, "ingressRate": 1000}
    mapping = {"protocol": "sctp", "containerPort": 80, "hostPort": 65535, "hostIp": "::1"}
    pod = {"id": "a" * 64, "name": "n", "namespace": "s", "uid": "u", "portMappings": [mapping], "facts": facts}
    write("cni", list=json.dumps({"cniVersion": "0.4.0", "cniVersions": ["1.1.0"], "name": "net", "disableGC": "true",
                                  "plugins": [bridge, portmap]}),
          single=json.dumps({"cniVersion": "0.3.1", "name": "net", **bridge}), result=json.dumps(result),
          climbs='{"cniVersion":"1.0.0","name":"n","type":"../x"}', deep='{"a":' + "[" * 70, quote='{"a\\":"[[{","b":"\\\\"}',
          error='{"code":11,"msg":"no\\u001b[31m","details":"\\ud83d\\ude00"}', pod=json.dumps(pod))


def signatures():
    """Of the shape of real ones, by keys that nobody trusts."""
    pem = "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGh0f\n-----END PUBLIC KEY-----\n"
    data = base64.b64encode(pem.encode()).decode()
    keys = {"type": "sigstoreSigned", "keyDatas": [data], "rekorPublicKeyPath": "/etc/rekor.pub",
            "signedIdentity": {"type": "remapIdentity", "prefix": "mirror.test/a", "signedPrefix": "quay.io"}}
    keyless = {"type": "sigstoreSigned", "rekorPublicKeyData": data, "fulcio": {
        "caPath": "/etc/ca.pem", "oidcIssuer": "https://issuer.test", "subjectEmail": "dev@example.com"}}
    gpg = {"type": "signedBy", "keyType": "GPGKeys", "keyPaths": ["/etc/a.gpg"],
           "signedIdentity": {"type": "exactReference", "dockerReference": "quay.io/a:1"}}
    scopes = {"quay.io/team/app:1": [keys], "quay.io": [gpg, keyless], "*.example.com": [{"type": "reject"}], "": [gpg]}
    write("signature-policy", lax='{"default":[{"type":"insecureAcceptAnything"}]}',
          whole=json.dumps({"default": [{"type": "reject"}], "transports": {"docker": scopes, "atomic": {"": [gpg]}}}),
          twice='{"default":[{"type":"reject"}],"default":[{"type":"insecureAcceptAnything"}]}', empty='{"default":[]}')
    claim = {"critical": {"type": "cosign container image signature", "image": {"docker-manifest-digest": ZEROS},
                          "identity": {"docker-reference": "quay.io/a:1@" + ZEROS}}, "optional": {"timestamp": 1}}
    body = {"apiVersion": "0.0.1", "kind": "hashedrekord", "spec": {
        "data": {"hash": {"algorithm": "sha256", "value": "0" * 64}},
        "signature": {"content": data, "publicKey": {"content": data}}}}
    entry = {"SignedEntryTimestamp": data, "Payload": {
        "body": base64.b64encode(json.dumps(body).encode()).decode(), "integratedTime": 1700000000, "logIndex": 1, "logID": "0" * 64}}
    certificate = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/null",
         "-subj", "/CN=x", "-addext", "subjectAltName=email:dev@example.com", "-addext", "extendedKeyUsage=codeSigning",
         "-addext", "1.3.6.1.4.1.57264.1.8=ASN1:UTF8String:issuer"], capture_output=True, check=True).stdout
    write("signature", claim=b"\0" + json.dumps(claim).encode(),
          simple=b"\0" + json.dumps(claim).replace("cosign container image", "atomic container").encode(),
          log=b"\1" + json.dumps(entry).encode(), certificate=b"\2" + certificate, chain=b"\2" + certificate * 3,
          attached=b"\3" + data.encode(), attached_claim=b"\3" + json.dumps(claim).encode())
    attached = {"mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "digest": ZEROS, "size": 7, "annotations": {
        "dev.cosignproject.cosign/signature": data, "dev.sigstore.cosign/bundle": json.dumps(entry)}}
    write("registry-documents", attachments=json.dumps({"layers": [attached, attached]}),
          extension=json.dumps({"signatures": [{"schemaVersion": 2, "type": "atomic", "content": data}]}))


def streaming():
    """Clients of exec: their request, and their frames."""
    head = "{} /exec/{} HTTP/1.1\r\nHost: 127.0.0.1:1\r\nConnection: Upgrade\r\nUpgrade: {}\r\n{}\r\n"
    spdy = head.format("POST", "a" * 64, "SPDY/3.1", "Content-Length: 0\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n"
                       "X-Stream-Protocol-Version: channel.k8s.io\r\n")
    web = head.format("GET", "a?b=c", "websocket", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                      "Sec-WebSocket-Protocol: v9.x, v5.channel.k8s.io\r\n")
    write("upgrade", spdy=spdy + '{"Width":80,"Height":24}', websocket=web, body=spdy.replace("Length: 0", "Length: 9"))

    def frame(opcode, body, final=True):
        return bytes([(0x80 if final else 0) | opcode, 0x80 | len(body)]) + b"mask" + bytes(b ^ b"mask"[i % 4] for i, b in enumerate(body))
    talk = frame(2, b"\0hello") + frame(9, b"ping") + frame(2, b"\0a", False) + frame(0, b"b") + frame(2, b'\4{"Width":1,"Height":2}')
    write("websocket", v4=b"\0" + talk, v5=b"\6" + talk + frame(2, b"\xff\0"), base64=b"\1" + frame(1, b"0aGVsbG8=") + frame(8, b"\x03\xe8"),
          long=b"\0\x82\xfe\0\xc8" + bytes(204), huge=b"\0\x82\xff\x7f" + b"\xff" * 7 + b"mask")

    def piece(kind, body):
        return bytes([kind, len(body)]) + body

    def block(*texts):
        return (len(texts) // 2).to_bytes(4, "big") + b"".join(len(t).to_bytes(4, "big") + t for t in texts)
    number = lambda *values: b"".join(value.to_bytes(4, "big") for value in values)
    syn = piece(1, block(b"streamtype", b"stdin"))
    write("spdy", raw=b"\0" + b"\x80\3\0\6\0\0\0\4\0\0\0\1" + b"\0\0\0\1\1\0\0\5hello",
          made=b"\1" + syn + piece(129, b"hello") + piece(4, number(1, 7, 100)) + piece(9, number(1, 50)) + piece(6, number(1)) + piece(137, b""),
          bomb=b"\1" + piece(1, number(0xffffffff, 0xffffffff)) + piece(4, number(0xffffffff)), reset=b"\1" + syn + piece(3, number(13, 5)) + piece(7, number(0, 0)),
          headers=b"\5" + syn + piece(8, block(b"a", b"b")) + piece(2, block()))


if __name__ == "__main__":
    streaming()
    signatures()
    unpack()
    decompress()
    documents()
    texts()
    cni()
