#include "daemons/imaged/fetcher/fetcher.h"

#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <vector>

#include "daemons/common/base/digest-stream.h"
#include "daemons/common/base/log.h"
#include "daemons/imaged/fetcher/blob-transfer.h"
#include "daemons/imaged/fetcher/image-documents.h"
#include "daemons/imaged/fetcher/image-signatures.h"
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

Proxies proxiesOf(schema::Proxies::Reader proxies) {
  return {ipc::toString(proxies.getHttp()), ipc::toString(proxies.getHttps()),
          ipc::toString(proxies.getNoProxy())};
}

AuthTexts textsOf(schema::Auth::Reader auth) {
  return {ipc::toString(auth.getUsername()), ipc::toString(auth.getPassword()), ipc::toString(auth.getAuth()),
          ipc::toString(auth.getIdentityToken()), ipc::toString(auth.getRegistryToken())};
}

std::vector<ListedPlace> placesOf(capnp::List<schema::Place>::Reader list) {
  std::vector<ListedPlace> places;
  for (auto place : list) {
    places.push_back({ipc::toString(place.getHost()),
                      place.getInsecure(),
                      place.getListed(),
                      {ipc::toString(place.getAuthorities()), {}, {}}});
  }
  return places;
}

void write(schema::Signature::Builder to, const FoundSignature& from) {
  if (const auto* message = std::get_if<SimpleMessage>(&from)) {
    to.setSimple(ipc::toData(*message));
    return;
  }
  const auto& attachment = std::get<Attachment>(from);
  auto out = to.initSigstore();
  out.setPayload(ipc::toData(attachment.payload));
  out.setSignature(attachment.signature);
  out.setCertificate(attachment.certificate);
  out.setChain(attachment.chain);
  out.setBundle(attachment.bundle);
}

// One operation, from the request to the reply.
class Operation {
 public:
  Operation(ipc::Packet packet, int control, const Settings& settings)
      : packet_(std::move(packet)),
        request_(packet_.as<schema::FetchRequest>()),
        control_(control),
        schema1_(settings.schema1),
        http_(control, settings.progressTimeout, proxiesOf(request_.getProxies())) {}

  Outcome<void> run(schema::FetchReply::Builder reply) {
    auto reference = ImageReference::parse(ipc::toString(request_.getReference()), "image");
    if (!reference) return tl::unexpected(reference.error());
    auto known = meetSources(*reference);
    if (!known) return known;
    auto done = request_.isBlob() ? fetchBlob(reply) : resolve(*reference, reply);
    handOnTokens(reply);
    return done;
  }

 private:
  Outcome<void> meetSources(const ImageReference& reference) {
    for (auto access : request_.getSources()) {
      auto credentials = credentialsFor(access, reference);
      if (!credentials) return tl::unexpected(credentials.error());
      clients_.push_back(std::make_unique<RegistryClient>(http_, registryAccess(access.getSource()),
                                                          std::move(*credentials),
                                                          ipc::toString(access.getToken())));
      if (schema1_) clients_.back()->acceptSchema1();
    }
    if (clients_.empty()) return invalid("sources", "are missing");
    return {};
  }

  [[nodiscard]] RegistryAccess registryAccess(schema::Source::Reader source) const {
    return {ipc::toString(source.getHost()),
            ipc::toString(source.getRepository()),
            source.getInsecure(),
            source.getInsecure(),
            source.getListed(),
            source.getMirror(),
            {ipc::toString(source.getAuthorities()), ipc::toString(source.getCertificate()),
             ipc::toString(source.getKey())},
            placesOf(request_.getPlaces())};
  }

  // The request's, if it is meant for this source, else what an auth file has for it.
  [[nodiscard]] Outcome<Credentials> credentialsFor(schema::FetchRequest::Access::Reader access,
                                                    const ImageReference& reference) const {
    auto auth = request_.getAuth();
    auto source = access.getSource();
    auto asked = credentialsFrom(textsOf(auth));
    if (!asked) return asked;
    bool meant = isMeantFor(ipc::toString(auth.getServerAddress()), reference.host(),
                            ipc::toString(source.getHost()), source.getInsecure());
    if (meant && !asked->empty()) return asked;
    return credentialsFrom(textsOf(access.getCredential()));
  }

  // All documents from one source: by tag, two of them may mean different images.
  Outcome<void> resolve(const ImageReference& reference, schema::FetchReply::Builder reply) {
    auto platform = request_.getResolve();
    Platform wanted{ipc::toString(platform.getOs()), ipc::toString(platform.getArchitecture()),
                    ipc::toString(platform.getVariant())};
    auto end = std::chrono::steady_clock::now() + resolveTimeout;
    for (size_t i = 0;; ++i) {
      // Each source has its share of what is left.
      auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
      http_.finishWithin(left / (clients_.size() - i));
      auto done = resolveAt(i, reference, wanted, reply);
      if (done || i + 1 == clients_.size()) return done;
      log::warning(
          "a mirror fails, the next source is asked",
          {{"source", clients_[i]->who()}, {"image", reference.text()}, {"reason", describe(done.error())}});
    }
  }

  Outcome<void> resolveAt(size_t source, const ImageReference& reference, const Platform& wanted,
                          schema::FetchReply::Builder reply) {
    RegistryClient& client = *clients_[source];
    auto documents = fetchDocuments(client, reference, wanted, schema1_);
    if (!documents) return tl::unexpected(documents.error());
    auto signatures = findSignatures(client, searchAt(source), digestsOf(*documents));
    if (!signatures) return tl::unexpected(signatures.error());
    log::info("image found", {{"image", reference.text()}, {"source", client.who()}});
    answer(*documents, *signatures, reply);
    return {};
  }

  [[nodiscard]] SignatureSearch searchAt(size_t source) const {
    auto stores = request_.getSources()[static_cast<unsigned>(source)].getSource().getSignatures();
    auto kinds = request_.getSignatures();
    return {kinds.getSimple(), kinds.getSigstore(), ipc::toString(stores.getLookaside()),
            stores.getAttachments()};
  }

  static std::vector<Digest> digestsOf(const ImageDocuments& documents) {
    std::vector<Digest> digests{digestOf(documents.manifest)};
    if (!documents.index.empty()) digests.push_back(digestOf(documents.index));
    return digests;
  }

  static void answer(const ImageDocuments& documents, const std::vector<FoundSignature>& signatures,
                     schema::FetchReply::Builder reply) {
    auto out = reply.initDocuments();
    out.setIndex(ipc::toData(documents.index));
    out.setManifest(ipc::toData(documents.manifest));
    out.setConfig(ipc::toData(documents.config));
    auto list = out.initSignatures(static_cast<unsigned>(signatures.size()));
    for (unsigned i = 0; i < list.size(); ++i) write(list[i], signatures[i]);
  }

  Outcome<void> fetchBlob(schema::FetchReply::Builder reply) {
    auto digest = Digest::parse(ipc::toString(request_.getBlob().getDigest()), "digest");
    if (!digest) return tl::unexpected(digest.error());
    Fd pipe = packet_.takeFd(0);
    if (!pipe) return invalid("sink", "is missing");
    PipeWriter writer(std::move(pipe), control_);
    std::vector<RegistryClient*> sources;
    for (auto& client : clients_) sources.push_back(client.get());
    auto bytes = BlobTransfer(sources, writer, *digest, request_.getBlob().getSize()).run();
    if (!bytes) return tl::unexpected(bytes.error());
    reply.initFetched().setBytes(*bytes);
    return {};
  }

  // For the fetchers after this one.
  void handOnTokens(schema::FetchReply::Builder reply) const {
    unsigned count = 0;
    for (const auto& client : clients_) count += client->issued() ? 1 : 0;
    auto list = reply.initTokens(count);
    for (unsigned i = 0, at = 0; i < clients_.size(); ++i) {
      const auto& issued = clients_[i]->issued();
      if (!issued) continue;
      list[at].setSource(i);
      list[at].setToken(issued->token);
      list[at++].setSeconds(issued->seconds);
    }
  }

  ipc::Packet packet_;
  schema::FetchRequest::Reader request_;
  int control_;
  bool schema1_;
  HttpClient http_;
  std::vector<std::unique_ptr<RegistryClient>> clients_;  // one per source
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
  static constexpr std::array<const char*, 11> wanted{
      "/etc/resolv.conf", "/etc/hosts",    "/etc/host.conf",       "/etc/nsswitch.conf",
      "/etc/gai.conf",    "/etc/services",
      "/usr/lib",  // NSS modules
      "/etc/ssl",         "/etc/pki",      "/etc/ca-certificates", "/usr/share/ca-certificates"};
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
