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
}
