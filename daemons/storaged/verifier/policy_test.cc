#include "daemons/storaged/verifier/policy.h"

#include <gtest/gtest.h>

namespace bulkhead::verifier {
namespace {

ImageName asked(const std::string& text) {
  return ImageName::of(ImageReference::parse(text, "reference").value());
}
ImageName claimed(const std::string& text) {
  return ImageName::parse(text, "name").value();
}
const std::string digest = "sha256:" + std::string(64, 'a');
const std::string other = "sha256:" + std::string(64, 'b');

TEST(ImageName, KeepsARepositoryARepository) {
  EXPECT_TRUE(claimed("quay.io/x/y").isRepository());
  EXPECT_TRUE(claimed("localhost:5000/x").isRepository());
  EXPECT_EQ(claimed("busybox").text(), "docker.io/library/busybox");
  EXPECT_EQ(claimed("busybox:latest").text(), "docker.io/library/busybox:latest");
  EXPECT_EQ(claimed("a.io/x:1@" + digest).text(), "a.io/x:1@" + digest);
  EXPECT_EQ(claimed("a.io/x@" + digest).tag(), "");
  EXPECT_EQ(asked("a.io/x").text(), "a.io/x:latest");
  EXPECT_EQ(asked("a.io/x:1@" + digest).text(), "a.io/x@" + digest);
}

TEST(ImageName, ListsItsScopesFromNarrowToWide) {
  using Scopes = std::vector<std::string>;
  EXPECT_EQ(asked("r.example.com/a/b:1").scopes(),
            (Scopes{"r.example.com/a/b:1", "r.example.com/a/b", "r.example.com/a", "r.example.com",
                    "*.example.com", "*.com", ""}));
  EXPECT_EQ(asked("example.com:8443/b@" + digest).scopes(),
            (Scopes{"example.com:8443/b@" + digest, "example.com:8443/b", "example.com:8443", "*.com", ""}));
  EXPECT_EQ(asked("[::1]:5000/b:1").scopes(), (Scopes{"[::1]:5000/b:1", "[::1]:5000/b", "[::1]:5000", ""}));
  EXPECT_EQ(asked("localhost/b:1").scopes(), (Scopes{"localhost/b:1", "localhost/b", "localhost", ""}));
}

// containers/image, signature/policy_reference_match_test.go.
TEST(Identity, AcceptsWhatItsKindSays) {
  using Kind = Identity::Kind;
  struct Case {
    Kind kind;
    std::string claimed;
    std::string asked;
    bool accepted;
  };
  const std::vector<Case> cases{
      {Kind::matchExact, "a.io/x:1", "a.io/x:1", true},
      {Kind::matchExact, "a.io/x:2", "a.io/x:1", false},
      {Kind::matchExact, "a.io/y:1", "a.io/x:1", false},
      {Kind::matchExact, "b.io/x:1", "a.io/x:1", false},
      {Kind::matchExact, "a.io/x", "a.io/x:1", false},
      {Kind::matchExact, "a.io/x@" + digest, "a.io/x@" + digest, true},
      {Kind::matchExact, "a.io/x@" + other, "a.io/x@" + digest, false},
      {Kind::matchExact, "a.io/x:1", "a.io/x@" + digest, false},
      {Kind::matchRepoDigestOrExact, "a.io/x:1", "a.io/x:1", true},
      {Kind::matchRepoDigestOrExact, "a.io/x:2", "a.io/x:1", false},
      {Kind::matchRepoDigestOrExact, "a.io/x:2", "a.io/x@" + digest, true},
      {Kind::matchRepoDigestOrExact, "a.io/x@" + other, "a.io/x@" + digest, true},
      {Kind::matchRepoDigestOrExact, "a.io/y:2", "a.io/x@" + digest, false},
      {Kind::matchRepoDigestOrExact, "a.io/x", "a.io/x@" + digest, false},
      {Kind::matchRepoDigestOrExact, "a.io/x", "a.io/x:1", false},
      {Kind::matchRepository, "a.io/x", "a.io/x:1", true},
      {Kind::matchRepository, "a.io/x:2", "a.io/x:1", true},
      {Kind::matchRepository, "a.io/x@" + other, "a.io/x:1", true},
      {Kind::matchRepository, "a.io/x/y", "a.io/x:1", false},
      {Kind::matchRepository, "a.io:443/x", "a.io/x:1", false},
  };
  for (const Case& each : cases) {
    Identity identity{each.kind, {}, {}, {}};
    EXPECT_EQ(identity.accepts(claimed(each.claimed), asked(each.asked)), each.accepted)
        << static_cast<int>(each.kind) << " " << each.claimed << " for " << each.asked;
  }
}

TEST(Identity, AcceptsAFixedName) {
  Identity reference{Identity::Kind::exactReference, claimed("signer.io/x:1"), {}, {}};
  EXPECT_TRUE(reference.accepts(claimed("signer.io/x:1"), asked("a.io/x:9")));
  EXPECT_FALSE(reference.accepts(claimed("a.io/x:9"), asked("a.io/x:9")));
  EXPECT_FALSE(reference.accepts(claimed("signer.io/x"), asked("a.io/x:9")));
  Identity repository{Identity::Kind::exactRepository, claimed("signer.io/x"), {}, {}};
  EXPECT_TRUE(repository.accepts(claimed("signer.io/x:2"), asked("a.io/x:9")));
  EXPECT_TRUE(repository.accepts(claimed("signer.io/x"), asked("a.io/x:9")));
  EXPECT_FALSE(repository.accepts(claimed("signer.io/xy"), asked("a.io/x:9")));
}

TEST(Identity, RemapsWholeComponents) {
  Identity identity{Identity::Kind::remapIdentity, {}, "mirror.io/a", "vendor.io"};
  EXPECT_TRUE(identity.accepts(claimed("vendor.io/x:1"), asked("mirror.io/a/x:1")));
  EXPECT_TRUE(identity.accepts(claimed("vendor.io/x:7"), asked("mirror.io/a/x@" + digest)));
  EXPECT_FALSE(identity.accepts(claimed("vendor.io/x:2"), asked("mirror.io/a/x:1")));
  EXPECT_FALSE(identity.accepts(claimed("vendor.iob/x:1"), asked("mirror.io/ab/x:1")));
  EXPECT_TRUE(identity.accepts(claimed("mirror.io/ab/x:1"), asked("mirror.io/ab/x:1")));
  Identity host{Identity::Kind::remapIdentity, {}, "mirror.io", "vendor.io/m"};
  EXPECT_TRUE(host.accepts(claimed("vendor.io/m/x:1"), asked("mirror.io/x:1")));
  EXPECT_FALSE(host.accepts(claimed("vendor.io/m/x:1"), asked("mirror.io:80/x:1")));
}

TEST(Policy, FindsTheNarrowestScope) {
  auto policy = parsePolicy(R"({"default": [{"type": "reject"}], "transports": {
    "docker": {"": [{"type": "reject"}], "*.io": [{"type": "reject"}], "a.io": [{"type": "reject"}],
      "a.io/x": [{"type": "insecureAcceptAnything"}], "a.io/x:1": [{"type": "reject"}]},
    "docker-daemon": {"": [{"type": "insecureAcceptAnything"}]}}})");
  ASSERT_TRUE(policy) << policy.error().reason;
  auto scope = [&](const std::string& name) { return ruleFor(*policy, asked(name)).scope; };
  EXPECT_EQ(scope("a.io/x:1"), "docker:a.io/x:1");
  EXPECT_EQ(scope("a.io/x:2"), "docker:a.io/x");
  EXPECT_EQ(scope("a.io/x/y:2"), "docker:a.io/x");
  EXPECT_EQ(scope("a.io/xy:2"), "docker:a.io");
  EXPECT_EQ(scope("b.io/x:2"), "docker:*.io");
  EXPECT_EQ(scope("localhost/x:2"), "docker:");
  policy->docker.erase("");
  EXPECT_EQ(scope("localhost/x:2"), "default");
  EXPECT_FALSE(policy->acceptsAnything());
  EXPECT_TRUE(permissivePolicy().acceptsAnything());
}

std::string withRequirement(const std::string& requirement) {
  return R"({"default": [{"type": "reject"}], "transports": {"docker": {"a.io": [)" + requirement + "]}}}";
}

TEST(Policy, TakesEveryRequirementOfTheManual) {
  for (
      const char* requirement : {
          R"({"type": "insecureAcceptAnything"})",
          R"({"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/etc/pki/key"})",
          R"({"type": "signedBy", "keyType": "GPGKeys", "keyPaths": ["/etc/a", "/etc/b"]})",
          R"({"type": "signedBy", "keyType": "GPGKeys", "keyData": "YQ==", "signedIdentity": {"type": "matchExact"}})",
          R"({"type": "sigstoreSigned", "keyPath": "/etc/a", "signedIdentity": {"type": "matchRepository"}})",
          R"({"type": "sigstoreSigned", "keyPaths": ["/etc/a"], "rekorPublicKeyData": "YQ=="})",
          R"({"type": "sigstoreSigned", "keyDatas": ["YQ==", "YWI="]})",
          R"({"type": "sigstoreSigned", "keyData": "YQ==",
               "signedIdentity": {"type": "exactReference", "dockerReference": "a.io/x:1"}})",
          R"({"type": "sigstoreSigned", "keyData": "YQ==",
               "signedIdentity": {"type": "exactRepository", "dockerRepository": "a.io/x"}})",
          R"({"type": "sigstoreSigned", "keyData": "YQ==",
               "signedIdentity": {"type": "remapIdentity", "prefix": "a.io", "signedPrefix": "b.io/x"}})",
          R"({"type": "sigstoreSigned", "rekorPublicKeyPath": "/etc/r",
               "fulcio": {"caPath": "/etc/ca", "oidcIssuer": "https://i", "subjectEmail": "a@b"}})",
      }) {
    auto policy = parsePolicy(withRequirement(requirement));
    EXPECT_TRUE(policy) << requirement << ": " << policy.error().reason;
  }
}

TEST(Policy, IsBrokenByWhatItDoesNotKnow) {
  struct Case {
    std::string json;
    std::string named;
  };
  auto docker = [](const char* requirement) { return withRequirement(requirement); };
  const std::vector<Case> cases{
      {"", "not JSON"},
      {"[]", "not a JSON object"},
      {"{}", "default is missing"},
      {R"({"default": []})", "default is not a list"},
      {R"({"default": [{"type": "reject"}], "default": [{"type": "insecureAcceptAnything"}]})", "twice"},
      {R"({"default": [{"type": "reject"}], "extra": 1})", "'extra'"},
      {R"({"default": [{"type": "rejct"}]})", "default[0].type 'rejct' is not supported"},
      {R"({"default": [{"type": "reject", "x": 1}]})", "default[0] has the unknown key 'x'"},
      {R"({"default": [{"type": "reject"}], "transports": []})", "transports is not an object"},
      {R"({"default": [{"type": "reject"}], "transports": {"oci": {"": [{"type": "x"}]}}})",
       "transports.oci"},
      {docker(R"({"type": "signedBaseLayer", "baseLayerIdentity": {"type": "matchExact"}})"),
       "signedBaseLayer"},
      {docker(R"({"type": "signedBy", "keyType": "X509Certificates", "keyPath": "/a"})"), "X509Certificates"},
      {docker(R"({"type": "signedBy", "keyType": "GPGKeys"})"), "has no key"},
      {docker(R"({"type": "signedBy", "keyType": "GPGKeys", "keyPath": "a"})"), "not an absolute path"},
      {docker(R"({"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/a", "keyData": "YQ=="})"),
       "more than one"},
      {docker(R"({"type": "signedBy", "keyType": "GPGKeys", "keyDatas": ["YQ=="]})"), "'keyDatas'"},
      {docker(R"({"type": "signedBy", "keyType": "GPGKeys", "keyPaths": []})"), "keyPaths is not a list"},
      {docker(R"({"type": "sigstoreSigned"})"), "needs either keys or fulcio"},
      {docker(R"({"type": "sigstoreSigned", "keyData": "!"})"), "keyData is not base64"},
      {docker(R"({"type": "sigstoreSigned", "keyData": "YQ==", "pki": {}})"), "pki is not supported"},
      {docker(
           R"({"type": "sigstoreSigned", "fulcio": {"caPath": "/a", "oidcIssuer": "i", "subjectEmail": "e"}})"),
       "needs a rekorPublicKey"},
      {docker(R"({"type": "sigstoreSigned", "keyData": "YQ==", "signedIdentity": {"type": "anything"}})"),
       "signedIdentity.type is the unknown 'anything'"},
      {docker(
           R"({"type": "sigstoreSigned", "keyData": "YQ==", "signedIdentity": {"type": "exactReference"}})"),
       "dockerReference is missing"},
      {docker(R"({"type": "sigstoreSigned", "keyData": "YQ==",
                  "signedIdentity": {"type": "remapIdentity", "prefix": "a.io/x:1", "signedPrefix": "b.io"}})"),
       "prefix is not a host"},
  };
  for (const Case& each : cases) {
    auto policy = parsePolicy(each.json);
    ASSERT_FALSE(policy) << each.json;
    EXPECT_EQ(policy.error().code, Code::failedPrecondition);
    EXPECT_NE(policy.error().reason.find(each.named), std::string::npos) << policy.error().reason;
  }
}

}  // namespace
}  // namespace bulkhead::verifier
