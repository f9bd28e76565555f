// GC: at start and every few minutes the network's plugins are told which pods there are, and free what
// belongs to no other (CNI specification 1.1, "GC"). DELs are owed durably; this is for what no DEL knows of
// any more.
#pragma once

#include "daemons/netd/attachments.h"

namespace bulkhead::netd {

class GarbageCollection {
 public:
  GarbageCollection(const Tools& tools, ConflistDirectory& configuration, const Attachments& attachments)
      : tools_(tools), configuration_(configuration), attachments_(attachments) {}

  // For ever. Call it once the attachments know all pods: any other's addresses are free then.
  kj::Promise<void> run();

 private:
  // How long until the next round.
  kj::Promise<kj::Duration> round();
  kj::Promise<kj::Duration> collect(const Conflist& conflist);

  const Tools& tools_;
  ConflistDirectory& configuration_;
  const Attachments& attachments_;
};

}  // namespace bulkhead::netd
