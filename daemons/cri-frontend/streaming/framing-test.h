// What framings' tests share: a receiver that writes down what the client does.
#pragma once

#include <map>
#include <set>
#include <string>

#include "daemons/cri-frontend/streaming/framing.h"

namespace bulkhead::streaming {

class Listener final : public Receiver {
 public:
  bool opened(StreamId stream, const StreamHeaders& headers) override {
    for (const auto& [name, value] : headers) said[stream] += name + "=" + value + ";";
    return !refuseAll;
  }
  void received(StreamId stream, std::string_view bytes) override { data[stream] += bytes; }
  void ended(StreamId stream) override { ends.insert(stream); }
  void dropped(StreamId stream) override { drops.insert(stream); }

  bool refuseAll = false;
  std::map<StreamId, std::string> said;
  std::map<StreamId, std::string> data;
  std::set<StreamId> ends;
  std::set<StreamId> drops;
};

// Each byte by itself: what a parser may not care about.
inline Outcome<void> feedSlowly(Framing& framing, Receiver& receiver, std::string_view bytes) {
  for (char byte : bytes) {
    if (auto ok = framing.feed({&byte, 1}, receiver); !ok) return ok;
  }
  return {};
}

}  // namespace bulkhead::streaming
