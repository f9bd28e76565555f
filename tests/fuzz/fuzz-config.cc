#include <cstddef>
#include <cstdint>

#include "daemons/storaged/worker/documents.h"
#include "ipc/limits.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

namespace {

void checkText(const std::string& text) {
  fuzz::check(text.find('\0') == std::string::npos, "no text has a NUL in it");
}

void checkTexts(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) checkText(text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto document = worker::parseConfig({reinterpret_cast<const char*>(data), size});
  if (!document) return 0;
  fuzz::check(document->diffIds.size() <= limits::imageLayers, "at most 127 layers");
  for (const Digest& id : document->diffIds)
    fuzz::check(Digest::parse(id.text(), "").has_value(), "a diff id is one");
  const worker::ImageConfig& config = document->config;
  checkText(config.user);
  checkText(config.workingDirectory);
  checkText(config.stopSignal);
  checkTexts(config.env);
  checkTexts(config.entrypoint);
  checkTexts(config.command);
  checkTexts(config.volumes);
  for (const auto& [key, value] : config.labels) checkTexts({key, value});
  return 0;
}
