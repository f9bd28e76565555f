// bulkhead-cri: the exposed process. Role, peers, holdings: README.md beside this file.
#include <kj/async-io.h>

#include <filesystem>
#include <optional>

#include "daemons/common/base/priority.h"
#include "daemons/common/base/sockets.h"
#include "daemons/common/config/load.h"
#include "daemons/common/jail/confine.h"
#include "daemons/common/jail/daemon.h"
#include "daemons/cri-frontend/cri-services.h"
#include "daemons/cri-frontend/flows/reconcile.h"
#include "daemons/cri-frontend/streaming/server.h"

namespace bulkhead::cri {
namespace {

// The directories, not the files: a renewed certificate is a new file.
void addTlsPaths(std::vector<jail::Access>& paths, schema::Streaming::Reader streaming) {
  for (auto file : {streaming.getTlsCertificate(), streaming.getTlsKey(), streaming.getTlsClientCa()}) {
    auto directory = std::filesystem::path(file.cStr()).parent_path();
    if (!directory.empty()) paths.push_back({directory.string(), jail::Access::Right::read});
  }
}

std::optional<streaming::Tls> tlsOf(schema::Streaming::Reader streaming) {
  if (streaming.getTlsCertificate().size() == 0) return std::nullopt;
  return streaming::Tls({streaming.getTlsCertificate().cStr(), streaming.getTlsKey().cStr(),
                         streaming.getTlsClientCa().cStr()});
}

jail::Confinement confinementOf(const jail::Start& start, const Fd& listener, const Fd& streams,
                                schema::Config::Reader config) {
  std::vector<jail::Access> paths = {{start.layout.criState(), jail::Access::Right::readWrite},
                                     {"/sys/fs/cgroup", jail::Access::Right::read}};
  addTlsPaths(paths, config.getStreaming());
  return {.uid = config.getIdentities().getCriUid(),
          .gid = config.getIdentities().getCriGid(),
          .paths = std::move(paths),
          .keep = {listener.get(), streams.get(), start.notify.get()}};
}

kj::Duration idleTimeOf(schema::Config::Reader config) {
  return config.getStreaming().getIdleTimeoutMs() * kj::MILLISECONDS;
}

// Nothing is opened by path after confinement but our own records and, to be read, control groups and
// certificates.
int run(int argc, char** argv) {
  jail::Start start = jail::startDaemon("cri", argc, argv);
  LoadedConfig loaded = loadConfig(start.options);
  answerBeforeOthers(LaterThreads::alike);
  Fd listener = takeSocket(start.sockets, "cri");
  Fd streams = takeSocket(start.sockets, "stream");
  jail::confine(jail::Process::cri, confinementOf(start, listener, streams, loaded.get()));

  std::optional<streaming::Tls> tls = tlsOf(loaded.get().getStreaming());
  auto io = kj::setupAsyncIo();
  Loop loop{*io.lowLevelProvider, io.unixEventPort, io.provider->getTimer()};
  io.waitScope.setBusyPollInterval(32);  // a peer that never pauses keeps nobody else waiting
  Frontend frontend(loop, start.layout, readSettings(loaded.get()));
  Reconcile::run(frontend).wait(io.waitScope);
  streaming::Server streaming({loop.port, loop.timer}, std::move(streams), idleTimeOf(loaded.get()),
                              std::move(tls));
  frontend.streaming = &streaming;
  CriServices services(frontend, io.waitScope);
  auto accepting = services.accept(std::move(listener)).exclusiveJoin(streaming.run());
  jail::notifyReady(start);
  accepting.wait(io.waitScope);
  return 0;
}

}  // namespace
}  // namespace bulkhead::cri

int main(int argc, char** argv) {
  return bulkhead::jail::runMain("cri", bulkhead::cri::run, argc, argv);
}
