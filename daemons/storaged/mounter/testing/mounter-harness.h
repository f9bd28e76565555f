// The real mounter, between a pretended main and a pretended launcher. Needs root.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/common/base/sockets.h"
#include "daemons/storaged/zygote/testing/test-store.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/mount.capnp.h"

namespace bulkhead::mounter {

using Answer = std::function<void(schema::LayersAnswer::Builder)>;

inline constexpr auto patience = std::chrono::seconds(10);

inline std::string mountTable() {
  std::ifstream table("/proc/self/mountinfo");
  return {std::istreambuf_iterator<char>(table), {}};
}

inline void writeFile(const std::string& path, const std::string& text) {
  std::ofstream(path) << text;
}

inline std::string textOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Runs `body` in a child; its answer is the exit status. 99 is an exception.
inline int inChild(const std::function<int()>& body) {
  pid_t child = ::fork();
  if (child == 0) {
    int status = 99;
    try {
      status = body();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
    }
    ::_exit(status);
  }
  return waitFor(child, std::nullopt)->code;
}

// In a mount namespace of its own, with `mount` attached to `directory`.
inline int withAttached(const Fd& mount, const std::string& directory, const std::function<int()>& body) {
  return inChild([&] {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0)
      return 98;
    if (::move_mount(mount.get(), "", AT_FDCWD, directory.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0) return 97;
    return body();
  });
}
class MounterTest : public ::testing::Test {
 protected:
  MounterTest() {
    std::filesystem::permissions(store_.path(), std::filesystem::perms::all);
    target_ = store_.makeDirectory("target");
    containerDirectory_ = store_.makeDirectory("containers/" + container_.text());
    SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
    main_ = std::move(pair.first);
    Fd directory = openDirectory(store_.path());
    Fd listener = listen();
    pid_ = spawnProgram(BULKHEAD_BIN "/bulkhead-mounter",
                        {"--root", "/nonexistent-test-instance", "--peer-uid", "0"},
                        {pair.second.get(), directory.get(), listener.get()});
  }
  ~MounterTest() override {
    main_.reset();
    if (waitFor(pid_, patience)) return;
    ADD_FAILURE() << "the mounter outlives its control socket";
    (void)::kill(pid_, SIGKILL);
    (void)waitFor(pid_, std::nullopt);
  }

  Fd listen() {
    Fd listener(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    socket_.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener.get(), 8) != 0 || ::chmod(socket_.c_str(), 0666) != 0) {
      throwErrno("listen");
    }
    return listener;
  }

  void closedIn(const std::string& directory) const {
    if (::mkdir((store_.path() + "/" + directory + "/closed").c_str(), 0700) != 0) throwErrno("mkdir closed");
  }

  LayerName addLayer(const std::string& file, const std::string& text) {
    LayerName name = LayerName::generate();
    std::string files = store_.makeDirectory("layers/" + name.text()) + "/closed/diff";
    closedIn("layers/" + name.text());
    std::filesystem::create_directory(files);
    std::filesystem::permissions(files, std::filesystem::perms(0755));
    writeFile(files + "/" + file, text);
    writeFile(files + "/same", text);
    return name;
  }

  // `count` layers, topmost first; layer i has a file "i".
  std::vector<LayerName> addLayers(int count) {
    std::vector<LayerName> names;
    for (int i = 0; i < count; ++i) names.push_back(addLayer(std::to_string(i), std::to_string(i)));
    return names;
  }

  static Answer layers(const std::vector<std::string>& names) {
    return [names](schema::LayersAnswer::Builder answer) {
      auto list = answer.initLayers(static_cast<unsigned>(names.size()));
      for (unsigned i = 0; i < list.size(); ++i) list.set(i, names[i]);
    };
  }
  static Answer layers(const std::vector<LayerName>& names) {
    std::vector<std::string> texts;
    for (const LayerName& name : names) texts.push_back(name.text());
    return layers(texts);
  }

  // A request for something else than the root.
  std::optional<ipc::Packet> requestVolume(const std::function<void(schema::MountRequest::Builder)>& fill,
                                           const Answer& answer) {
    Fd connection = connectTo(socket_, SOCK_SEQPACKET);
    capnp::MallocMessageBuilder message;
    auto request = message.initRoot<schema::MountRequest>();
    request.setContainerId(container_.text());
    fill(request);
    EXPECT_TRUE(ipc::sendPacket(connection.get(), message));
    if (answer) {
      auto question = ipc::receivePacket(main_.get(), patience);
      EXPECT_TRUE(question && question->as<schema::LayersQuestion>().getImageId().size() == 64);
      if (question) reply(*question, answer);
    }
    return ipc::receivePacket(connection.get(), patience);
  }

  // Part of an image, whose id is anything: main knows its layers.
  std::optional<ipc::Packet> requestImage(const std::vector<LayerName>& names, const std::string& subPath) {
    return requestVolume(
        [&](auto request) {
          request.initImage().setImageId(ImageId::generate().text());
          request.getImage().setSubPath(subPath);
        },
        layers(names));
  }

  // Asks as the launcher; answers the mounter's question as main, if it asks one.
  std::optional<ipc::Packet> request(const std::string& id, const Answer& answer, bool readOnly = false,
                                     std::optional<int> userNamespace = std::nullopt) {
    Fd connection = connectTo(socket_, SOCK_SEQPACKET);
    capnp::MallocMessageBuilder message;
    auto request = message.initRoot<schema::MountRequest>();
    request.setContainerId(id);
    request.setReadOnly(readOnly);
    request.setUserNamespace(userNamespace.has_value());
    std::vector<int> fds;
    if (userNamespace.value_or(-1) >= 0) fds.push_back(*userNamespace);
    EXPECT_TRUE(ipc::sendPacket(connection.get(), message, fds));
    if (answer) {
      auto question = ipc::receivePacket(main_.get(), patience);
      EXPECT_TRUE(question && ipc::toString(question->as<schema::LayersQuestion>().getContainerId()) == id);
      if (question) reply(*question, answer);
    }
    return ipc::receivePacket(connection.get(), patience);
  }

  void reply(ipc::Packet& question, const Answer& answer) {
    capnp::MallocMessageBuilder message;
    auto to = message.initRoot<schema::LayersAnswer>();
    answer(to);
    to.setNumber(question.as<schema::LayersQuestion>().getNumber());
    EXPECT_TRUE(ipc::sendPacket(main_.get(), message));
  }

  Fd mountOf(const std::vector<LayerName>& names, bool readOnly = false) {
    auto reply = request(container_.text(), layers(names), readOnly);
    if (!reply || !reply->as<schema::MountReply>().isMounted()) return {};
    return reply->takeFd(0);
  }

  std::string refusalOf(std::optional<ipc::Packet> reply) {
    if (!reply || !reply->as<schema::MountReply>().isRefused()) return "not refused";
    EXPECT_EQ(reply->fdCount(), 0U);
    return ipc::toString(reply->as<schema::MountReply>().getRefused().getField());
  }

  TestStore store_;
  ContainerId container_ = ContainerId::generate();
  std::string target_;
  std::string containerDirectory_;
  std::string socket_ = store_.path() + "/socket";
  Fd main_;
  pid_t pid_ = 0;
};

}  // namespace bulkhead::mounter
