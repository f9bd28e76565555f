# Served by bulkhead-imaged to bulkhead-cri, over stream sockets with Cap'n Proto RPC. Nothing that imaged answers is
# believed by anyone but as bytes to be hashed, except which digest a tag means.
@0xd5f566e13b24822b;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";

interface Imaged {
  resolve @0 (reference :Text, auth :Auth, platform :Platform, signatures :SignatureKinds, namespace :Text)
      -> (result :Common.Result(Resolved));
  # Fetches the documents that make an image: index if there is one, manifest, config. `reference` is as the user wrote
  # it: a short name is looked up as root's registries.conf says. `namespace` is the pod's; it chooses among the auth
  # files; empty: none of the namespaces'. One fetcher process for each name tried, which is gone afterwards. Refusals:
  # invalidArgument (reference), notFound, permissionDenied (401, 403, blocked), unavailable (no answer, 5xx),
  # resourceExhausted (a document over its limit), failedPrecondition (no image for this platform, a configuration that
  # cannot be read, an ambiguous short name). Dropping the call ends the fetcher. Signatures of the kinds that are asked
  # for come with them, as many as there are (none is no refusal); a place that should have them and does not answer is
  # one.

  fetch @1 (reference :Text, auth :Auth, digest :Text, size :UInt64, sink :Common.File, namespace :Text)
      -> (result :Common.Result(Fetched));
  # Streams one blob into the pipe `sink` and closes it; waits for its turn first. `reference` is what resolve answered.
  # At most `size` bytes are written. A short or broken transfer is a refusal. The bytes are unverified: whoever reads
  # the pipe hashes them. Dropping the call ends the fetcher.

  names @2 (reference :Text) -> (result :Common.Result(Names));
  # The full names that `reference` may mean, in the order that resolve would try them. Asks no registry, and does not
  # mind one that is blocked.
}

struct Resolved {
  reference @0 :Text;       # the full name under which it was found: root's configuration says so, not the registry
  documents @1 :Documents;
}

struct Names {
  names @0 :List(Text);
}

struct Auth {
  # As CRI's AuthConfig. Exists only in cri and in the one fetcher that uses it; never logged.
  username @0 :Text;
  password @1 :Text;
  auth @2 :Text;
  serverAddress @3 :Text;
  identityToken @4 :Text;
  registryToken @5 :Text;
}

struct Platform {
  os @0 :Text;
  architecture @1 :Text;
  variant @2 :Text;
}

struct Documents {
  # Each at most 4 MiB (ipc/limits.h).
  index @0 :Data;     # empty if the reference led straight to a manifest
  manifest @1 :Data;
  config @2 :Data;
  signatures @3 :List(Signature);  # of the index and of the manifest; bounded in ipc/limits.h
}

struct SignatureKinds {
  simple @0 :Bool;    # containers-signature(5), from a lookaside store or the registry's extension
  sigstore @1 :Bool;  # cosign's attachments, by tag
}

struct Signature {
  # As it was found: nothing in it is checked before the verifier looks at it.
  union {
    simple @0 :Data;          # one OpenPGP signed message
    sigstore @1 :Attachment;
  }

  struct Attachment {
    # One layer of a "sha256-HEX.sig" image and its annotations (cosign, specs/SIGNATURE_SPEC.md).
    payload @0 :Data;
    signature @1 :Text;    # dev.cosignproject.cosign/signature, base64
    certificate @2 :Text;  # dev.sigstore.cosign/certificate, PEM; may be empty, like those that follow
    chain @3 :Text;        # dev.sigstore.cosign/chain, PEM
    bundle @4 :Text;       # dev.sigstore.cosign/bundle, JSON
  }
}

struct Fetched {
  bytes @0 :UInt64;
}
