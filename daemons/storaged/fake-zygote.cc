#include "daemons/storaged/fake-zygote.h"

#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "daemons/common/base/io.h"
#include "ipc/convert.h"

namespace bulkhead::storaged {
namespace {

using Result = schema::WorkerResult::Builder;

constexpr size_t plenty = 64 * 1024 * 1024;

void refuseWith(Result result, const char* reason) {
  ipc::writeRefusal(result.initRefused(), {Code::invalidArgument, "", reason});
}

void unpack(Fd input, const std::string& directory, Result result) {
  std::string content = readBounded(input.get(), plenty).value_or("");
  if (content.starts_with("EVIL")) {
    refuseWith(result, "a hostile archive");
    return;
  }
  std::ofstream(directory + "/diff/content") << content;
  result.initUnpacked().setBytes(content.size());
}

void decompress(Fd input, Fd output, Result result) {
  std::string content = readBounded(input.get(), plenty).value_or("");
  if (!content.starts_with("Z")) {
    refuseWith(result, "not compressed");
    return;
  }
  (void)writeAll(output.get(), std::string_view(content).substr(1));
  result.setDecompressed();
}

void parse(Fd input, const FakeZygote::Parser& parser, Result result) {
  auto packet = ipc::readMessage(input.get(), plenty);
  parser(ipc::toString(packet->as<schema::ParseInput>().getDocuments().getManifest()), result);
}

// What is in it; the directory itself is main's to remove.
void erase(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove_all(entry);
}

// One worker's life.
void work(std::shared_ptr<ipc::Packet> packet, const std::string& store, const FakeZygote::Parser& parser) {
  auto request = packet->as<schema::WorkerRequest>();
  Fd input = packet->takeFd(0);
  Fd output = packet->takeFd(1);
  Fd answer = packet->takeFd(2);
  capnp::MallocMessageBuilder message;
  auto result = message.initRoot<schema::WorkerResult>();
  switch (request.which()) {
    case schema::WorkerRequest::UNPACK:
      unpack(std::move(input), store + "/staging/" + ipc::toString(request.getUnpack()), result);
      break;
    case schema::WorkerRequest::DECOMPRESS:
      decompress(std::move(input), std::move(output), result);
      break;
    case schema::WorkerRequest::PARSE:
      parse(std::move(input), parser, result);
      break;
    case schema::WorkerRequest::ERASE:
      erase(store + "/trash/" + ipc::toString(request.getErase()));
      result.setErased();
      break;
    case schema::WorkerRequest::MEASURE:
      result.initMeasured().setBytes(42);
      break;
    default:
      return;
  }
  (void)ipc::writeMessage(answer.get(), message);
}

}  // namespace

FakeZygote::FakeZygote(std::string store, Parser parser)
    : store_(std::move(store)), parser_(std::move(parser)) {
  auto pair = makeSocketPair(SOCK_SEQPACKET);
  mainEnd_ = std::move(pair.first);
  ownEnd_ = std::move(pair.second);
  server_ = std::thread([this]() { serve(); });
}

FakeZygote::~FakeZygote() {
  mainEnd_.reset();
  server_.join();
}

void FakeZygote::serve() {
  while (auto packet = ipc::receivePacket(ownEnd_.get())) {
    // A thread cannot be killed; it ends because the test closes its pipes.
    if (packet->as<schema::WorkerRequest>().isKill()) continue;
    auto shared = std::make_shared<ipc::Packet>(std::move(*packet));
    workers_.emplace_back([this, shared]() { work(shared, store_, parser_); });
  }
  for (std::thread& worker : workers_) worker.join();
}

}  // namespace bulkhead::storaged
