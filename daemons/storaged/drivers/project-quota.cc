#include "daemons/storaged/drivers/project-quota.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/quota.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace bulkhead::drivers {
namespace {

constexpr unsigned projectQuota = 2;  // PRJQUOTA of linux/quota.h, which cannot be included beside the above
// Unsigned, as the filter compares it.
constexpr unsigned getProjectQuota = static_cast<unsigned>(Q_GETQUOTA) << SUBCMDSHIFT | projectQuota;

}  // namespace

bool joinProject(int directory, std::uint32_t id) {
  struct fsxattr attributes {};
  if (::ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0) return false;
  attributes.fsx_projid = id;
  attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
  return ::ioctl(directory, FS_IOC_FSSETXATTR, &attributes) == 0;
}

std::optional<ProjectUsage> projectUsage(int directory) {
  struct fsxattr attributes {};
  if (::ioctl(directory, FS_IOC_FSGETXATTR, &attributes) != 0) return std::nullopt;
  if (attributes.fsx_projid == 0) {
    errno = ENODATA;
    return std::nullopt;
  }
  struct dqblk counted {};
  if (::syscall(SYS_quotactl_fd, directory, getProjectQuota, attributes.fsx_projid, &counted) != 0)
    return std::nullopt;
  return ProjectUsage{counted.dqb_curspace, counted.dqb_curinodes};
}

}  // namespace bulkhead::drivers
