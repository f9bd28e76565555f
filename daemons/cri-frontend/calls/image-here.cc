#include "daemons/cri-frontend/calls/image-here.h"

#include <memory>

#include "daemons/cri-frontend/translate/image-name.h"

namespace bulkhead::cri {
namespace {

using Names = std::shared_ptr<const std::vector<std::string>>;

// The first of `names` from `at` on that storaged has, else `standard`.
Answer<std::string> firstHere(Frontend& frontend, const Names& names, size_t at,
                              const std::string& standard) {
  if (at >= names->size()) return Outcome<std::string>(standard);
  auto asked = frontend.storaged.imageStatus((*names)[at]);
  return andThen(kj::mv(asked), [&frontend, names, at, standard](std::optional<StoredImage>&& image) {
    if (image) return Answer<std::string>(Outcome<std::string>((*names)[at]));
    return firstHere(frontend, names, at + 1, standard);
  });
}

}  // namespace

Answer<std::string> nameHere(Frontend& frontend, const std::string& text, std::string field) {
  auto standard = parseImageName(text, std::move(field));
  if (!standard || !isShortName(text)) return standard;
  auto asked = frontend.imaged.names(text);
  return asked.then([&frontend, standard = *standard](Outcome<std::vector<std::string>>&& names) {
    if (!names) return Answer<std::string>(Outcome<std::string>(standard));
    auto all = std::make_shared<const std::vector<std::string>>(std::move(*names));
    return firstHere(frontend, all, 0, standard);
  });
}

}  // namespace bulkhead::cri
