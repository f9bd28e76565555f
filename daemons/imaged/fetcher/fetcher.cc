#include "daemons/imaged/fetcher/fetcher.h"

#include <unistd.h>

#include <array>
#include <csignal>

#include "daemons/common/base/log.h"
#include "daemons/imaged/fetcher/blob-transfer.h"
#include "daemons/imaged/fetcher/image-documents.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::fetcher {
namespace {

using namespace std::chrono_literals;

// Main sends the request right after it asked for the fetcher.
constexpr auto requestTimeout = 30s;
// All documents of one image, with every retry, redirect and token: the kubelet waits no longer for a pull
// that has not begun.
constexpr auto resolveTimeout = 5min;

// One operation, from the request to the reply.
class Operation {
 public:
  Operation(ipc::Packet packet, int control, const Settings& settings)
      : packet_(std::move(packet)),
        settings_(settings),
        request_(packet_.as<schema::FetchRequest>()),
        control_(control),
        http_(control, settings.progressTimeout) {}

  Outcome<void> run(schema::FetchReply::Builder reply) {
    auto reference = ImageReference::parse(ipc::toString(request_.getReference()), "image");
    if (!reference) return tl::unexpected(reference.error());
    auto credentials = readCredentials(*reference);
    if (!credentials) return tl::unexpected(credentials.error());
    RegistryClient client(http_, registryAccess(), std::move(*credentials));
    return request_.isBlob() ? fetchBlob(client, reply) : resolve(client, *reference, reply);
  }

 private:
  [[nodiscard]] RegistryAccess registryAccess() const {
    auto registry = request_.getRegistry();
    return {ipc::toString(registry.getHost()),
            ipc::toString(registry.getRepository()),
            registry.getPlainHttp(),
            registry.getSkipVerify(),
            registry.getListed(),
            settings_.places};
  }

  [[nodiscard]] Outcome<Credentials> readCredentials(const ImageReference& reference) const {
    auto auth = request_.getAuth();
    std::string server = ipc::toString(auth.getServerAddress());
    auto registry = request_.getRegistry();
    if (!isMeantFor(server, reference.host(), ipc::toString(registry.getHost()), registry.getPlainHttp())) {
      return Credentials{};
    }
    return credentialsFrom({ipc::toString(auth.getUsername()), ipc::toString(auth.getPassword()),
                            ipc::toString(auth.getAuth()), ipc::toString(auth.getIdentityToken()),
                            ipc::toString(auth.getRegistryToken())});
  }

  Outcome<void> resolve(RegistryClient& client, const ImageReference& reference,
                        schema::FetchReply::Builder reply) {
    http_.finishWithin(resolveTimeout);
    auto platform = request_.getResolve();
    auto documents =
        fetchDocuments(client, reference,
                       {ipc::toString(platform.getOs()), ipc::toString(platform.getArchitecture()),
                        ipc::toString(platform.getVariant())});
    if (!documents) return tl::unexpected(documents.error());
    auto out = reply.initDocuments();
    out.setIndex(ipc::toData(documents->index));
    out.setManifest(ipc::toData(documents->manifest));
    out.setConfig(ipc::toData(documents->config));
    return {};
  }

  Outcome<void> fetchBlob(RegistryClient& client, schema::FetchReply::Builder reply) {
    auto digest = Digest::parse(ipc::toString(request_.getBlob().getDigest()), "digest");
    if (!digest) return tl::unexpected(digest.error());
    Fd pipe = packet_.takeFd(0);
    if (!pipe) return invalid("sink", "is missing");
    PipeWriter writer(std::move(pipe), control_);
    auto bytes = BlobTransfer(client, writer, *digest, request_.getBlob().getSize()).run();
    if (!bytes) return tl::unexpected(bytes.error());
    reply.initFetched().setBytes(*bytes);
    return {};
  }

  ipc::Packet packet_;
  const Settings& settings_;
  schema::FetchRequest::Reader request_;
  int control_;
  HttpClient http_;
};

void serveOne(int socket, const Settings& settings) {
  auto packet = ipc::receivePacket(socket, requestTimeout);
  if (!packet) return;
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<schema::FetchReply>();
  try {
    auto done = Operation(std::move(*packet), socket, settings).run(reply);
    if (!done) ipc::writeRefusal(reply.initRefused(), done.error());
  } catch (const std::bad_alloc&) {
    ipc::writeRefusal(reply.initRefused(),
                      {Code::resourceExhausted, "", "the registry's answer needs too much memory"});
  }
  if (!ipc::sendPacket(socket, message)) log::debug("main is gone");
}

}  // namespace

std::vector<jail::Access> readablePaths() {
  static constexpr std::array<const char*, 12> wanted{
      "/etc/resolv.conf", "/etc/hosts",    "/etc/host.conf",       "/etc/nsswitch.conf",
      "/etc/gai.conf",    "/etc/services",
      "/usr/lib",  // NSS modules
      "/etc/ssl",         "/etc/pki",      "/etc/ca-certificates", "/usr/share/ca-certificates",
      "/etc/containers"};
  std::vector<jail::Access> paths;
  for (const char* path : wanted) {
    if (::access(path, F_OK) == 0) paths.push_back({path, jail::Access::Right::read});
  }
  return paths;
}

void runFetcher(Fd socket, const Settings& settings) {
  log::setComponent("fetcher");
  try {
    (void)std::signal(SIGPIPE, SIG_IGN);
    jail::confine(jail::Process::fetcher, {settings.uid, settings.gid, readablePaths(), {socket.get()}});
    serveOne(socket.get(), settings);
    ::_exit(0);
  } catch (const HungUp&) {
    ::_exit(0);
  } catch (const kj::Exception& broken) {
    log::error("fetcher failed", {{"error", broken.getDescription().cStr()}});
  } catch (const std::exception& broken) {
    log::error("fetcher failed", {{"error", broken.what()}});
  }
  ::_exit(1);
}

}  // namespace bulkhead::fetcher
