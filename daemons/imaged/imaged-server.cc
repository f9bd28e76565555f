#include "daemons/imaged/imaged-server.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "daemons/common/base/digest.h"
#include "ipc/convert.h"
#include "ipc/file-capability.h"
#include "ipc/limits.h"
#include "ipc/scrub.h"

namespace bulkhead::imaged {
namespace {

size_t sizeOf(schema::Auth::Reader auth) {
  return auth.getUsername().size() + auth.getPassword().size() + auth.getAuth().size() +
         auth.getServerAddress().size() + auth.getIdentityToken().size() + auth.getRegistryToken().size();
}

// Field by field: a copy of the whole struct would take pointers along that no version of ours knows.
void copy(schema::Auth::Reader from, schema::Auth::Builder to) {
  to.setUsername(from.getUsername());
  to.setPassword(from.getPassword());
  to.setAuth(from.getAuth());
  to.setServerAddress(from.getServerAddress());
  to.setIdentityToken(from.getIdentityToken());
  to.setRegistryToken(from.getRegistryToken());
}

void copy(schema::Platform::Reader from, schema::Platform::Builder to) {
  to.setOs(from.getOs());
  to.setArchitecture(from.getArchitecture());
  to.setVariant(from.getVariant());
}

void copy(schema::Documents::Reader from, schema::Documents::Builder to) {
  to.setIndex(from.getIndex());
  to.setManifest(from.getManifest());
  to.setConfig(from.getConfig());
}

// Main's requests stay inline packets (limits::credential): it may not make a memfd.
bool fits(schema::Platform::Reader platform) {
  constexpr size_t longest = 64;
  return platform.getOs().size() <= longest && platform.getArchitecture().size() <= longest &&
         platform.getVariant().size() <= longest;
}

// In a fetcher's words, which a stranger may have put into its mouth.
Refusal claimed(schema::Refusal::Reader from) {
  constexpr size_t longestField = 256;
  Refusal refusal = ipc::readRefusal(from);
  refusal.field = refusal.field.substr(0, longestField);
  return refusal;
}

bool isPipeForWriting(const Fd& fd) {
  struct stat info {};
  return fd && ::fstat(fd.get(), &info) == 0 && S_ISFIFO(info.st_mode) &&
         (::fcntl(fd.get(), F_GETFL) & O_ACCMODE) == O_WRONLY;
}

bool fits(schema::Documents::Reader documents) {
  return documents.getIndex().size() <= limits::document &&
         documents.getManifest().size() <= limits::document &&
         documents.getConfig().size() <= limits::document;
}

using ResolveCall = capnp::CallContext<schema::Imaged::ResolveParams, schema::Imaged::ResolveResults>;
using FetchCall = capnp::CallContext<schema::Imaged::FetchParams, schema::Imaged::FetchResults>;

template <typename Context>
kj::Promise<void> refuseCall(Context context, const Refusal& refusal) {
  ipc::writeRefusal(context.getResults().initResult().initRefused(), refusal);
  return kj::READY_NOW;
}

// A fetcher that died instead of answering is our trouble, not the caller's exception.
template <typename Context>
kj::Promise<void> afterDeath(Context context, kj::Exception&& exception) {
  if (exception.getType() != kj::Exception::Type::DISCONNECTED) return kj::mv(exception);
  return refuseCall(context, {Code::internal, "", "the fetcher ended without an answer"});
}

// Results are what a fetcher, which strangers can reach, claims: shape and size are checked, nothing is
// parsed.
void fillResolve(ResolveCall context, ipc::Packet packet) {
  auto reply = packet.as<schema::FetchReply>();
  auto result = context.getResults().initResult();
  if (reply.isRefused()) {
    ipc::writeRefusal(result.initRefused(), claimed(reply.getRefused()));
  } else if (!reply.isDocuments() || !fits(reply.getDocuments())) {
    ipc::writeRefusal(result.initRefused(), {Code::internal, "", "the fetcher gave no usable answer"});
  } else {
    copy(reply.getDocuments(), result.initOk());
  }
}

void fillFetch(FetchCall context, ipc::Packet packet) {
  auto reply = packet.as<schema::FetchReply>();
  auto result = context.getResults().initResult();
  if (reply.isRefused()) {
    ipc::writeRefusal(result.initRefused(), claimed(reply.getRefused()));
  } else if (!reply.isFetched()) {
    ipc::writeRefusal(result.initRefused(), {Code::internal, "", "the fetcher gave no usable answer"});
  } else {
    result.initOk().setBytes(reply.getFetched().getBytes());
  }
}

}  // namespace

ImagedServer::ImagedServer(kj::UnixEventPort& port, FetchZygote& zygote, const Registries& registries)
    : port_(port), zygote_(zygote), registries_(registries) {}

kj::Promise<void> ImagedServer::resolve(ResolveContext context) {
  context.allowCancellation();
  return ipc::scrubbed("imaged.resolve", kj::evalNow([&] { return resolveInto(context); }));
}

kj::Promise<void> ImagedServer::fetch(FetchContext context) {
  context.allowCancellation();
  return ipc::scrubbed("imaged.fetch", kj::evalNow([&] { return fetchInto(context); }));
}

Outcome<kj::Own<FetchOperation>> ImagedServer::begin(capnp::Text::Reader reference,
                                                     schema::Auth::Reader auth) {
  auto parsed = ImageReference::parse(ipc::toString(reference), "image");
  if (!parsed) return tl::unexpected(parsed.error());
  if (sizeOf(auth) > limits::credential) return invalid("auth", "is larger than 48 KiB");
  if (admitted_ >= limits::fetchers) return refuse(Code::resourceExhausted, "", "too many transfers at once");
  auto source = registries_.sourceOf(*parsed);
  if (!source) return tl::unexpected(source.error());

  ++admitted_;
  auto operation = kj::heap<FetchOperation>(port_, zygote_).attach(kj::defer([this] { --admitted_; }));
  auto request = operation->request();
  request.setReference(parsed->text());
  copy(auth, request.initAuth());
  auto registry = request.initRegistry();
  registry.setHost(source->host);
  registry.setRepository(source->repository);
  registry.setPlainHttp(source->insecure);
  registry.setSkipVerify(source->insecure);
  registry.setListed(source->listed);
  return operation;
}

kj::Promise<ipc::Packet> ImagedServer::run(kj::Own<FetchOperation> operation) {
  auto reply = operation->run();
  return reply.attach(kj::mv(operation));
}

kj::Promise<void> ImagedServer::resolveInto(ResolveContext context) {
  auto params = context.getParams();
  if (!fits(params.getPlatform())) {
    return refuseCall(context, {Code::invalidArgument, "platform", "is longer than 64 bytes"});
  }
  auto operation = begin(params.getReference(), params.getAuth());
  if (!operation) return refuseCall(context, operation.error());
  copy(params.getPlatform(), (*operation)->request().initResolve());
  context.releaseParams();
  return run(kj::mv(*operation))
      .then([context](ipc::Packet&& packet) mutable { fillResolve(context, kj::mv(packet)); })
      .catch_([context](kj::Exception&& e) mutable { return afterDeath(context, kj::mv(e)); });
}

kj::Promise<void> ImagedServer::fetchInto(FetchContext context) {
  auto params = context.getParams();
  auto digest = Digest::parse(ipc::toString(params.getDigest()), "digest");
  if (!digest) return refuseCall(context, digest.error());
  auto operation = begin(params.getReference(), params.getAuth());
  if (!operation) return refuseCall(context, operation.error());
  auto blob = (*operation)->request().initBlob();
  blob.setDigest(digest->text());
  blob.setSize(params.getSize());
  auto sink = ipc::receiveFile(params.getSink());
  context.releaseParams();
  return sink
      .then([this, context, op = kj::mv(*operation)](Fd&& pipe) mutable -> kj::Promise<void> {
        if (!isPipeForWriting(pipe))
          return refuseCall(context, {Code::invalidArgument, "sink", "is no pipe to write to"});
        op->setSink(kj::mv(pipe));
        return run(kj::mv(op)).then([context](ipc::Packet&& packet) mutable {
          fillFetch(context, kj::mv(packet));
        });
      })
      .catch_([context](kj::Exception&& e) mutable { return afterDeath(context, kj::mv(e)); });
}

}  // namespace bulkhead::imaged
