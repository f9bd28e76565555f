// What a container takes from images: a user, volumes.
#include <gtest/gtest.h>

#include "daemons/cri-frontend/tests/flow-test.h"

namespace bulkhead::cri {
namespace {

using test::containerRequest;

class FromImage : public test::FlowTest {};

TEST_F(FromImage, AUserIsLookedUpInTheImage) {
  auto pod = runPod();
  world.store.user = "app";
  auto id = createIn(pod);
  EXPECT_EQ(statusOf(id).user().linux().uid(), 1000);
  EXPECT_EQ(statusOf(id).user().linux().gid(), 1001);
  EXPECT_EQ(statusOf(id).user().linux().supplemental_groups_size(), 2);
  world.script.refusals["storaged.lookupUser"] = {Code::invalidArgument, "user", "is not there"};
  auto response = world.wait(createContainer(*world.frontend, containerRequest(pod, "second")));
  ASSERT_FALSE(response);
  EXPECT_EQ(describe(response.error()), "image.config.user: is not there");
  EXPECT_EQ(world.store.layers.size(), 1U);
}

TEST_F(FromImage, AnImageVolumeIsFoundRecordedAndShown) {
  auto pod = runPod();
  auto request = containerRequest(pod);
  auto& mount = *request.mutable_config()->add_mounts();
  mount.set_container_path("/data");
  mount.mutable_image()->set_image("nowhere");
  auto response = world.wait(createContainer(*world.frontend, request));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::notFound);
  EXPECT_TRUE(describe(response.error()).starts_with("ImageVolumeMountFailed: config.mounts[0].image.image"));
  EXPECT_FALSE(world.script.saw("storaged.createLayer"));

  mount.mutable_image()->set_image(request.config().image().image());
  world.script.refusals["launcher.createContainer"] = {Code::notFound, "mounts[0].subPath", "is not there"};
  response = world.wait(createContainer(*world.frontend, request));
  ASSERT_FALSE(response);
  EXPECT_EQ(describe(response.error()),
            "ImageVolumeMountFailed: config.mounts[0].image_sub_path: is not there");

  response = world.wait(createContainer(*world.frontend, request));
  ASSERT_TRUE(response);
  auto shown = statusOf(response->container_id()).mounts(0);
  EXPECT_EQ(shown.image().image_ref(), "sha256:" + std::string(64, 'a'));
  EXPECT_TRUE(shown.readonly());
  EXPECT_EQ(world.store.volumes, (std::set<std::string>{std::string(64, 'a')}));
}

}  // namespace
}  // namespace bulkhead::cri
