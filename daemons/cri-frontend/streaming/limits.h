// Every number that bounds what a client can make us hold or wait for, with its reason.
#pragma once

#include <kj/time.h>

#include <cstddef>
#include <cstdint>

namespace bulkhead::streaming::limits {

// A request: a path with a token and a handful of headers.
inline constexpr size_t head = 16 * 1024;
inline constexpr auto headTime = 10 * kj::SECONDS;  // of a TLS handshake too
// Connections that have not shown a token yet, TLS handshake or not; a further one takes the place of the
// oldest.
inline constexpr size_t strangers = 64;
// A node runs some hundred pods; each session may hold a quarter of a MiB.
inline constexpr size_t sessions = 256;
// A PEM file, and what a client may show of its chain: its messages' bytes, its depth.
inline constexpr size_t tlsFile = 64 * 1024;
inline constexpr long tlsCertificates = 32 * 1024;
inline constexpr int tlsChain = 4;
// URLs handed out and not used yet, and for how long: the kubelet uses one at once.
inline constexpr size_t tokens = 1024;
inline constexpr auto tokenLife = 60 * kj::SECONDS;
// A client's streams come right behind the upgrade (client-go gives the server as long).
inline constexpr auto streamsTime = 30 * kj::SECONDS;

// Input that the command has not taken, output that the client has not: beyond it the other side waits. What
// one read brings comes on top.
inline constexpr size_t queued = 128 * 1024;
inline constexpr size_t oneRead = 64 * 1024;  // what a pipe holds (pipe(7))
// The largest control frame of SPDY, the largest header block unpacked, and all streams of a connection.
inline constexpr size_t controlFrame = 16 * 1024;
inline constexpr size_t headerBlock = 64 * 1024;
inline constexpr size_t streams = 64;
// A base64 message is held whole until it can be read; client-go's are 32 KiB and a third.
inline constexpr size_t textMessage = 128 * 1024;
// One {"Width":…,"Height":…}.
inline constexpr size_t resizeMessage = 256;

// What a pipe holds at most: how much is read after the command has ended, if somebody still writes.
inline constexpr size_t lastWords = 1024 * 1024;
// A terminal's last bytes pass through the kernel's queue to us after its process has ended.
inline constexpr auto terminalQuiet = 100 * kj::MILLISECONDS;
// A client that has everything closes; one that does not is cut off.
inline constexpr auto goodbye = 2 * kj::SECONDS;

}  // namespace bulkhead::streaming::limits
