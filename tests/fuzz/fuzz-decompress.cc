// One byte for the codec, the rest is its stream.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "daemons/common/base/fd.h"
#include "daemons/common/base/io.h"
#include "daemons/storaged/decompressor/decompress.h"
#include "tests/fuzz/check.h"

using namespace bulkhead;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr std::uint64_t allowed = 1 << 20;
  Fd input(::memfd_create("input", MFD_CLOEXEC));
  Fd output(::memfd_create("output", MFD_CLOEXEC));
  fuzz::check(writeAll(input.get(), {reinterpret_cast<const char*>(data) + 1, size - 1}),
              "the input is written");
  ::lseek(input.get(), 0, SEEK_SET);
  auto done = decompressor::decompress(static_cast<decompressor::Codec>(data[0] % 3), input.get(),
                                       output.get(), allowed);
  struct stat info {};
  fuzz::check(::fstat(output.get(), &info) == 0, "the output is there");
  fuzz::check(static_cast<std::uint64_t>(info.st_size) <= allowed, "no more comes out than allowed");
  fuzz::check(done || done.error().code != Code::internal, "no internal error");
  return 0;
}
