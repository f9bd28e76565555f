#include "daemons/cri-frontend/translate/profiles.h"

#include <gtest/gtest.h>

namespace bulkhead::cri {
namespace {

namespace v1 = ::runtime::v1;
using schema::Seccomp;

// What is chosen, and the refusal's field, "" if there is none.
struct Chosen {
  SeccompChoice choice;
  std::string refused;
};

Chosen choose(const v1::SecurityProfile* profile, const std::string& path) {
  FirstRefusal no;
  SeccompChoice choice = seccompOf(profile, path, "seccomp", no);
  return {choice, no ? no.refusal().value().field : ""};
}

Chosen localhost(const std::string& ref, const std::string& path = "") {
  v1::SecurityProfile profile;
  profile.set_profile_type(v1::SecurityProfile::Localhost);
  profile.set_localhost_ref(ref);
  return choose(&profile, path);
}

TEST(Profiles, SeccompByTheOlderField) {
  for (auto [path, kind] : {std::pair{"", Seccomp::UNSPECIFIED},
                            {"unconfined", Seccomp::UNCONFINED},
                            {"runtime/default", Seccomp::RUNTIME_DEFAULT},
                            {"docker/default", Seccomp::RUNTIME_DEFAULT},
                            {"localhost//p.json", Seccomp::LOCALHOST}}) {
    Chosen chosen = choose(nullptr, path);
    EXPECT_EQ(chosen.choice.kind, kind) << path;
    EXPECT_EQ(chosen.refused, "") << path;
  }
  EXPECT_EQ(choose(nullptr, "localhost//p.json").choice.profile, "/p.json");
  for (const char* odd :
       {"localhost", "localhost/", "localhost/p.json", "localhost//../p.json", "Unconfined"})
    EXPECT_EQ(choose(nullptr, odd).refused, "seccomp_profile_path") << odd;
}

TEST(Profiles, SeccompByTheNewerFieldWhichCounts) {
  v1::SecurityProfile profile;  // RuntimeDefault is its zero
  EXPECT_EQ(choose(&profile, "unconfined").choice.kind, Seccomp::RUNTIME_DEFAULT);
  profile.set_profile_type(v1::SecurityProfile::Unconfined);
  EXPECT_EQ(choose(&profile, "runtime/default").choice.kind, Seccomp::UNCONFINED);
  EXPECT_EQ(localhost("/q.json", "unconfined").choice.kind, Seccomp::LOCALHOST);
  EXPECT_EQ(localhost("/q.json").choice.profile, "/q.json");
  for (const char* odd : {"", "q.json", "/a/../q.json"})
    EXPECT_EQ(localhost(odd, "unconfined").refused, "seccomp.localhost_ref") << odd;
}

}  // namespace
}  // namespace bulkhead::cri
