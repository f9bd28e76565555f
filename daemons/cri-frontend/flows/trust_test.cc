// What the signature policy is asked, and what reaches it.
#include <gtest/gtest.h>

#include "daemons/cri-frontend/tests/flow-test.h"

namespace bulkhead::cri {
namespace {

class Trust : public test::FlowTest {
 protected:
  Outcome<v1::PullImageResponse> pull(const std::string& image) {
    v1::PullImageRequest request;
    request.mutable_image()->set_image(image);
    request.mutable_sandbox_config()->mutable_metadata()->set_namespace_("team");
    return world.wait(pullImage(*world.frontend, request));
  }
};

TEST_F(Trust, APullBringsAlongWhatThePolicyOfItsNamespaceWants) {
  ASSERT_TRUE(pull("quay.io/app:1"));
  EXPECT_EQ(world.store.policyAsked, "team quay.io/app:1");
  EXPECT_EQ(world.store.begunFor, "team");
  EXPECT_EQ(world.store.signatures, 1U);
  ASSERT_TRUE(pull("app:1"));
  EXPECT_EQ(world.store.policyAsked, "team ") << "nobody knows yet what a short name means";
}

TEST_F(Trust, WhatThePolicyRejectsIsNotLookedFor) {
  world.script.refusals["storaged.signaturesWanted"] = {Code::permissionDenied, "",
                                                        "SignatureValidationFailed: it rejects the image"};
  auto pulled = pull("quay.io/app:1");
  ASSERT_FALSE(pulled);
  EXPECT_TRUE(pulled.error().reason.starts_with("SignatureValidationFailed: "));
  EXPECT_FALSE(world.script.saw("imaged.resolve"));
}

TEST_F(Trust, AContainerIsJudgedInItsNamespaceByTheNameThatThePodGives) {
  auto pod = runPod();
  auto request = test::containerRequest(pod);
  std::string image = request.config().image().image();
  ASSERT_TRUE(world.wait(createContainer(*world.frontend, request)));
  EXPECT_EQ(world.store.asked, "default " + image);
  request = test::containerRequest(pod, "second");
  request.mutable_config()->mutable_image()->set_user_specified_image("quay.io/app:1");
  ASSERT_TRUE(world.wait(createContainer(*world.frontend, request)));
  EXPECT_EQ(world.store.asked, "default quay.io/app:1");
}

}  // namespace
}  // namespace bulkhead::cri
