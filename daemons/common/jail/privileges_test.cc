#include "daemons/common/jail/privileges.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "daemons/common/jail/filter.h"

namespace bulkhead::jail {
namespace {

TEST(PrivilegeTable, RowsAreInTheOrderOfTheEnum) {
  auto table = privilegeTable();
  ASSERT_EQ(table.size(), static_cast<size_t>(Process::pause) + 1);
  for (size_t i = 0; i < table.size(); ++i) {
    EXPECT_EQ(static_cast<size_t>(table[i].process), i) << table[i].name;
    EXPECT_EQ(&privilegesOf(table[i].process), &table[i]);
  }
}

TEST(PrivilegeTable, NamesAreUniqueAndFitIntoComm) {
  std::set<std::string_view> names;
  for (const Privileges& row : privilegeTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_LE(row.name.size(), 15U) << row.name;  // TASK_COMM_LEN - 1
    EXPECT_FALSE(row.program.empty()) << row.name;
    EXPECT_FALSE(row.reason.empty()) << row.name;
  }
}

TEST(PrivilegeTable, EveryFilteredRowHasAPolicyAndNoOther) {
  for (const Privileges& row : privilegeTable())
    EXPECT_EQ(!filterProgram(row.name).empty(), row.filtered) << row.name;
}

TEST(PrivilegeTable, OnlyRootHoldsCapabilities) {
  for (const Privileges& row : privilegeTable()) {
    if (row.identity == Identity::root) continue;
    EXPECT_EQ(row.capabilities, 0U) << row.name;
    EXPECT_EQ(row.bounding, 0U) << row.name;
    EXPECT_TRUE(row.noNewPrivileges && row.filtered && !row.mayExecute && !row.passesOn) << row.name;
    EXPECT_NE(row.network, Network::host) << row.name;
  }
}

TEST(PrivilegeTable, NobodyCouldRegainMoreThanHeHolds) {
  for (const Privileges& row : privilegeTable()) EXPECT_EQ(row.bounding, row.capabilities) << row.name;
}

// Invariant 11: what these execute inherits neither filter nor no_new_privs nor limits.
TEST(PrivilegeTable, WhatIsPassedOnIsUnconfined) {
  for (const Privileges& row : privilegeTable()) {
    if (!row.passesOn) continue;
    EXPECT_FALSE(row.filtered || row.noNewPrivileges || row.ownMountNamespace) << row.name;
    EXPECT_TRUE(row.mayExecute) << row.name;
    EXPECT_EQ(row.limits.openFiles, 0U) << row.name;
  }
}

TEST(CapabilityName, KnowsTheKernelsNumbers) {
  EXPECT_EQ(capabilityName(0), "CAP_CHOWN");
  EXPECT_EQ(capabilityName(21), "CAP_SYS_ADMIN");
  EXPECT_EQ(capabilityName(40), "CAP_CHECKPOINT_RESTORE");
  EXPECT_EQ(capabilityName(41), "");
  EXPECT_EQ(capabilityName(-1), "");
}

}  // namespace
}  // namespace bulkhead::jail
