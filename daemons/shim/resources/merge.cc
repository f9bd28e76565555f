#include "daemons/shim/resources/merge.h"

#include <map>
#include <string>

#include "ipc/convert.h"

namespace bulkhead::resources {
namespace {

using ipc::toString;

void mergeHugepages(schema::Resources::Reader update, schema::Resources::Builder into) {
  std::map<std::string, std::uint64_t> limits;
  for (auto each : into.asReader().getHugepageLimits()) limits[toString(each.getSize())] = each.getLimit();
  for (auto each : update.getHugepageLimits()) limits[toString(each.getSize())] = each.getLimit();
  auto list = into.initHugepageLimits(static_cast<unsigned>(limits.size()));
  unsigned i = 0;
  for (const auto& [size, limit] : limits) {
    list[i].setSize(size);
    list[i++].setLimit(limit);
  }
}

void mergeUnified(schema::Resources::Reader update, schema::Resources::Builder into) {
  std::map<std::string, std::string> values;
  for (auto each : into.asReader().getUnified()) values[toString(each.getKey())] = toString(each.getValue());
  for (auto each : update.getUnified()) values[toString(each.getKey())] = toString(each.getValue());
  auto list = into.initUnified(static_cast<unsigned>(values.size()));
  unsigned i = 0;
  for (const auto& [key, value] : values) {
    list[i].setKey(key);
    list[i++].setValue(ipc::toData(value));
  }
}

}  // namespace

void merge(schema::Resources::Reader update, schema::Resources::Builder into) {
  if (update.getCpuPeriod() != 0) into.setCpuPeriod(update.getCpuPeriod());
  if (update.getCpuQuota() != 0) into.setCpuQuota(update.getCpuQuota());
  if (update.getCpuShares() != 0) into.setCpuShares(update.getCpuShares());
  if (update.getMemoryLimit() != 0) into.setMemoryLimit(update.getMemoryLimit());
  if (update.getSwapLimit() != 0) into.setSwapLimit(update.getSwapLimit());
  if (update.getPidsLimit() != 0) into.setPidsLimit(update.getPidsLimit());
  if (update.getCpusetCpus().size() > 0) into.setCpusetCpus(update.getCpusetCpus());
  if (update.getCpusetMems().size() > 0) into.setCpusetMems(update.getCpusetMems());
  if (update.getHasOomScoreAdj()) {
    into.setHasOomScoreAdj(true);
    into.setOomScoreAdj(update.getOomScoreAdj());
  }
  if (update.getHugepageLimits().size() > 0) mergeHugepages(update, into);
  if (update.getUnified().size() > 0) mergeUnified(update, into);
}

}  // namespace bulkhead::resources
