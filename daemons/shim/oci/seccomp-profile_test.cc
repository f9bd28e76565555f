#include "daemons/shim/oci/seccomp-profile.h"

#include <capnp/message.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace bulkhead::oci {
namespace {

using Json = nlohmann::json;
using schema::SeccompProfile;

void fill(SeccompProfile::Builder profile) {
  profile.initDefault().setAction(SeccompProfile::Action::ERRNO);
  profile.getDefault().setErrno(38);
  profile.initArchitectures(1).set(0, "SCMP_ARCH_X86_64");
  profile.initFlags(1).set(0, "SECCOMP_FILTER_FLAG_LOG");
  auto rule = profile.initRules(1)[0];
  rule.initNames(2).set(0, "read");
  rule.getNames().set(1, "write");
  rule.initDecision().setAction(SeccompProfile::Action::ALLOW);
  auto argument = rule.initArguments(1)[0];
  argument.setIndex(1);
  argument.setValue(~std::uint64_t{0});
  argument.setOperator(SeccompProfile::Comparison::EQ);
}

TEST(SeccompProfile, IsWrittenAsTheRuntimeSpecHasIt) {
  capnp::MallocMessageBuilder message;
  auto profile = message.initRoot<SeccompProfile>();
  fill(profile);
  EXPECT_TRUE(checkSeccomp(profile, "f"));
  JsonWriter writer;
  writeSeccomp(writer, profile);
  EXPECT_EQ(Json::parse(writer.document()), Json::parse(R"({
    "defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": 38, "architectures": ["SCMP_ARCH_X86_64"],
    "flags": ["SECCOMP_FILTER_FLAG_LOG"],
    "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW",
                  "args": [{"index": 1, "value": 18446744073709551615, "valueTwo": 0, "op": "SCMP_CMP_EQ"}]}]})"));
}

TEST(SeccompProfile, OfAReaderThatLiesIsRefused) {
  using Change = void (*)(SeccompProfile::Builder);
  for (Change change :
       {Change([](SeccompProfile::Builder p) { p.getDefault().setAction(SeccompProfile::Action{7}); }),
        Change([](SeccompProfile::Builder p) {
          p.getRules()[0].getArguments()[0].setOperator(SeccompProfile::Comparison{7});
        }),
        Change([](SeccompProfile::Builder p) { p.initFlags(1).set(0, "x y"); }),
        Change([](SeccompProfile::Builder p) { p.initArchitectures(1).set(0, std::string(65, 'x')); }),
        Change([](SeccompProfile::Builder p) { p.getRules()[0].initNames(0); }),
        Change([](SeccompProfile::Builder p) { p.getRules()[0].getNames().set(1, "\xff"); }),
        Change([](SeccompProfile::Builder p) { p.getRules()[0].getArguments()[0].setIndex(6); })}) {
    capnp::MallocMessageBuilder message;
    auto profile = message.initRoot<SeccompProfile>();
    fill(profile);
    change(profile);
    EXPECT_FALSE(checkSeccomp(profile, "f"));
  }
}

}  // namespace
}  // namespace bulkhead::oci
