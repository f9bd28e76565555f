# The launcher's own records beneath run/pods, written and read by bulkhead-launcher alone. Not a door.
@0x9d3c5c8f6a1b7e42;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

using Launch = import "launch.capnp";

struct PodRecord {
  # Everything that was decided about a pod, written before the first of it is made.
  spec @0 :Launch.PodSpec;     # as accepted
  shimUid @1 :UInt32;
  runtime @2 :Text;            # the handler that really runs it: the asked one, or the configured fallback
  cgroup @3 :Text;             # "/kubepods/…": parent of its containers' control groups
  cgroupOurs @4 :Bool;         # made by us, to be removed by us
}

struct PodInit {
  # bulkhead-pause of a pod whose containers share one PID namespace.
  pid @0 :Int32;
  started @1 :UInt64;          # clock ticks since boot
}

struct ContainerProcesses {
  # Pids are only names together with their start times (clock ticks since boot).
  pid @0 :Int32;
  started @1 :UInt64;
  shimPid @2 :Int32;
  shimStarted @3 :UInt64;
}
