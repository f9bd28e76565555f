#include "daemons/imaged/planner/planner.h"

#include <unistd.h>

#include <algorithm>

#include "daemons/common/base/log.h"
#include "daemons/common/jail/confine.h"
#include "daemons/imaged/planner/certificates.h"
#include "daemons/imaged/planner/registries-conf.h"
#include "daemons/imaged/planner/registries-d.h"
#include "daemons/imaged/planner/registry-rules.h"
#include "daemons/imaged/planner/root-files.h"
#include "daemons/imaged/planner/short-names.h"
#include "ipc/convert.h"
#include "ipc/packet.h"
#include "ipc/schema/fetch.capnp.h"

namespace bulkhead::planner {
namespace {

using namespace std::chrono_literals;

// Main sends the request right after it asked for the planner.
constexpr auto requestTimeout = 30s;
// All trust anchors of certs.d together: what fits a reply.
constexpr size_t mostAuthorities = 4 * 1024 * 1024;

std::string baseName(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

RegistriesConf readConf(const std::string& path) {
  RegistriesConf conf;
  std::string name = baseName(path);
  if (auto text = readFile(path, Owner::root)) readRegistriesConf(conf, name, *text);
  for (const std::string& dropIn : namesIn(path + ".d", ".conf")) {
    std::string shown = name + ".d/" + dropIn;
    if (auto text = readFile(path + ".d/" + dropIn, Owner::root)) readRegistriesConf(conf, shown, *text);
  }
  return conf;
}

RegistriesD readStores(const std::string& directory) {
  RegistriesD conf;
  for (const std::string& name : namesIn(directory, ".yaml")) {
    if (auto text = readFile(directory + "/" + name, Owner::root))
      readRegistriesD(conf, baseName(directory) + "/" + name, *text);
  }
  return conf;
}

// ":tag" or "@digest": what registries.d calls one image by.
std::string suffixOf(const ImageReference& reference) {
  return reference.digest() ? "@" + reference.digest()->text() : ":" + reference.tag();
}

RegistryRules rulesOf(capnp::List<schema::Registry>::Reader own, std::vector<RegistryRule> others) {
  std::vector<RegistryRule> rules;
  for (auto registry : own) {
    rules.push_back({ipc::toString(registry.getPrefix()),
                     ipc::toString(registry.getLocation()),
                     registry.getInsecure(),
                     registry.getBlocked(),
                     {}});
  }
  std::move(others.begin(), others.end(), std::back_inserter(rules));
  return RegistryRules(std::move(rules));
}

class Planning {
 public:
  Planning(const Settings& settings, schema::PlanRequest::Wanted::Reader wanted)
      : settings_(settings),
        conf_(readConf(settings.registriesConf)),
        rules_(rulesOf(wanted.getRegistries(), std::move(conf_.rules))),
        stores_(readStores(settings.registriesDirectory)),
        reference_(ipc::toString(wanted.getReference())) {}

  Outcome<void> write(schema::Plan::Builder plan) const {
    auto meanings = meaningsOf(reference_, conf_);
    if (!meanings) return tl::unexpected(meanings.error());
    auto candidates = plan.initCandidates(static_cast<unsigned>(meanings->size()));
    for (unsigned i = 0; i < candidates.size(); ++i) {
      auto written = writeCandidate(candidates[i], (*meanings)[i]);
      if (!written) return written;
    }
    return writePlaces(plan);
  }

 private:
  Outcome<void> writeCandidate(schema::Plan::Candidate::Builder to, const ImageReference& meaning) const {
    to.setReference(meaning.text());
    auto sources = rules_.sourcesOf(meaning);
    if (!sources && sources.error().code != Code::permissionDenied) return tl::unexpected(sources.error());
    if (!sources) {
      to.setBlocked(sources.error().reason);
      return {};
    }
    auto list = to.initSources(static_cast<unsigned>(sources->size()));
    for (unsigned i = 0; i < list.size(); ++i) writeSource(list[i], (*sources)[i], suffixOf(meaning));
    return {};
  }

  void writeSource(schema::Source::Builder to, const Source& source, const std::string& suffix) const {
    to.setHost(source.host);
    to.setRepository(source.repository);
    to.setInsecure(source.insecure);
    to.setListed(source.listed);
    to.setMirror(source.mirror);
    Certificates own = certificatesOf(source.name, settings_.certificateDirectories);
    to.setAuthorities(ipc::toData(own.authorities));
    to.setCertificate(ipc::toData(own.certificate));
    to.setKey(ipc::toData(own.key));
    SignatureStores stores = storesOf(stores_, source.name + "/" + source.repository, suffix);
    to.initSignatures().setLookaside(stores.lookaside);
    to.getSignatures().setAttachments(stores.attachments);
  }

  // Those of the rules, and those that certs.d alone knows. Of the latter only what everybody may see: a
  // client's key is for the pulls from that registry.
  Outcome<void> writePlaces(schema::Plan::Builder plan) const {
    std::vector<Place> places = rules_.places();
    size_t listed = places.size();
    for (std::string& host : certifiedHosts(settings_.certificateDirectories)) {
      auto same = [&host](const Place& place) { return place.host == host; };
      if (std::none_of(places.begin(), places.end(), same)) places.push_back({std::move(host), false});
    }
    auto list = plan.initPlaces(static_cast<unsigned>(places.size()));
    size_t bytes = 0;
    for (unsigned i = 0; i < list.size(); ++i) {
      Certificates own = certificatesOf(places[i].host, settings_.certificateDirectories);
      bytes += own.authorities.size();
      if (bytes > mostAuthorities)
        return refuse(Code::failedPrecondition, "certs_dirs", "have more than 4 MiB of certificates");
      list[i].setHost(places[i].host);
      list[i].setInsecure(places[i].insecure);
      list[i].setListed(i < listed);
      list[i].setAuthorities(ipc::toData(own.authorities));
    }
    return {};
  }

  const Settings& settings_;
  RegistriesConf conf_;  // without its rules
  RegistryRules rules_;
  RegistriesD stores_;
  std::string reference_;
};

Outcome<void> lookUp(const Settings& settings, schema::PlanRequest::Lookup::Reader lookup,
                     schema::PlanReply::Builder reply) {
  std::vector<std::string> places;
  for (auto place : lookup.getPlaces()) places.push_back(ipc::toString(place));
  auto found = credentialsFor(settings.auth, ipc::toString(lookup.getNamespace()),
                              ipc::toString(lookup.getImage()), places);
  if (!found) return tl::unexpected(found.error());
  auto list = reply.initCredentials(static_cast<unsigned>(found->size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    list[i].setAuth((*found)[i].auth);
    list[i].setIdentityToken((*found)[i].identityToken);
  }
  return {};
}

Outcome<void> answer(const Settings& settings, schema::PlanRequest::Reader request,
                     schema::PlanReply::Builder reply) {
  try {
    if (request.isCredentials()) return lookUp(settings, request.getCredentials(), reply);
    return Planning(settings, request.getPlan()).write(reply.initPlan());
  } catch (const ConfError& error) {
    return refuse(Code::failedPrecondition, "", error.what());
  } catch (const FileError& error) {
    return refuse(Code::failedPrecondition, "", error.what());
  }
}

// Only what exists is a rule; what an inode is replaced by later is the next planner's.
std::vector<jail::Access> readablePaths(const Settings& settings) {
  std::vector<std::string> wanted{settings.registriesConf, settings.registriesConf + ".d",
                                  settings.registriesDirectory, settings.auth.globalFile,
                                  settings.auth.namespacedDirectory};
  wanted.insert(wanted.end(), settings.certificateDirectories.begin(), settings.certificateDirectories.end());
  std::vector<jail::Access> paths;
  for (const std::string& path : wanted) {
    if (!path.empty() && ::access(path.c_str(), F_OK) == 0)
      paths.push_back({path, jail::Access::Right::read});
  }
  return paths;
}

void serveOne(int socket, const Settings& settings) {
  auto packet = ipc::receivePacket(socket, requestTimeout);
  if (!packet) return;
  capnp::MallocMessageBuilder message;
  auto reply = message.initRoot<schema::PlanReply>();
  auto done = answer(settings, packet->as<schema::PlanRequest>(), reply);
  if (!done) ipc::writeRefusal(reply.initRefused(), done.error());
  if (!ipc::sendPacket(socket, message)) log::debug("main is gone");
}

}  // namespace

void runPlanner(Fd socket, const Settings& settings) {
  log::setComponent("planner");
  try {
    jail::confine(jail::Process::planner,
                  {settings.uid, settings.gid, readablePaths(settings), {socket.get()}});
    serveOne(socket.get(), settings);
    ::_exit(0);
  } catch (const kj::Exception& broken) {
    log::error("planner failed", {{"error", broken.getDescription().cStr()}});
  } catch (const std::exception& broken) {
    log::error("planner failed", {{"error", broken.what()}});
  }
  ::_exit(1);
}

}  // namespace bulkhead::planner
