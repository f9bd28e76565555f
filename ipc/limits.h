// Every number that bounds what a peer can make us allocate or wait for, with its reason.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace bulkhead::limits {

using namespace std::chrono_literals;

// A SEQPACKET message ends at about 208 KiB by default (net.core.wmem_default); larger bodies go as a sealed
// memfd.
inline constexpr size_t packetInline = 64 * 1024;
// The largest flat message. A pod's whole spec is kilobytes; three documents and the signatures, limited
// below, with their frame are the most.
inline constexpr size_t packetBody = 17 * 1024 * 1024;
// Descriptors on one packet; the CNI run needs four.
inline constexpr size_t packetFds = 4;

// Manifest, index and config: 4 MiB each, as the peers accept (containers/image, internal/iolimits).
inline constexpr size_t document = 4 * 1024 * 1024;
// Signatures of one image: each, how many, and all together. containers/image takes 4 MiB and 128; a GPG
// signature is a few hundred bytes, a keyless one with its certificates and log entry some 10 KiB.
inline constexpr size_t signature = 1024 * 1024;
inline constexpr size_t signatures = 128;
inline constexpr size_t signaturesTotal = 4 * 1024 * 1024;
// A file that the verifier reads: a policy, a key ring, certificates.
inline constexpr size_t trustFile = 1024 * 1024;
// RPC messages carry at most three documents and the signatures.
inline constexpr uint64_t rpcTraversalWords = (3 * document + signaturesTotal + 1024 * 1024) / 8;
inline constexpr int rpcNesting = 16;
// Bytes in flight per RPC connection before the reader stops: enough for a handful of calls with documents.
inline constexpr size_t rpcFlowBytes = 32 * 1024 * 1024;

// overlayfs takes 500 lower layers, Docker and OCI builders stop at 127.
inline constexpr size_t imageLayers = 127;
// Of a manifest's annotations what is shown, in every list of images: one text, and all of them.
inline constexpr size_t annotation = 4 * 1024;
inline constexpr size_t annotationsTotal = 16 * 1024;
// Intakes open at once in storaged: each holds its documents and a directory per layer. The kubelet pulls a
// handful.
inline constexpr size_t imagesComingIn = 64;

// One stream of ExecSync (16 MiB as in the peers; the rest is drained and dropped).
inline constexpr size_t execOutput = 16 * 1024 * 1024;

// A gRPC message in either direction: what the kubelet accepts (16 MiB, its remote runtime client).
inline constexpr size_t grpcMessage = 16 * 1024 * 1024;

// What a CNI plugin may print: results are a few KiB.
inline constexpr size_t pluginOutput = 1024 * 1024;

// What the launcher writes down of a pod and of a container, in words of 8 bytes: 64 KiB, 5 MiB (2 MiB each
// of arguments and environment).
inline constexpr size_t podSpecWords = 8 * 1024;
inline constexpr size_t containerSpecWords = 640 * 1024;

// Texts in a container's spec: what execve(2) takes (MAX_ARG_STRLEN, and a quarter of the default stack).
inline constexpr size_t argument = 128 * 1024;
inline constexpr size_t argumentsTotal = 2 * 1024 * 1024;
inline constexpr size_t mounts = 1024;
// Of a container, with those that directories stand for; of a pod.
inline constexpr size_t devices = 256;
inline constexpr size_t sysctls = 128;

// A request to the launcher that only looks things up.
inline constexpr auto launcherQuick = 30s;
// One that runs the OCI runtime; a runtime that hangs is killed then.
inline constexpr auto ociRuntime = 120s;

// What a registry may make a fetcher hold: one exchange's headers, the body of an error, a token server's
// reply (containers/image, internal/iolimits).
inline constexpr size_t httpHeaders = 64 * 1024;
inline constexpr size_t httpErrorBody = 64 * 1024;
inline constexpr size_t tokenReply = 1024 * 1024;
// All texts of one pull's credential together: cloud tokens are a few KiB, and the request stays one inline
// packet.
inline constexpr size_t credential = 48 * 1024;
// Fetchers at once: two images of 127 layers, all in parallel.
inline constexpr size_t fetchers = 256;

// Layers unpacked at once, of one image and on the node; the others wait for their pipe. A decompressor may
// take 128 MiB (zstd's window), and a disk is not faster with more.
inline constexpr size_t layersOfImageAtOnce = 4;
inline constexpr size_t layersAtOnce = 8;
// A layer that several images miss is brought by one of them. The others wait as long as at least this much
// of it comes in this time; then one of them brings it too, so that a registry that trickles holds up nobody
// else.
inline constexpr auto sharedLayerPatience = 10s;
inline constexpr size_t sharedLayerProgress = 10 * 1024 * 1024;
// What one tar header (pax: libarchive's own bound is 1 MiB) or one sparse file's map may be: libarchive
// holds them whole, a map at up to twelve times its size.
inline constexpr size_t tarHeader = 2 * 1024 * 1024;
// One entry's extended attributes, names and values together (listxattr(2): names of a file end at 64 KiB,
// and so does a value).
inline constexpr size_t entryXattrs = 128;
inline constexpr size_t entryXattrBytes = 128 * 1024;
// Names of a layer's directories, held until their times can be set.
inline constexpr size_t directoryNames = 64 * 1024 * 1024;
// What a layer may always unpack to, however small it came: small archives are mostly padding.
inline constexpr uint64_t unpackedFree = 64 * 1024 * 1024;
// Images whose documents are parsed at once: two workers each, and up to 12 MiB of documents.
inline constexpr size_t parsesAtOnce = 4;
// Questions about signatures at once; each takes milliseconds.
inline constexpr size_t verificationsAtOnce = 4;
// Roots and trees composed at once, by drivers without overlay: a disk is not faster with more.
inline constexpr size_t composesAtOnce = 2;
// Storage workers at once: the above, one that erases, one that measures, and those killed but not yet
// reaped; each costs the zygote a descriptor.
inline constexpr size_t workers = 128;
// Connections at one door: its one peer has one, and a second while it restarts.
inline constexpr size_t connections = 16;
// The mounter's two conversations. The launcher sends its request right behind connect(2); storaged's main
// looks up one row.
inline constexpr auto mountRequest = 5s;
inline constexpr auto layersAnswer = 10s;

}  // namespace bulkhead::limits
