#include "daemons/cri-frontend/peers/imaged-client.h"

#include <sys/utsname.h>

#include <array>
#include <memory>

#include "ipc/convert.h"
#include "ipc/file-capability.h"

namespace bulkhead::cri {
namespace {

constexpr const char* name = "imaged";

// Machine names of uname(2) and what the OCI image-spec (config.md, "architecture": GOARCH) calls them.
struct Machine {
  std::string_view kernel;
  const char* architecture;
  const char* variant;
};
constexpr std::array<Machine, 8> machines{{{"x86_64", "amd64", ""},
                                           {"aarch64", "arm64", "v8"},
                                           {"armv7l", "arm", "v7"},
                                           {"armv6l", "arm", "v6"},
                                           {"riscv64", "riscv64", ""},
                                           {"ppc64le", "ppc64le", ""},
                                           {"s390x", "s390x", ""},
                                           {"loongarch64", "loong64", ""}}};

void writePlatform(schema::Platform::Builder to) {
  struct utsname host {};
  if (::uname(&host) != 0) throwErrno("uname");
  to.setOs("linux");
  to.setArchitecture(host.machine);
  for (const Machine& machine : machines) {
    if (machine.kernel != host.machine) continue;
    to.setArchitecture(machine.architecture);
    to.setVariant(machine.variant);
  }
}

void writeAuth(schema::Auth::Builder to, const Credentials& from) {
  to.setUsername(from.username);
  to.setPassword(from.password);
  to.setAuth(from.auth);
  to.setServerAddress(from.serverAddress);
  to.setIdentityToken(from.identityToken);
  to.setRegistryToken(from.registryToken);
}

Outcome<Documents> readDocuments(schema::Documents::Reader from) {
  auto signatures = ipc::packSignatures(from.getSignatures());
  if (!signatures) return tl::unexpected<Refusal>(signatures.error());
  return Documents{ipc::toString(from.getIndex()), ipc::toString(from.getManifest()),
                   ipc::toString(from.getConfig()), std::move(*signatures)};
}

// The name is imaged's word, and parsed like anybody's.
Outcome<Resolved> readResolved(schema::Result<schema::Resolved>::Reader result) {
  if (result.isRefused()) return tl::unexpected<Refusal>(ipc::readRefusal(result.getRefused()));
  auto reference = ImageReference::parse(ipc::toString(result.getOk().getReference()), "image");
  if (!reference) return tl::unexpected<Refusal>(reference.error());
  auto documents = readDocuments(result.getOk().getDocuments());
  if (!documents) return tl::unexpected<Refusal>(documents.error());
  return Resolved{std::move(*reference), std::move(*documents)};
}

std::vector<std::string> readNames(schema::Names::Reader from) {
  std::vector<std::string> names;
  for (auto one : from.getNames()) names.push_back(ipc::toString(one));
  return names;
}

}  // namespace

ImagedClient::ImagedClient(kj::LowLevelAsyncIoProvider& io, kj::Timer& timer, std::string socket)
    : timer_(timer), peer_(io, name, std::move(socket)) {}

Answer<Resolved> ImagedClient::resolve(const std::string& asked, const Credentials& credentials,
                                       const std::string& podNamespace, SignatureKinds signatures) {
  return callPeer<Resolved>(
      timer_, name, Repeat::onceIfDisconnected, [this, asked, credentials, podNamespace, signatures]() {
        auto request = peer_.get<schema::Imaged>().resolveRequest();
        request.setReference(asked);
        request.setNamespace(podNamespace);
        writeAuth(request.initAuth(), credentials);
        writePlatform(request.initPlatform());
        request.initSignatures().setSimple(signatures.simple);
        request.getSignatures().setSigstore(signatures.sigstore);
        return request.send().then([](auto&& response) { return readResolved(response.getResult()); });
      });
}

Answer<void> ImagedClient::fetch(const ImageReference& reference, const Credentials& credentials,
                                 const std::string& podNamespace, const Digest& digest, uint64_t size,
                                 Fd sink) {
  // Not repeated: some bytes may already be in the pipe.
  auto owned = std::make_shared<Fd>(std::move(sink));
  auto attempt = [this, reference, credentials, podNamespace, digest, size, owned]() {
    auto request = peer_.get<schema::Imaged>().fetchRequest();
    request.setReference(reference.text());
    request.setNamespace(podNamespace);
    writeAuth(request.initAuth(), credentials);
    request.setDigest(digest.text());
    request.setSize(size);
    request.setSink(ipc::makeFile(std::move(*owned)));
    return request.send().then([](auto&& response) { return readNothing(response.getResult()); });
  };
  return callPeer<void>(timer_, name, Repeat::no, kj::mv(attempt));
}

Answer<std::vector<std::string>> ImagedClient::names(const std::string& asked) {
  return callPeer<std::vector<std::string>>(timer_, name, Repeat::onceIfDisconnected, [this, asked]() {
    auto request = peer_.get<schema::Imaged>().namesRequest();
    request.setReference(asked);
    return request.send().then([](auto&& response) { return readResult(response.getResult(), readNames); });
  });
}

}  // namespace bulkhead::cri
