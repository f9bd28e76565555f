// By which of its names an image is here: a short name may mean several (registries.conf).
#pragma once

#include "daemons/cri-frontend/frontend.h"

namespace bulkhead::cri {

// What storaged knows `text` by, if it has the image: an id, or a full name. Of a short name that no image
// here has, and where imaged cannot say, Docker Hub's. Refuses what parseImageName() refuses.
Answer<std::string> nameHere(Frontend& frontend, const std::string& text, std::string field);

}  // namespace bulkhead::cri
