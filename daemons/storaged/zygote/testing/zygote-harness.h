// For tests: the real zygote on a store, spoken to as main does. Needs root.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <capnp/message.h>

#include <csignal>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/common/base/beneath.h"
#include "daemons/common/base/fd.h"
#include "daemons/common/base/ids.h"
#include "daemons/common/base/io.h"
#include "daemons/common/base/process.h"
#include "daemons/storaged/zygote/testing/test-store.h"
#include "ipc/packet.h"
#include "ipc/schema/worker.capnp.h"

namespace bulkhead::zygote {

// A worker's ends of its pipes, as main holds them.
struct TestWorker {
  Fd input;
  Fd output;
  Fd result;
  Fd log;

  // Everything it writes and its answer; nothing if it died without one. `bytes` are fed first.
  std::optional<ipc::Packet> finish() {
    input.reset();
    return ipc::readMessage(result.get(), 64 * 1024 * 1024);
  }
};

// The workers' programs as they were built, but for those that a test puts in the place of one.
class TestLibrary {
 public:
  explicit TestLibrary(const std::map<std::string, std::string>& instead) {
    if (::mkdtemp(path_.data()) == nullptr) throwErrno("mkdtemp");
    for (const char* name :
         {"bulkhead-storage-worker", "bulkhead-storage-decompressor", "bulkhead-storage-verifier"}) {
      auto found = instead.find(name);
      std::string target = found == instead.end() ? std::string(BULKHEAD_BIN "/") + name : found->second;
      std::filesystem::create_symlink(target, path_ + "/" + name);
    }
  }
  ~TestLibrary() { std::filesystem::remove_all(path_); }
  TestLibrary(const TestLibrary&) = delete;
  TestLibrary& operator=(const TestLibrary&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "bulkhead-library-XXXXXX").string();
};

class TestZygote {
 public:
  explicit TestZygote(const TestStore& store, const std::string& library = BULKHEAD_BIN) {
    SocketPair pair = makeSocketPair(SOCK_SEQPACKET);
    control_ = std::move(pair.first);
    Fd directory = openDirectory(store.path());
    Fd trust = openDirectory(store.trust());
    pid_ = spawnProgram(BULKHEAD_BIN "/bulkhead-storage-zygote",
                        {"--root", "/nonexistent-test-instance", "--storage-uid", std::to_string(testUid),
                         "--storage-gid", std::to_string(testUid), "--library", library, "--max-bytes",
                         "10000000000", "--max-entries", "1000000"},
                        {pair.second.get(), directory.get(), trust.get()});
  }
  // By end of file, as when main dies.
  ~TestZygote() {
    control_.reset();
    if (waitFor(pid_, std::chrono::seconds(10))) return;
    ADD_FAILURE() << "the zygote outlives its control socket";
    (void)::kill(pid_, SIGKILL);
    (void)waitFor(pid_, std::nullopt);
  }

  TestWorker start(const std::function<void(schema::WorkerRequest::Builder)>& describe) {
    Pipe input = makePipe();
    Pipe output = makePipe();
    Pipe result = makePipe();
    Pipe log = makePipe();
    send(describe, {input.read.get(), output.write.get(), result.write.get(), log.write.get()});
    return {std::move(input.write), std::move(output.read), std::move(result.read), std::move(log.read)};
  }

  void send(const std::function<void(schema::WorkerRequest::Builder)>& describe,
            const std::vector<int>& fds) {
    capnp::MallocMessageBuilder message;
    auto request = message.initRoot<schema::WorkerRequest>();
    request.setNumber(++number_);
    describe(request);
    if (!ipc::sendPacket(control_.get(), message, fds)) throwErrno("send to zygote");
  }

  [[nodiscard]] std::uint64_t lastNumber() const { return number_; }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  Fd control_;
  pid_t pid_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace bulkhead::zygote
