// Who runs as which uid and gid.
#pragma once

#include "daemons/config-reader/accounts.h"
#include "daemons/config-reader/settings.h"
#include "ipc/schema/config.capnp.h"

namespace bulkhead::config {

// From [identity] and the node's accounts. Throws ConfigError if two identities would share a number: at a
// socket they could not be told apart.
void writeIdentities(const Settings& settings, const Accounts& accounts, schema::Identities::Builder to);

}  // namespace bulkhead::config
