#include "daemons/netd/plugin-run.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemons/common/base/io.h"
#include "daemons/common/base/log.h"
#include "daemons/netd/cni-result.h"
#include "daemons/netd/plugin-config.h"
#include "ipc/convert.h"
#include "ipc/limits.h"
#include "ipc/scrub.h"

namespace bulkhead::netd {
namespace {

// A memfd instead of a pipe: written at once, whatever its size, and nobody has to feed it.
Fd makeInput(const std::string& bytes) {
  Fd file(::memfd_create("cni-config", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) throwErrno("memfd_create");
  if (!writeAll(file.get(), bytes) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    throwErrno("write a plugin's config");
  if (::fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) {
    throwErrno("seal a plugin's config");
  }
  return file;
}

}  // namespace

struct PluginRun::Descriptors {
  explicit Descriptors(const std::string& config)
      : input(makeInput(config)), out(makePipe()), err(makePipe()), answer(makeSocketPair(SOCK_SEQPACKET)) {}
  Fd input;
  Pipe out;
  Pipe err;
  SocketPair answer;
};

PluginRun::PluginRun(kj::UnixEventPort& port, PluginCall call)
    : PluginRun(port, call, Descriptors(call.config)) {}

PluginRun::PluginRun(kj::UnixEventPort& port, PluginCall call, Descriptors descriptors)
    : call_(std::move(call)),
      out_(port, std::move(descriptors.out.read), limits::pluginOutput),
      err_(port, std::move(descriptors.err.read), limits::pluginOutput),
      answer_(port, std::move(descriptors.answer.first)) {
  theirs_.push_back(std::move(descriptors.input));
  theirs_.push_back(std::move(descriptors.out.write));
  theirs_.push_back(std::move(descriptors.err.write));
  theirs_.push_back(std::move(descriptors.answer.second));
}

kj::Promise<Outcome<std::string>> PluginRun::run(HelperChannel& runner) {
  runner.send(request(), std::move(theirs_));
  pumping_ = kj::joinPromises(kj::arr(out_.pump(), err_.pump())).eagerlyEvaluate(nullptr);
  return answer_.receive().then([this](ipc::Packet&& packet) { return conclude(kj::mv(packet)); },
                                [](kj::Exception&& lost) -> Outcome<std::string> {
                                  return tl::unexpected(ipc::refusalFrom("the CNI runner", lost));
                                });
}

kj::Own<capnp::MallocMessageBuilder> PluginRun::request() const {
  auto message = kj::heap<capnp::MallocMessageBuilder>();
  auto run = message->initRoot<schema::PluginRun>();
  run.setPlugin(call_.plugin);
  run.setCommand(call_.command);
  run.setTimeoutMs(static_cast<uint32_t>(call_.timeout.count()));
  if (call_.pod == nullptr) return message;
  run.setPodId(call_.pod->id.text());
  run.setInterface(podInterface);
  run.setPodName(call_.pod->name);
  run.setPodNamespace(call_.pod->nameSpace);
  run.setPodUid(call_.pod->uid);
  return message;
}

Outcome<std::string> PluginRun::conclude(ipc::Packet packet) {
  auto end = packet.as<schema::PluginEnd>();
  std::string who = "CNI plugin " + call_.plugin;
  if (end.isRefused()) {
    Refusal refusal = ipc::readRefusal(end.getRefused());
    return refuse(refusal.code, "", who + ": " + describe(refusal));
  }
  if (!end.isTimedOut() && !end.isExited())
    return refuse(Code::internal, "", "the CNI runner gave an answer that does not fit");
  std::string out = out_.finish();
  std::string err = err_.finish();
  if (end.isTimedOut()) {
    return refuse(Code::deadlineExceeded, "",
                  who + " did not finish within " + std::to_string(call_.timeout.count()) +
                      " ms and was killed" + lastWords(err));
  }
  if (out_.overflowed()) return refuse(Code::unavailable, "", who + " printed more than a result may have");
  if (int status = end.getExited(); status != 0)
    return tl::unexpected(pluginFailure(call_.plugin, status, out, err));
  if (!err.empty()) log::debug("plugin wrote", {{"plugin", call_.plugin}, {"stderr", err}});
  return out;
}

}  // namespace bulkhead::netd
