// Whom a USER means inside an image. A worker reads the image's account files once; since an image never
// changes, its answer is remembered, and a second container costs nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "daemons/storaged/parts.h"

namespace bulkhead::storaged {

struct UserQuestion {
  ImageId image;
  std::string user;  // base/user-spec.h
  bool memberships;
  auto operator<=>(const UserQuestion&) const = default;
};

struct FoundUser {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;
};

class UserLookup {
 public:
  explicit UserLookup(Parts& parts) : parts_(parts) {}

  // Refusals as in storage.capnp, lookupUser. The image's layers stay while a worker reads them.
  kj::Promise<Outcome<FoundUser>> find(UserQuestion question);

 private:
  void remember(const UserQuestion& question, const Outcome<FoundUser>& found);
  kj::Promise<Outcome<FoundUser>> ask(const UserQuestion& question, const std::vector<LayerName>& layers);

  // A node that starts has one for each of its images.
  static constexpr size_t atOnce = 8;

  Parts& parts_;
  Turnstile turns_{atOnce};
  std::map<UserQuestion, FoundUser> known_;
};

}  // namespace bulkhead::storaged
