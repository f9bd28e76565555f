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

void unpack(Fd input, const std::string& directory, const FakeZygote::Sleep& sleep, Result result) {
  std::string content = readBounded(input.get(), plenty).value_or("");
  if (content.starts_with("SLEEP")) sleep();
  if (content.starts_with("EVIL")) {
    refuseWith(result, "a hostile archive");
    return;
  }
  // Not the parent: it may have gone to the trash by now.
  std::error_code gone;
  std::filesystem::create_directory(directory + "/closed", gone);
  std::filesystem::create_directory(directory + "/closed/diff", gone);
  std::ofstream(directory + "/closed/diff/content") << content;
  auto counted = result.initUnpacked();
  counted.setBytes(content.size());
  counted.setContent(content.size());
}

void decompress(Fd input, Fd output, Result result) {
  std::string content = readBounded(input.get(), plenty).value_or("");
  if (!content.starts_with("Z")) {
    refuseWith(result, "not compressed");
    return;
  }
  auto archive = std::string_view(content).substr(1);
  (void)writeAll(output.get(), archive);
  if (archive.starts_with("Z")) (void)writeAll(output.get(), archive);
  result.setDecompressed();
}

void verify(Fd input, const FakeZygote::Judge& judge, Result result) {
  auto packet = ipc::readMessage(input.get(), plenty);
  judge(packet->as<schema::VerifyInput>(), result);
}

void parse(Fd input, const FakeZygote::Parser& parser, Result result) {
  auto packet = ipc::readMessage(input.get(), plenty);
  auto parse = packet->as<schema::ParseInput>();
  parser(ipc::toString(parse.isConfig() ? parse.getConfig() : parse.getManifest().getManifest()), result);
}

// What is in it; the directory itself is main's to remove.
void erase(const std::string& directory, Result result) {
  if (std::filesystem::remove(directory + "/stuck")) return refuseWith(result, "not now");
  for (const auto& entry : std::filesystem::directory_iterator(directory)) std::filesystem::remove_all(entry);
  result.setErased();
}

// "app" is somebody; whoever else is asked for is root.
void lookUp(Fd input, Result result) {
  auto packet = ipc::readMessage(input.get(), plenty);
  auto user = ipc::toString(packet->as<schema::LookupInput>().getUser());
  if (user == "nobody") return refuseWith(result, "no such user");
  auto to = result.initLookedUp();
  to.setUid(user == "app" ? 1000 : 0);
  to.initGroups(1).set(0, 60);
}

// One worker's life.
void work(std::shared_ptr<ipc::Packet> packet, const std::string& store, const FakeZygote::Parser& parser,
          const FakeZygote::Judge& judge, const FakeZygote::Sleep& sleep) {
  auto request = packet->as<schema::WorkerRequest>();
  Fd input = packet->takeFd(0);
  Fd output = packet->takeFd(1);
  Fd answer = packet->takeFd(2);
  Fd log = packet->takeFd(3);
  capnp::MallocMessageBuilder message;
  auto result = message.initRoot<schema::WorkerResult>();
  switch (request.which()) {
    case schema::WorkerRequest::UNPACK:
      unpack(std::move(input), store + "/staging/" + ipc::toString(request.getUnpack()), sleep, result);
      break;
    case schema::WorkerRequest::DECOMPRESS:
      decompress(std::move(input), std::move(output), result);
      break;
    case schema::WorkerRequest::PARSE:
      parse(std::move(input), parser, result);
      break;
    case schema::WorkerRequest::VERIFY:
      verify(std::move(input), judge, result);
      break;
    case schema::WorkerRequest::ERASE:
      erase(store + "/trash/" + ipc::toString(request.getErase()), result);
      break;
    case schema::WorkerRequest::MEASURE:
      result.initMeasured().setBytes(42);
      break;
    case schema::WorkerRequest::LOOKUP:
      lookUp(std::move(input), result);
      break;
    default:
      return;
  }
  (void)ipc::writeMessage(answer.get(), message);
}

}  // namespace

FakeZygote::FakeZygote(std::string store, Parser parser, Judge judge)
    : store_(std::move(store)), parser_(std::move(parser)), judge_(std::move(judge)) {
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
    if (packet->as<schema::WorkerRequest>().isLookup()) ++lookups;
    auto shared = std::make_shared<ipc::Packet>(std::move(*packet));
    workers_.emplace_back([this, shared]() {
      work(shared, store_, parser_, judge_, [this]() { awake_.get_future().wait(); });
    });
  }
  awake_.set_value();
  for (std::thread& worker : workers_) worker.join();
}

}  // namespace bulkhead::storaged
