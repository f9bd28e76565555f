#include "daemons/storaged/worker/keep-file.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "daemons/common/base/io.h"
#include "daemons/storaged/worker/entry-name.h"
#include "daemons/storaged/worker/layer-tree.h"

namespace bulkhead::worker {
namespace {

constexpr size_t chunk = 256 * 1024;
constexpr mode_t readable = 0644;

Outcome<std::uint64_t> copyAll(int from, int to, const std::string& path, std::uint64_t maxBytes) {
  auto buffer = std::make_unique<std::array<char, chunk>>();
  for (std::uint64_t total = 0; true;) {
    ssize_t n = ::read(from, buffer->data(), buffer->size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return invalid("layer", "cannot be read");
    if (n == 0) return total;
    total += static_cast<std::uint64_t>(n);
    if (total > maxBytes) return refuse(Code::resourceExhausted, "layer", "is larger than allowed");
    if (!writeAll(to, std::string_view(buffer->data(), static_cast<size_t>(n))))
      return refuse(Code::resourceExhausted, fieldOf(path), "cannot be written: " + errnoText(errno));
  }
}

}  // namespace

Outcome<std::uint64_t> keepFile(int input, int root, const std::string& path, std::uint64_t maxBytes) {
  auto name = EntryName::parse(path);
  if (!name) return tl::unexpected(name.error());
  if (name->isRoot() || kindOf(name->last()) != NameKind::file)
    return invalid(fieldOf(path), "is no name of a file");
  LayerTree tree(root, name->components().size());
  Attributes attributes;
  attributes.mode = readable;
  auto file = tree.makeFile(*name, attributes);
  if (!file) return tl::unexpected(file.error());
  auto bytes = copyAll(input, file->get(), path, maxBytes);
  if (!bytes) return tl::unexpected(bytes.error());
  auto done = tree.finishFile(file->get(), *name, attributes, static_cast<off_t>(*bytes));
  if (!done) return tl::unexpected(done.error());
  return *bytes;
}

}  // namespace bulkhead::worker
