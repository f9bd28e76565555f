// One new network namespace, made by the process that becomes its first member.
#pragma once

namespace bulkhead::netns {

// Moves this process into a new network namespace, sets its loopback interface up and mounts the namespace on
// the open file `pin`. For a child that ends right afterwards. 0, or the errno of the step that failed.
int pinNewNamespace(int pin);

}  // namespace bulkhead::netns
