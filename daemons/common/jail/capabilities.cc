#include "daemons/common/jail/capabilities.h"

#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <memory>
#include <stdexcept>

#include "daemons/common/base/error.h"

namespace bulkhead::jail {
namespace {

using Sets = std::unique_ptr<_cap_struct, int (*)(void*)>;

Sets currentSets() {
  Sets sets(::cap_get_proc(), ::cap_free);
  if (!sets) throwErrno("capget");
  return sets;
}

CapabilitySet bitsOf(const Sets& sets, cap_flag_t which) {
  CapabilitySet bits = 0;
  for (int number = 0; number < ::cap_max_bits(); ++number) {
    cap_flag_value_t value = CAP_CLEAR;
    if (::cap_get_flag(sets.get(), number, which, &value) == 0 && value == CAP_SET)
      bits |= CapabilitySet{1} << number;
  }
  return bits;
}

void setBits(const Sets& sets, cap_flag_t which, CapabilitySet bits) {
  for (int number = 0; number < ::cap_max_bits(); ++number) {
    cap_value_t value = number;
    cap_flag_value_t state = (bits >> number & 1) != 0 ? CAP_SET : CAP_CLEAR;
    if (::cap_set_flag(sets.get(), which, 1, &value, state) != 0) throwErrno("cap_set_flag");
  }
}

CapabilitySet ambientCapabilities() {
  CapabilitySet bits = 0;
  for (int number = 0; number < ::cap_max_bits(); ++number) {
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, number, 0, 0) == 1) bits |= CapabilitySet{1} << number;
  }
  return bits;
}

}  // namespace

CapabilitySet permittedCapabilities() {
  return bitsOf(currentSets(), CAP_PERMITTED);
}

CapabilitySet boundingCapabilities() {
  CapabilitySet bits = 0;
  for (int number = 0; number < ::cap_max_bits(); ++number) {
    if (::prctl(PR_CAPBSET_READ, number) == 1) bits |= CapabilitySet{1} << number;
  }
  return bits;
}

void limitBounding(CapabilitySet kept) {
  for (int number = 0; number < ::cap_max_bits(); ++number) {
    bool drop = (kept >> number & 1) == 0 && ::prctl(PR_CAPBSET_READ, number) == 1;
    if (drop && ::prctl(PR_CAPBSET_DROP, number) != 0) throwErrno("drop from the bounding set");
  }
}

void lockSecurebits() {
  constexpr unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
  if (::prctl(PR_SET_SECUREBITS, bits) != 0) throwErrno("set securebits");
}

void setCapabilities(CapabilitySet kept) {
  if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0)
    throwErrno("clear ambient capabilities");
  Sets sets = currentSets();
  setBits(sets, CAP_EFFECTIVE, kept);
  setBits(sets, CAP_PERMITTED, kept);
  setBits(sets, CAP_INHERITABLE, 0);
  if (::cap_set_proc(sets.get()) != 0) throwErrno("capset");
}

void verifyCapabilities(CapabilitySet kept) {
  Sets sets = currentSets();
  bool exact = bitsOf(sets, CAP_EFFECTIVE) == kept && bitsOf(sets, CAP_PERMITTED) == kept &&
               bitsOf(sets, CAP_INHERITABLE) == 0 && ambientCapabilities() == 0;
  if (!exact) throw std::runtime_error("capabilities are not as set");
}

}  // namespace bulkhead::jail
