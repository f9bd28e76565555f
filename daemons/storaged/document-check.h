// From documents as bytes to a verified image: a parse worker reads them, the digest chain is checked here.
#pragma once

#include "daemons/storaged/chain.h"
#include "daemons/storaged/zygote-client.h"

namespace bulkhead::storaged {

// Blocks: hashes up to 12 MiB and talks to the worker through its pipes. The documents passed checkSizes().
// Refuses what the worker and checkChain() refuse.
Outcome<VerifiedImage> checkDocuments(const ImageReference& reference, const Documents& documents,
                                      WorkerPipes parser);

}  // namespace bulkhead::storaged
