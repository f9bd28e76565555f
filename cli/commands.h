// The subcommands of bulkheadctl. Each add…() declares one, with its options, in the file of its name; when
// the command line chose it, `chosen` becomes what it does and returns the exit code.
#pragma once

#include <functional>

#include "cli/target.h"

namespace CLI {
class App;
}

namespace bulkhead::cli {

using Chosen = std::function<int()>;

void addUp(CLI::App& app, Chosen& chosen);
void addAudit(CLI::App& app, Chosen& chosen);
void addDoctor(CLI::App& app, Chosen& chosen);
void addPull(CLI::App& app, Chosen& chosen);
void addPulls(CLI::App& app, Chosen& chosen);
void addImages(CLI::App& app, Chosen& chosen);
void addRmi(CLI::App& app, Chosen& chosen);
void addRun(CLI::App& app, Chosen& chosen);
void addPods(CLI::App& app, Chosen& chosen);
void addPs(CLI::App& app, Chosen& chosen);
void addInspect(CLI::App& app, Chosen& chosen);
void addLogs(CLI::App& app, Chosen& chosen);
void addExec(CLI::App& app, Chosen& chosen);
void addStop(CLI::App& app, Chosen& chosen);
void addRm(CLI::App& app, Chosen& chosen);
void addVersion(CLI::App& app, Chosen& chosen);
void addStatus(CLI::App& app, Chosen& chosen);

// "-o json" or "-o table" (default).
void addOutputOption(CLI::App& command, bool& json);

void addTargetOptions(CLI::App& command, Target& target);

}  // namespace bulkhead::cli
