// The CRI socket as bulkheadctl uses it: one call, one answer, errors as CommandError.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bulkhead/admin/v1/admin.grpc.pb.h"
#include "cli/error.h"
#include "cli/resolve.h"
#include "cli/target.h"
#include "runtime/v1/api.grpc.pb.h"

namespace bulkhead::cli {

using runtime::v1::ImageService;
using runtime::v1::RuntimeService;

class Client {
 public:
  explicit Client(const Target& target);

  // Throws CommandError with the daemon's message, or with advice if it cannot be reached.
  template <typename Stub, typename Request, typename Response>
  Response call(Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                const Request& request, std::chrono::seconds limit = std::chrono::seconds(120)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    Response response;
    check((stub.*method)(&context, request, &response));
    return response;
  }

  RuntimeService::Stub& runtime() { return *runtime_; }
  ImageService::Stub& images() { return *images_; }
  bulkhead::admin::v1::Admin::Stub& admin() { return *admin_; }

  std::vector<runtime::v1::PodSandbox> listPods();
  std::vector<runtime::v1::Container> listContainers();

  // Turns what the user typed (an id, a unique beginning of one, or a name) into one pod or container.
  Named findPod(const std::string& text);
  Named findContainer(const std::string& text);
  Named findEither(const std::string& text);

 private:
  void check(const grpc::Status& status) const;

  std::string socket_;
  std::unique_ptr<RuntimeService::Stub> runtime_;
  std::unique_ptr<ImageService::Stub> images_;
  std::unique_ptr<bulkhead::admin::v1::Admin::Stub> admin_;
};

// For calls that end when the work does, not by a clock: pulls, execs.
inline constexpr std::chrono::hours unlimited{24 * 365};

}  // namespace bulkhead::cli
