// The fixture of the tests here: one instance of the launcher, driven as cri would.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <sstream>

#include "daemons/shim/testing/harness.h"
#include "ipc/convert.h"

namespace bulkhead::shim::testing {

using State = schema::ContainerInfo::State;

class Life : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!enterOwnMounts()) GTEST_SKIP() << "needs root";
    instance_ = std::make_unique<Instance>(GetParam());
  }

  Instance& at() { return *instance_; }
  ContainerId make(const PodId& pod, const std::string& script,
                   const std::function<void(schema::ContainerSpec::Builder)>& change = {}) {
    ContainerId id = ContainerId::generate();
    EXPECT_EQ(at().tryAsk(at().container(id, pod, {"/bin/sh", "-c", script}, change)), "");
    return id;
  }
  void start(const ContainerId& id) {
    EXPECT_EQ(at().tryAsk([&](auto request) { request.setStartContainer(id.text()); }), "");
  }
  int waitCode(const ContainerId& id) {
    capnp::MallocMessageBuilder holder;
    return at().wait(id, holder).getCode();
  }
  void remove(const ContainerId& id) {
    EXPECT_EQ(at().tryAsk([&](auto request) { request.setDeleteContainer(id.text()); }), "");
  }
  void removePod(const PodId& pod) {
    EXPECT_EQ(at().tryAsk([&](auto request) { request.setRemovePod(pod.text()); }), "");
    at().removeNetns(pod);
  }
  // The text that a script printed: its log without stamps and tags.
  std::string output(const ContainerId& id) {
    std::string text;
    std::istringstream lines(at().log(id.text().substr(0, 8)));
    for (std::string line; std::getline(lines, line);) text += line.substr(line.find(" F ") + 3) + "\n";
    return text;
  }
  std::string run(const PodId& pod, const std::string& script,
                  const std::function<void(schema::ContainerSpec::Builder)>& change = {}) {
    ContainerId id = make(pod, script, change);
    start(id);
    (void)waitCode(id);
    std::string text = output(id);
    remove(id);
    return text;
  }
  pid_t shimOf(const ContainerId& id) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      std::string words = readFile(entry.path() / "cmdline");
      if (words.starts_with("bulkhead-shim") && words.find(id.text()) != std::string::npos) {
        return std::stoi(entry.path().filename());
      }
    }
    return 0;
  }
  std::unique_ptr<Instance> instance_;
};

}  // namespace bulkhead::shim::testing
