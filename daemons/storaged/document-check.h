// From documents as bytes to a verified image: two parse workers read them, the digest chain is checked here.
#pragma once

#include "daemons/storaged/chain.h"
#include "daemons/storaged/zygote-client.h"

namespace bulkhead::storaged {

struct ParserPipes {
  WorkerPipes manifest;  // sees index and manifest
  WorkerPipes config;    // sees the config alone
};

// Blocks: hashes up to 12 MiB and talks to the workers through their pipes. The documents passed
// checkSizes(). Refuses what the workers and checkChain() refuse.
Outcome<VerifiedImage> checkDocuments(const ImageReference& reference, const Documents& documents,
                                      ParserPipes parsers);

}  // namespace bulkhead::storaged
