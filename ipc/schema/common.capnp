# What all doors share. Served by nobody: types only.
@0xc105cd43c408fda7;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

struct Refusal {
  # An expected "no". Data, not an exception: exceptions mean broken machinery and are scrubbed at the border.
  code @0 :Code;
  field @1 :Text;   # what was refused, as the caller named it; may be empty
  reason @2 :Text;  # one sentence, safe to show to a user

  enum Code {  # as daemons/common/base/error.h, in the same order
    invalidArgument @0;
    notFound @1;
    alreadyExists @2;
    permissionDenied @3;
    failedPrecondition @4;
    resourceExhausted @5;
    unavailable @6;
    deadlineExceeded @7;
    internal @8;
  }
}

struct Result(T) {
  union {
    ok @0 :T;
    refused @1 :Refusal;
  }
}

struct Nothing {}
# The `ok` of a call that has nothing to say.

interface File {}
# Carries exactly one descriptor and has no methods. The receiver duplicates the descriptor at once, checks its type,
# and drops the capability (ipc/file-capability.h).

struct FileResult { file @0 :File; }

struct KeyValue {
  key @0 :Text;
  value @1 :Data;
}
