#include "daemons/netd/link-counters.h"

#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

namespace bulkhead::netd {
namespace {

constexpr size_t mostLinks = 64;
constexpr size_t mostAnswers = 64;  // of the kernel's, to one question

tl::unexpected<Refusal> noAnswer(const char* why) {
  return refuse(Code::internal, "", std::string("the pod's interfaces could not be read: ") + why);
}

bool ask(const Fd& socket) {
  struct {
    nlmsghdr header;
    ifinfomsg link;
  } request{};
  request.header.nlmsg_len = sizeof(request);
  request.header.nlmsg_type = RTM_GETLINK;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  request.link.ifi_family = AF_UNSPEC;
  return ::send(socket.get(), &request, sizeof(request), MSG_DONTWAIT) == sizeof(request);
}

bool isPlain(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

void readName(LinkCounters& link, const rtattr* attribute) {
  const char* text = static_cast<const char*>(RTA_DATA(attribute));
  link.name = std::string(text, ::strnlen(text, RTA_PAYLOAD(attribute)));
}

void readCounts(LinkCounters& link, const rtattr* attribute) {
  rtnl_link_stats64 counts{};  // grows with kernels, at its end
  std::memcpy(&counts, RTA_DATA(attribute), std::min<size_t>(RTA_PAYLOAD(attribute), sizeof(counts)));
  link.receivedBytes = counts.rx_bytes;
  link.receivedPackets = counts.rx_packets;
  link.receivedErrors = counts.rx_errors;
  link.receivedDropped = counts.rx_dropped;
  link.sentBytes = counts.tx_bytes;
  link.sentPackets = counts.tx_packets;
  link.sentErrors = counts.tx_errors;
  link.sentDropped = counts.tx_dropped;
}

// Nothing for one that is left out.
std::optional<LinkCounters> readLink(const nlmsghdr* message) {
  if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof(ifinfomsg))) return {};
  const auto* info = static_cast<const ifinfomsg*>(NLMSG_DATA(message));
  LinkCounters link;
  auto left = static_cast<int>(IFLA_PAYLOAD(message));
  for (const rtattr* attribute = IFLA_RTA(info); RTA_OK(attribute, left);
       attribute = RTA_NEXT(attribute, left)) {
    if (attribute->rta_type == IFLA_IFNAME) readName(link, attribute);
    if (attribute->rta_type == IFLA_STATS64) readCounts(link, attribute);
  }
  if ((info->ifi_flags & IFF_LOOPBACK) != 0 || !isPlain(link.name)) return {};
  return link;
}

enum class Progress { more, done, broken };

Progress take(const void* bytes, size_t size, std::vector<LinkCounters>& into) {
  const auto* message = static_cast<const nlmsghdr*>(bytes);
  for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
    if (message->nlmsg_type == NLMSG_DONE) return Progress::done;
    if (message->nlmsg_type == NLMSG_ERROR || into.size() > mostLinks) return Progress::broken;
    if (auto link = readLink(message)) into.push_back(std::move(*link));
  }
  return Progress::more;
}

}  // namespace

Outcome<std::vector<LinkCounters>> readLinkCounters(const Fd& socket) {
  if (!ask(socket)) return noAnswer("the question was not taken");
  std::vector<LinkCounters> links;
  alignas(nlmsghdr) std::array<char, 32 << 10> answer{};
  for (size_t i = 0; i < mostAnswers; ++i) {
    ssize_t size = ::recv(socket.get(), answer.data(), answer.size(), MSG_DONTWAIT | MSG_TRUNC);
    if (size < 0 || static_cast<size_t>(size) > answer.size()) return noAnswer("no answer, or half of one");
    Progress progress = take(answer.data(), static_cast<size_t>(size), links);
    if (progress == Progress::done) return links;
    if (progress == Progress::broken) return noAnswer("there are too many of them");
  }
  return noAnswer("there are too many of them");
}

}  // namespace bulkhead::netd
