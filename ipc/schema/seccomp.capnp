# A seccomp profile of the administrator's, as bulkhead-config read it for the launcher. Not a door.
@0xc1d9a5f60b7e4283;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bulkhead::schema");

struct SeccompAnswer {
  union {
    profile @0 :SeccompProfile;
    error @1 :Text;                # for the user, names what is wrong and not what is in the file
  }
}

struct SeccompProfile {
  # OCI runtime-spec, config-linux.md, "Seccomp", with conditions on architecture, kernel and capabilities resolved.
  default @0 :Decision;
  architectures @1 :List(Text);    # SCMP_ARCH_…
  flags @2 :List(Text);            # SECCOMP_FILTER_FLAG_…
  rules @3 :List(Rule);

  enum Action {
    # SCMP_ACT_… What needs an agent (NOTIFY, TRACE) has no word here.
    kill @0;
    killProcess @1;
    killThread @2;
    trap @3;
    errno @4;
    allow @5;
    log @6;
  }

  enum Comparison {
    # SCMP_CMP_…
    ne @0;
    lt @1;
    le @2;
    eq @3;
    ge @4;
    gt @5;
    maskedEq @6;
  }

  struct Decision {
    action @0 :Action;
    errno @1 :UInt16;              # 0: not said
  }

  struct Rule {
    names @0 :List(Text);
    decision @1 :Decision;
    arguments @2 :List(Argument);
  }

  struct Argument {
    index @0 :UInt8;               # 0-5
    operator @1 :Comparison;
    value @2 :UInt64;
    second @3 :UInt64;
  }
}
