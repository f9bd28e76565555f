// Two kinds of bad news. A refusal is expected, is data, and reaches the user; an exception means that our
// own machinery is broken and is scrubbed before it crosses a process.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace bulkhead {

// Mirrors the gRPC codes that the CRI frontend answers with, and Refusal.Code in ipc/schema/common.capnp.
enum class Code {
  invalidArgument,
  notFound,
  alreadyExists,
  permissionDenied,  // the ceiling, a policy or a credential says no
  failedPrecondition,
  resourceExhausted,
  unavailable,  // worth retrying: a peer daemon, registry or plugin did not answer
  deadlineExceeded,
  internal,
};

struct Refusal {
  Code code = Code::internal;
  std::string field;   // what was refused, as the caller named it: "config.metadata.name"; may be empty
  std::string reason;  // safe to show: no secrets, no addresses, no text of a library
};

// "field: reason", or the reason alone.
std::string describe(const Refusal& refusal);

template <typename T>
using Outcome = tl::expected<T, Refusal>;

inline tl::unexpected<Refusal> refuse(Code code, std::string field, std::string reason) {
  return tl::unexpected<Refusal>(Refusal{code, std::move(field), std::move(reason)});
}
inline tl::unexpected<Refusal> invalid(std::string field, std::string reason) {
  return refuse(Code::invalidArgument, std::move(field), std::move(reason));
}

// A system call failed that should not have.
class SystemError : public std::runtime_error {
 public:
  SystemError(std::string_view what, int number);
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

// Throws SystemError with the current errno.
[[noreturn]] void throwErrno(std::string_view what);

// strerror without the locale and without the thread trap.
std::string errnoText(int number);

}  // namespace bulkhead
