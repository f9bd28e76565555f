# Served by each bulkhead-shim to bulkhead-cri on its own inherited socket, with Cap'n Proto RPC. A shim outlives
# upgrades: methods are only added, and `protocol` says how far this one goes.
@0xbef60760148ab0b6;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Common = import "common.capnp";
using Launch = import "launch.capnp";

interface Shim {
  version @0 () -> (protocol :UInt32);
  # 1: this file as it stands.
  wait @1 () -> (exit :Launch.Exit);
  # Answers once the container's first process has ended and its record is written; at once if it already has.
  reopenLog @2 (log :Common.File) -> (result :Common.Result(Common.Nothing));
  # Protocol 2. What was read before the answer is in the old file, what is read after it in the new one.
  attach @3 (stdin :Common.File, stdout :Common.File, stderr :Common.File, endsInput :Bool)
    -> (result :Common.Result(Common.Nothing));
  # Protocol 3. Ends of stream socket pairs, each of which may be missing: what comes from stdin is the container's input
  # from now on, and what it writes to stdout (or to its terminal) and to stderr goes to the others, which are shut down
  # behind its last byte. Whoever closes an output, or stalls, is attached no more. `endsInput`: the container's input
  # ends with this caller's (Container.stdin_once); otherwise it does not.
  resize @4 (width :UInt16, height :UInt16) -> (result :Common.Result(Common.Nothing));
  # Protocol 3. Of the terminal, in characters; failedPrecondition without one.
}
