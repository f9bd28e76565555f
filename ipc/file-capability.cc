#include "ipc/file-capability.h"

namespace bulkhead::ipc {
namespace {

class FileServer final : public schema::File::Server {
 public:
  explicit FileServer(Fd fd) : fd_(std::move(fd)) {}
  kj::Maybe<int> getFd() override { return fd_.get(); }

 private:
  Fd fd_;
};

}  // namespace

schema::File::Client makeFile(Fd fd) {
  return kj::heap<FileServer>(std::move(fd));
}

kj::Promise<Fd> receiveFile(schema::File::Client file) {
  auto promise = file.getFd();
  return promise
      .then([](kj::Maybe<int> fd) -> Fd {
        KJ_IF_MAYBE (number, fd) {
          return duplicate(*number);
        }
        return Fd();
      })
      .attach(kj::mv(file));
}

}  // namespace bulkhead::ipc
