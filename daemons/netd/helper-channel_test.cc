#include "daemons/netd/helper-channel.h"

#include <gtest/gtest.h>
#include <kj/async-io.h>
#include <sys/socket.h>

#include "ipc/limits.h"
#include "ipc/schema/netns.capnp.h"

namespace bulkhead::netd {
namespace {

// A helper that waits for its request, and a caller that waits for its answer, would wait for ever.
TEST(HelperChannel, AFailedSendEndsTheWaitForAnAnswer) {
  auto io = kj::setupAsyncIo();
  SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
  HelperChannel channel(io.unixEventPort, duplicate(pair.first.get()));
  auto answer = channel.receive();
  EXPECT_FALSE(answer.poll(io.waitScope));
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  (void)message->initRoot<schema::NetnsRequest>();
  std::vector<Fd> tooMany;
  for (size_t i = 0; i <= limits::packetFds; ++i) tooMany.push_back(duplicate(pair.first.get()));
  channel.send(kj::mv(message), std::move(tooMany));
  ASSERT_TRUE(answer.poll(io.waitScope));
  EXPECT_THROW((void)answer.wait(io.waitScope), kj::Exception);
}

}  // namespace
}  // namespace bulkhead::netd
