// CpuRates: how many cores' worth of time groups use now, from what they had used at two readings.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace bulkhead::cri {

class CpuRates {
 public:
  // `steady` and `usage` in nanoseconds. Nanoseconds a second since an earlier reading, at least a tenth of a
  // second and at most five minutes ago; nothing if there is none.
  std::optional<uint64_t> add(const std::string& group, int64_t steady, uint64_t usage);
  // Groups that were not read for five minutes.
  void forgetOld(int64_t steady);
  [[nodiscard]] size_t size() const { return bases_.size(); }

 private:
  struct Base {
    int64_t steady;
    uint64_t usage;
    std::optional<uint64_t> rate;
  };
  std::map<std::string, Base> bases_;
};

}  // namespace bulkhead::cri
