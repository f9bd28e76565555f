#include "cli/pull-progress.h"

#include <unistd.h>

#include <future>
#include <optional>
#include <ostream>

#include "cli/table.h"
#include "daemons/common/base/log.h"

namespace bulkhead::cli {
namespace {

using bulkhead::admin::v1::Admin;
using bulkhead::admin::v1::Pull;
using std::chrono::milliseconds;

constexpr milliseconds pollInterval(100);

std::optional<Pull> findPull(Client& client, const std::string& reference) {
  auto answer = client.call(client.admin(), &Admin::Stub::ListPulls, bulkhead::admin::v1::ListPullsRequest());
  for (const Pull& pull : answer.pulls()) {
    if (pull.reference() == reference) return pull;
  }
  return std::nullopt;
}

// One line of a terminal, drawn over again.
class ProgressLine {
 public:
  ProgressLine(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  ~ProgressLine() {
    if (drawn_) out_ << "\r\033[K" << std::flush;
  }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void draw(const std::string& text) {
    if (!terminal_) return;
    out_ << "\r\033[K" << log::printable(text, 160) << std::flush;
    drawn_ = true;
  }

 private:
  std::ostream& out_;
  bool terminal_;
  bool drawn_ = false;
};

std::string requestPull(const Target& target, const std::string& reference) {
  Client client(target);
  runtime::v1::PullImageRequest request;
  request.mutable_image()->set_image(reference);
  return client.call(client.images(), &ImageService::Stub::PullImage, request, unlimited).image_ref();
}

}  // namespace

std::string progressText(const Pull& pull, milliseconds elapsed) {
  std::string text;
  if (pull.layers_total() > 0) {
    text += std::to_string(pull.layers_done()) + "/" + std::to_string(pull.layers_total()) + " layers  ";
  }
  text += bytesText(pull.bytes_done());
  if (pull.bytes_total() > 0) text += " / " + bytesText(pull.bytes_total());
  if (elapsed.count() > 0) {
    text += "  " + bytesText(pull.bytes_done() * 1000 / static_cast<std::uint64_t>(elapsed.count())) + "/s";
  }
  if (!pull.stage().empty()) text += "  " + pull.stage();
  return text;
}

std::string pullImage(const Target& target, const std::string& reference, std::ostream& out, int fd) {
  auto begun = std::chrono::steady_clock::now();
  auto elapsed = [begun] {
    return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun);
  };
  std::optional<Pull> last;
  auto pulled = std::async(std::launch::async, requestPull, target, reference);
  {
    ProgressLine line(out, ::isatty(fd) == 1);
    Client client(target);
    bool asking = true;
    while (pulled.wait_for(pollInterval) != std::future_status::ready) {
      try {
        if (!asking) continue;
        if (auto pull = findPull(client, reference)) last = pull;
      } catch (const CommandError&) {
        asking = false;  // progress is a courtesy; whether the pull works is the other call's to say
      }
      line.draw(reference + ": " + (last ? progressText(*last, elapsed()) : "starting"));
    }
  }
  std::string image = pulled.get();
  out << reference << ": pulled in " << static_cast<double>(elapsed().count() / 100) / 10 << " s";
  if (last) out << ", " << progressText(*last, elapsed());
  out << "\n" << std::flush;
  return image;
}

}  // namespace bulkhead::cli
