// Terminals, input, and those who attach, with each OCI runtime.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "daemons/common/base/io.h"
#include "daemons/common/base/sockets.h"
#include "daemons/shim/console/console.h"
#include "daemons/shim/testing/life.h"
#include "ipc/file-capability.h"

namespace bulkhead::shim::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr int patience = 10'000;  // milliseconds

// A change of user by another thread interrupts (nptl(7), "NPTL and POSIX compliance").
bool comes(const Fd& socket) {
  pollfd ready{socket.get(), POLLIN, 0};
  int count = ::poll(&ready, 1, patience);
  return count < 0 && errno == EINTR ? comes(socket) : count == 1;
}

// What comes until `text` does, or the end, or nothing any more.
std::string readUntil(const Fd& from, const std::string& text) {
  std::string all;
  char buffer[4096];
  while (all.find(text) == all.npos && comes(from)) {
    ssize_t size = ::read(from.get(), buffer, sizeof buffer);
    if (size <= 0) break;
    all.append(buffer, static_cast<size_t>(size));
  }
  return all;
}
std::string readToEnd(const Fd& from) {
  return readUntil(from, std::string(1, '\0'));
}

void say(const Fd& to, const std::string& text) {
  EXPECT_TRUE(writeAll(to.get(), text));
}

Fd receiveDescriptor(const Fd& socket) {
  char byte = 0;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  iovec vector{&byte, 1};
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  if (!comes(socket) || ::recvmsg(socket.get(), &message, MSG_CMSG_CLOEXEC) != 1) return {};
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr) return {};
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return Fd(fd);
}

class Terminal : public Life {
 protected:
  // The ends that stay here.
  struct Attached {
    Fd in, out, err;
    std::string refused;
  };
  Attached attach(const ContainerId& id, bool withErr = true, bool endsInput = false) {
    auto in = makeSocketPair(SOCK_STREAM), out = makeSocketPair(SOCK_STREAM),
         err = makeSocketPair(SOCK_STREAM);
    Attached attached{std::move(in.first), std::move(out.first), std::move(err.first), ""};
    at().talk(id, [&](schema::Shim::Client shim, kj::WaitScope& scope) {
      auto request = shim.attachRequest();
      request.setStdin(ipc::makeFile(std::move(in.second)));
      request.setStdout(ipc::makeFile(std::move(out.second)));
      if (withErr) request.setStderr(ipc::makeFile(std::move(err.second)));
      request.setEndsInput(endsInput);
      auto response = request.send().wait(scope);
      if (response.getResult().isRefused())
        attached.refused = response.getResult().getRefused().getReason().cStr();
    });
    return attached;
  }
  bool resize(const ContainerId& id, uint16_t width, uint16_t height) {
    bool done = false;
    at().talk(id, [&](schema::Shim::Client shim, kj::WaitScope& scope) {
      auto request = shim.resizeRequest();
      request.setWidth(width);
      request.setHeight(height);
      done = request.send().wait(scope).getResult().isOk();
    });
    return done;
  }
};

TEST_P(Terminal, AContainerHasOneAndWhoAttachesTypesIntoIt) {
  PodId pod = at().makePod();
  ContainerId id = make(
      pod, "test -t 0 && test -t 1 && test -t 2 && echo all; read x; echo got $x; stty size; read y; exit 4",
      [](auto spec) {
        spec.setTty(true);
        spec.setStdin(true);
      });
  start(id);
  EXPECT_TRUE(resize(id, 123, 45));
  auto first = attach(id, false);
  auto second = attach(id, false);
  ASSERT_EQ(first.refused + second.refused, "");
  say(first.in, "hello\n");
  EXPECT_THAT(readUntil(first.out, "45 123"), HasSubstr("got hello\r\n45 123"));
  EXPECT_THAT(readUntil(second.out, "45 123"), HasSubstr("got hello\r\n45 123"));
  first = {};  // whoever leaves leaves the others alone
  say(second.in, "\n");
  EXPECT_EQ(waitCode(id), 4);
  (void)readToEnd(second.out);
  EXPECT_THAT(at().log(id.text().substr(0, 8)), HasSubstr(" stdout F all\r\n"));
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, WithoutOneTheStreamsAreApart) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "read x; echo out $x; echo err $x >&2; read x || echo nothing more; exit 5",
                        [](auto spec) { spec.setStdin(true); });
  start(id);
  EXPECT_FALSE(resize(id, 10, 10));
  auto client = attach(id, true, true);
  ASSERT_EQ(client.refused, "");
  say(client.in, "now\n");
  EXPECT_EQ(readUntil(client.err, "\n"), "err now\n");
  EXPECT_EQ(readUntil(client.out, "\n"), "out now\n");
  client.in.reset();  // and with it the container's input
  EXPECT_EQ(waitCode(id), 5);
  EXPECT_EQ(readToEnd(client.out), "nothing more\n") << at().log(id.text().substr(0, 8));
  EXPECT_EQ(readToEnd(client.err), "");
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, InputOutlivesAClientWhoIsNotTheOnlyOne) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "read x; read y; exit $y", [](auto spec) { spec.setStdin(true); });
  start(id);
  say(attach(id).in, "1\n");
  say(attach(id).in, "7\n");
  EXPECT_EQ(waitCode(id), 7);
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, AClientThatStallsIsCutOffAndTheContainerGoesOn) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "read x; head -c 20000000 /dev/zero | tr '\\0' x; exit 6",
                        [](auto spec) { spec.setStdin(true); });
  start(id);
  auto stalled = attach(id);
  say(attach(id).in, "go\n");
  EXPECT_EQ(waitCode(id), 6);
  EXPECT_LT(readToEnd(stalled.out).size(), 4'000'000u);
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, AFewMegabytesGoThroughWhole) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "cat", [](auto spec) { spec.setStdin(true); });
  start(id);
  auto client = attach(id, true, true);
  std::string sent;
  for (int i = 0; i < 500'000; ++i) sent += std::to_string(i) + "\n";
  std::thread writer([&]() {
    say(client.in, sent);
    client.in.reset();
  });
  std::string heard = readToEnd(client.out);
  writer.join();
  EXPECT_EQ(heard.size(), sent.size());
  EXPECT_TRUE(heard == sent);
  EXPECT_EQ(waitCode(id), 0);
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, WhatTheContainerDoesNotReadHarmsNobody) {
  PodId pod = at().makePod();
  ContainerId id =
      make(pod, "exec <&-; echo closed; sleep 1; exit 3", [](auto spec) { spec.setStdin(true); });
  auto client = attach(id);
  start(id);
  EXPECT_EQ(readUntil(client.out, "\n"), "closed\n");
  for (int i = 0; i < 100; ++i) say(client.in, "nobody reads this\n");
  EXPECT_EQ(waitCode(id), 3);
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, OnlyStreamSocketsAreTaken) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  start(id);
  at().talk(id, [&](schema::Shim::Client shim, kj::WaitScope& scope) {
    auto request = shim.attachRequest();
    request.setStdout(ipc::makeFile(makePipe().write));
    EXPECT_TRUE(request.send().wait(scope).getResult().isRefused());
    EXPECT_TRUE(shim.attachRequest().send().wait(scope).getResult().isRefused());
  });
  std::vector<Attached> many;
  for (int i = 0; i < 9; ++i) many.push_back(attach(id));
  EXPECT_EQ(many[7].refused, "");
  EXPECT_THAT(many[8].refused, HasSubstr("too many"));
  many.clear();
  // Who went makes room.
  for (int i = 0; i < 100 && !attach(id).refused.empty(); ++i) std::this_thread::sleep_for(50ms);
  EXPECT_EQ(attach(id).refused, "");
  remove(id);
  removePod(pod);
}

TEST_P(Terminal, AnExecsIsHandedOver) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  start(id);
  auto socket = makeSocketPair(SOCK_SEQPACKET);
  std::optional<ipc::Packet> answer;
  std::thread caller([&]() {
    answer = at().ask(
        [&](auto request) {
          auto spec = request.initExec();
          spec.setContainerId(id.text());
          auto args = spec.initArgs(3);
          args.set(0, ipc::toData("/bin/sh"));
          args.set(1, ipc::toData("-c"));
          args.set(2, ipc::toData("read x; test -t 0 && stty size && echo $TERM $x; exit 9"));
          spec.setTty(true);
        },
        {socket.second.get()});
  });
  Fd master = receiveDescriptor(socket.first);
  if (!console::isTerminalMaster(master.get())) caller.join();
  ASSERT_TRUE(console::isTerminalMaster(master.get()));
  winsize size{};
  size.ws_col = 77;
  size.ws_row = 11;
  EXPECT_EQ(::ioctl(master.get(), TIOCSWINSZ, &size), 0);
  say(master, "word\n");
  EXPECT_THAT(readToEnd(master), HasSubstr("11 77\r\nxterm word\r\n"));
  caller.join();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->as<schema::LaunchReply>().getExec().getExited(), 9);
  remove(id);
  removePod(pod);
}

// Nobody can talk to it, so it does not run.
TEST_P(Terminal, AnExecWhoseTerminalNobodyTakesIsEnded) {
  PodId pod = at().makePod();
  ContainerId id = make(pod, "sleep 100");
  start(id);
  auto exec = [&](const std::vector<int>& fds) {
    auto packet = at().ask(
        [&](auto request) {
          auto spec = request.initExec();
          spec.setContainerId(id.text());
          spec.initArgs(1).set(0, ipc::toData("/bin/sh"));
          spec.setTty(true);
        },
        fds);
    auto reply = packet->as<schema::LaunchReply>();
    return reply.isRefused() ? std::string(reply.getRefused().getReason().cStr()) : "not refused";
  };
  auto socket = makeSocketPair(SOCK_SEQPACKET);
  socket.first.reset();
  EXPECT_THAT(exec({socket.second.get()}), HasSubstr("nobody took"));
  Pipe pipe = makePipe();
  EXPECT_THAT(exec({pipe.write.get()}), HasSubstr("nobody took"));
  EXPECT_THAT(exec({}), HasSubstr("one socket"));
  remove(id);
  removePod(pod);
}

INSTANTIATE_TEST_SUITE_P(Runtimes, Terminal, ::testing::Values("runc", "crun"),
                         [](const auto& each) { return std::string(each.param); });

}  // namespace
}  // namespace bulkhead::shim::testing
