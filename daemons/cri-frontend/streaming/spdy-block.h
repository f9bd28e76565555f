// Name/value header blocks of SPDY/3.1 (draft-mbelshe-httpbis-spdy-00, section 2.6.10): one zlib stream in
// each direction for all blocks of a connection, begun with a dictionary.
#pragma once

#include <zlib.h>

#include <optional>
#include <string>
#include <string_view>

#include "daemons/cri-frontend/streaming/framing.h"

namespace bulkhead::streaming {

class BlockReader {
 public:
  BlockReader();
  ~BlockReader();
  BlockReader(const BlockReader&) = delete;
  BlockReader& operator=(const BlockReader&) = delete;

  // Nothing if it is malformed or larger than limits::headerBlock unpacked; no later block can be read then.
  std::optional<StreamHeaders> read(std::string_view packed);

 private:
  std::optional<std::string> unpack(std::string_view packed);
  z_stream zlib_{};
};

class BlockWriter {
 public:
  BlockWriter();
  ~BlockWriter();
  BlockWriter(const BlockWriter&) = delete;
  BlockWriter& operator=(const BlockWriter&) = delete;

  std::string write(const StreamHeaders& headers);

 private:
  z_stream zlib_{};
};

// 1423 bytes.
std::string spdyDictionary();

}  // namespace bulkhead::streaming
