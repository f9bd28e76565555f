#include "cli/supervisor/survivors.h"

#include <algorithm>
#include <filesystem>

#include "daemons/common/base/ids.h"

namespace bulkhead::supervisor {

namespace fs = std::filesystem;

Survivors countSurvivors(const Layout& layout, const std::vector<pid_t>& processes) {
  auto isShim = [](pid_t pid) {
    std::error_code error;
    fs::path executable = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
    return executable.filename().string().starts_with("bulkhead-shim");  // also "… (deleted)"
  };
  Survivors survivors;
  survivors.containers = static_cast<size_t>(std::ranges::count_if(processes, isShim));
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(layout.podsDirectory(), error)) {
    if (PodId::parse(entry.path().filename().string(), "pod")) ++survivors.pods;
  }
  return survivors;
}

}  // namespace bulkhead::supervisor
