#include "daemons/storaged/worker/options.h"

#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>

namespace bulkhead::worker {
namespace {

template <typename Number>
Number numberOf(std::string_view text) {
  Number number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) throw std::invalid_argument("not a number");
  return number;
}

jail::Process roleOf(std::string_view text) {
  if (text == "unpack") return jail::Process::unpackWorker;
  if (text == "erase") return jail::Process::eraseWorker;
  if (text == "measure") return jail::Process::measureWorker;
  if (text == "compose") return jail::Process::composeWorker;
  if (text == "decompress") return jail::Process::decompressWorker;
  if (text == "lookup") return jail::Process::lookupWorker;
  if (text == "parse") return jail::Process::parseWorker;
  if (text == "verify") return jail::Process::verifyWorker;
  throw std::invalid_argument("unknown role");
}

Codec codecOf(std::string_view text) {
  if (text == "none") return Codec::none;
  if (text == "gzip") return Codec::gzip;
  if (text == "zstd") return Codec::zstd;
  throw std::invalid_argument("unknown codec");
}

bool allows(std::string_view text) {
  if (text != "allow" && text != "refuse") throw std::invalid_argument("neither allow nor refuse");
  return text == "allow";
}

}  // namespace

Options parseOptions(int argc, char** argv) {
  Options options;
  bool hasRole = false;
  for (int i = 1; i < argc; i += 2) {
    std::string_view name = argv[i];
    if (i + 1 >= argc) throw std::invalid_argument("option without a value");
    std::string_view value = argv[i + 1];
    if (name == "--role") {
      options.role = roleOf(value);
      hasRole = true;
    } else if (name == "--storage-uid") {
      options.storageUid = numberOf<uid_t>(value);
    } else if (name == "--storage-gid") {
      options.storageGid = numberOf<gid_t>(value);
    } else if (name == "--codec") {
      options.codec = codecOf(value);
    } else if (name == "--content") {
      options.keepsFile = value == "file";
    } else if (name == "--max-bytes") {
      options.maxBytes = numberOf<std::uint64_t>(value);
    } else if (name == "--max-entries") {
      options.maxEntries = numberOf<std::uint64_t>(value);
    } else if (name == "--device-nodes") {
      options.deviceNodes = allows(value);
    } else if (name == "--since") {
      options.since = numberOf<std::int64_t>(value);
    } else if (name == "--layers") {
      options.layers = numberOf<unsigned>(value);
    } else if (name == "--onto-layer") {
      options.ontoLayer = numberOf<unsigned>(value);
    } else if (name != "--root") {
      throw std::invalid_argument("unknown option");
    }
  }
  if (!hasRole) throw std::invalid_argument("no role");
  return options;
}

}  // namespace bulkhead::worker
