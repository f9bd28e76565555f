// Holds runtime/v1/api.proto to the facts of CRI v1: what was compiled is written out in the notation of
// cri-runtime-v1.tsv and compared with that table in both directions. A wrong field number is no compile
// error and no failing call among our own programs; without this test only a foreign kubelet would notice.
//
// Usage: descriptor_test [gtest options] <path of cri-runtime-v1.tsv>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <iostream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/v1/api.pb.h"

namespace {

namespace pb = ::google::protobuf;

constexpr std::string_view kPackagePrefix = "runtime.v1.";
constexpr size_t kColumns = 6;
constexpr size_t kRpcs = 43;

std::string table_path;

// Rows by "kind owner.name", each with what the remaining columns say, so that a difference can be told from
// a lack.
using Rows = std::map<std::string, std::string>;

// Joins the columns of one row and adds it; false if there is one of that name already.
bool AddRow(Rows& rows, const std::string& kind, const std::string& owner, const std::string& name,
            const std::string& number_or_input, const std::string& type_or_output,
            const std::string& remark) {
  std::string key = kind + " " + owner + (name.empty() ? "" : "." + name);
  std::string value = number_or_input;
  if (!type_or_output.empty()) value += ", " + type_or_output;
  if (!remark.empty()) value += ", " + remark;
  return rows.emplace(std::move(key), std::move(value)).second;
}

std::vector<std::string> SplitColumns(const std::string& line) {
  std::vector<std::string> columns;
  size_t start = 0;
  for (size_t tab = line.find('\t'); tab != std::string::npos; tab = line.find('\t', start)) {
    columns.push_back(line.substr(start, tab - start));
    start = tab + 1;
  }
  columns.push_back(line.substr(start));
  return columns;
}

// Reads the table. Whatever this test would not compare is a failure, so that a new kind of row or remark
// (say, a oneof) cannot pass unchecked.
Rows ReadTable() {
  Rows rows;
  std::ifstream file(table_path);
  EXPECT_TRUE(file.is_open()) << "cannot read the table: " << table_path;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    if (line.empty() || line[0] == '#') continue;
    std::vector<std::string> columns = SplitColumns(line);
    EXPECT_LE(columns.size(), kColumns) << "line " << number << " has too many columns: " << line;
    columns.resize(kColumns);
    const std::string& kind = columns[0];
    EXPECT_TRUE(kind == "rpc" || kind == "enum" || kind == "field" || kind == "message")
        << "line " << number << " is of an unknown kind: " << line;
    EXPECT_TRUE(columns[5].empty() || columns[5] == "deprecated")
        << "line " << number << " has a remark that this test cannot compare: " << line;
    EXPECT_TRUE(AddRow(rows, kind, columns[1], columns[2], columns[3], columns[4], columns[5]))
        << "line " << number << " says something twice: " << line;
  }
  return rows;
}

// The name of a type as the table writes it: without the package if it is of ours.
template <typename Descriptor>
std::string LocalName(const Descriptor& descriptor) {
  const std::string& name = descriptor.full_name();
  return name.starts_with(kPackagePrefix) ? name.substr(kPackagePrefix.size()) : name;
}

std::string SingularTypeName(const pb::FieldDescriptor& field) {
  if (field.message_type() != nullptr) return LocalName(*field.message_type());
  if (field.enum_type() != nullptr) return LocalName(*field.enum_type());
  return field.type_name();
}

std::string TypeName(const pb::FieldDescriptor& field) {
  if (field.is_map()) {
    const pb::Descriptor& entry = *field.message_type();
    return "map<" + SingularTypeName(*entry.map_key()) + ", " + SingularTypeName(*entry.map_value()) + ">";
  }
  return (field.is_repeated() ? "repeated " : "") + SingularTypeName(field);
}

template <typename Descriptor>
std::string Remark(const Descriptor& descriptor) {
  return descriptor.options().deprecated() ? "deprecated" : "";
}

void AddEnum(Rows& rows, const pb::EnumDescriptor& type) {
  for (int i = 0; i < type.value_count(); ++i) {
    const pb::EnumValueDescriptor& value = *type.value(i);
    AddRow(rows, "enum", LocalName(type), value.name(), std::to_string(value.number()), "", Remark(value));
  }
}

// The table has a row for a message itself only where there is no field to stand for it.
void AddMessage(Rows& rows, const pb::Descriptor& message) {
  if (message.options().map_entry()) return;  // Written as the type of the map field.
  if (message.field_count() == 0) AddRow(rows, "message", LocalName(message), "", "", "", Remark(message));
  for (int i = 0; i < message.field_count(); ++i) {
    const pb::FieldDescriptor& field = *message.field(i);
    AddRow(rows, "field", LocalName(message), field.name(), std::to_string(field.number()), TypeName(field),
           Remark(field));
  }
  for (int i = 0; i < message.enum_type_count(); ++i) AddEnum(rows, *message.enum_type(i));
  for (int i = 0; i < message.nested_type_count(); ++i) AddMessage(rows, *message.nested_type(i));
}

void AddService(Rows& rows, const pb::ServiceDescriptor& service) {
  for (int i = 0; i < service.method_count(); ++i) {
    const pb::MethodDescriptor& method = *service.method(i);
    AddRow(rows, "rpc", LocalName(service), method.name(),
           (method.client_streaming() ? "stream " : "") + LocalName(*method.input_type()),
           (method.server_streaming() ? "stream " : "") + LocalName(*method.output_type()), Remark(method));
  }
}

const pb::FileDescriptor& CompiledFile() {
  return *runtime::v1::VersionRequest::descriptor()->file();
}

// Everything that was compiled from api.proto, in the notation of the table.
Rows ReadDescriptors() {
  Rows rows;
  const pb::FileDescriptor& file = CompiledFile();
  for (int i = 0; i < file.service_count(); ++i) AddService(rows, *file.service(i));
  for (int i = 0; i < file.enum_type_count(); ++i) AddEnum(rows, *file.enum_type(i));
  for (int i = 0; i < file.message_type_count(); ++i) AddMessage(rows, *file.message_type(i));
  return rows;
}

size_t CountRpcs(const Rows& rows) {
  size_t count = 0;
  for (const auto& [key, value] : rows) count += key.starts_with("rpc ") ? 1 : 0;
  return count;
}

TEST(CriDescriptor, EveryRowOfTheTableIsCompiledAsItSays) {
  const Rows compiled = ReadDescriptors();
  for (const auto& [key, value] : ReadTable()) {
    const auto found = compiled.find(key);
    if (found == compiled.end()) {
      ADD_FAILURE() << key << " (" << value << ") is in the table and not in api.proto";
    } else {
      EXPECT_EQ(found->second, value) << key << ": api.proto (first) and the table (second) differ";
    }
  }
}

TEST(CriDescriptor, EverythingCompiledHasARow) {
  const Rows table = ReadTable();
  for (const auto& [key, value] : ReadDescriptors()) {
    EXPECT_TRUE(table.contains(key)) << key << " (" << value << ") is in api.proto and not in the table";
  }
}

TEST(CriDescriptor, HasTheCallsOfThisVersion) {
  EXPECT_EQ(CountRpcs(ReadTable()), kRpcs) << "in the table";
  EXPECT_EQ(CountRpcs(ReadDescriptors()), kRpcs) << "in api.proto";
}

// What the table has no column for and the wire format depends on all the same.
TEST(CriDescriptor, IsPlainProto3) {
  const pb::FileDescriptor& file = CompiledFile();
  EXPECT_EQ(file.package(), "runtime.v1") << "the package is part of every call's path";
  EXPECT_EQ(file.syntax(), pb::FileDescriptor::SYNTAX_PROTO3);
  EXPECT_EQ(file.dependency_count(), 0)
      << "another file could add to the package and be compared with nothing";
  EXPECT_EQ(file.extension_count(), 0);
  for (int i = 0; i < file.message_type_count(); ++i) {
    const pb::Descriptor& message = *file.message_type(i);
    EXPECT_EQ(message.oneof_decl_count(), 0) << message.name() << " has a oneof or an optional field";
    for (int j = 0; j < message.field_count(); ++j) {
      const pb::FieldDescriptor& field = *message.field(j);
      EXPECT_EQ(field.is_packed(), field.is_packable()) << field.full_name() << " is not packed";
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  if (argc != 2) {
    std::cerr << "usage: descriptor_test <path of cri-runtime-v1.tsv>\n";
    return 2;
  }
  table_path = argv[1];
  return RUN_ALL_TESTS();
}
