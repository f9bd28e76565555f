// imaged-call: plays cri towards a running bulkhead-imaged, for tests.
//
//   imaged-call SOCKET resolve REFERENCE [auth.username=U auth.password=P … platform.architecture=A
//   namespace=N …] imaged-call SOCKET names REFERENCE imaged-call SOCKET fetch REFERENCE DIGEST SIZE [auth.…]
//   the blob goes to standard output, a pipe
//
// With uid=N it becomes that user before it connects. Prints the result as one JSON object on standard error.
#include <kj/async-io.h>
#include <unistd.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "ipc/convert.h"
#include "ipc/file-capability.h"
#include "ipc/rpc.h"
#include "ipc/schema/image.capnp.h"

namespace bulkhead {
namespace {

using Settings = std::map<std::string, std::string>;

Settings settingsFrom(int first, int argc, char** argv) {
  Settings settings;
  for (int i = first; i < argc; ++i) {
    std::string word = argv[i];
    size_t equals = word.find('=');
    if (equals != word.npos) settings[word.substr(0, equals)] = word.substr(equals + 1);
  }
  return settings;
}

void fill(schema::Auth::Builder auth, Settings& settings) {
  auth.setUsername(settings["auth.username"]);
  auth.setPassword(settings["auth.password"]);
  auth.setAuth(settings["auth.auth"]);
  auth.setServerAddress(settings["auth.serverAddress"]);
  auth.setIdentityToken(settings["auth.identityToken"]);
  auth.setRegistryToken(settings["auth.registryToken"]);
}

nlohmann::json refusalToJson(schema::Refusal::Reader from) {
  Refusal refusal = ipc::readRefusal(from);
  return {{"code", static_cast<int>(refusal.code)}, {"field", refusal.field}, {"reason", refusal.reason}};
}

nlohmann::json resolve(schema::Imaged::Client imaged, kj::WaitScope& wait, const char* reference,
                       Settings settings) {
  auto request = imaged.resolveRequest();
  request.setReference(reference);
  fill(request.initAuth(), settings);
  request.setNamespace(settings["namespace"]);
  request.initPlatform().setOs(settings["platform.os"]);
  request.getPlatform().setArchitecture(settings["platform.architecture"]);
  request.getPlatform().setVariant(settings["platform.variant"]);
  auto response = request.send().wait(wait);
  auto result = response.getResult();
  if (result.isRefused()) return {{"refused", refusalToJson(result.getRefused())}};
  auto documents = result.getOk().getDocuments();
  return {{"reference", ipc::toString(result.getOk().getReference())},
          {"index", ipc::toString(documents.getIndex())},
          {"manifest", ipc::toString(documents.getManifest())},
          {"config", ipc::toString(documents.getConfig())}};
}

nlohmann::json names(schema::Imaged::Client imaged, kj::WaitScope& wait, const char* reference) {
  auto request = imaged.namesRequest();
  request.setReference(reference);
  auto response = request.send().wait(wait);
  auto result = response.getResult();
  if (result.isRefused()) return {{"refused", refusalToJson(result.getRefused())}};
  nlohmann::json names = nlohmann::json::array();
  for (auto name : result.getOk().getNames()) names.push_back(ipc::toString(name));
  return {{"names", names}};
}

nlohmann::json fetch(schema::Imaged::Client imaged, kj::WaitScope& wait, char** words, Settings settings) {
  auto request = imaged.fetchRequest();
  request.setReference(words[0]);
  request.setDigest(words[1]);
  request.setSize(std::stoull(words[2]));
  fill(request.initAuth(), settings);
  request.setNamespace(settings["namespace"]);
  request.setSink(ipc::makeFile(duplicate(STDOUT_FILENO)));
  ::close(STDOUT_FILENO);
  auto response = request.send().wait(wait);
  auto result = response.getResult();
  if (result.isRefused()) return {{"refused", refusalToJson(result.getRefused())}};
  return {{"bytes", result.getOk().getBytes()}};
}

int run(int argc, char** argv) {
  if (argc < 4) return 2;
  Settings settings = settingsFrom(4, argc, argv);
  if (auto uid = settings.find("uid"); uid != settings.end()) {
    if (::setuid(static_cast<uid_t>(std::stoul(uid->second))) != 0) throwErrno("setuid");
  }
  auto io = kj::setupAsyncIo();
  ipc::RpcPeer peer(*io.lowLevelProvider, "imaged", argv[1]);
  auto imaged = peer.get<schema::Imaged>();
  std::string verb = argv[2];
  nlohmann::json answer;
  if (verb == "resolve") answer = resolve(imaged, io.waitScope, argv[3], settings);
  if (verb == "names") answer = names(imaged, io.waitScope, argv[3]);
  if (verb == "fetch" && argc >= 6) answer = fetch(imaged, io.waitScope, argv + 3, settings);
  std::cerr << answer.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) << std::endl;
  return 0;
}

}  // namespace
}  // namespace bulkhead

int main(int argc, char** argv) {
  return bulkhead::run(argc, argv);
}
