// docs/audit-api.yaml says what the program does: the same paths and parameters, and answers that are as its schemas describe them.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/yaml.h"
#include "tests/support/fake_audit_log.h"
#include "webhook/audit_api.h"
#include "webhook/audit_target.h"

namespace webhook {
namespace {

using nlohmann::json;
using ::testing::ElementsAreArray;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const base::Time kNow = *base::ParseTime("2026-11-23T12:00:00Z");

json ReadDocument() {
  const auto text = base::ReadFile(ACR_TEST_DATA "/../../docs/audit-api.yaml", std::size_t{1} << 20);
  const auto document = base::ParseYaml(text.value(), "audit-api.yaml");
  EXPECT_TRUE(document) << base::ToString(document.error());
  return base::ToJson(*document);
}

const json& Document() {
  static const json document = ReadDocument();
  return document;
}

// What `value` leads to, where it is a reference.
const json& Resolve(const json& value) {
  const auto reference = value.find("$ref");
  if (!value.is_object() || reference == value.end()) {
    return value;
  }
  const std::string path = *reference;
  EXPECT_TRUE(path.starts_with("#/")) << path;
  return Resolve(Document().at(json::json_pointer(path.substr(1))));
}

bool IsOfType(const json& value, const std::string& type) {
  return (type == "object" && value.is_object()) || (type == "array" && value.is_array()) || (type == "string" && value.is_string()) ||
         (type == "integer" && value.is_number_integer()) || (type == "boolean" && value.is_boolean()) ||
         (type == "null" && value.is_null());
}

// What of `value` the schema does not describe, by path: the keywords that the document uses, and keys that it does not name.
void Check(const json& value, const json& reference, const std::string& path, std::vector<std::string>& problems) {
  const json& schema = Resolve(reference);
  if (const auto choices = schema.find("oneOf"); choices != schema.end()) {
    std::vector<std::string> all;
    const auto fits = std::count_if(choices->begin(), choices->end(), [&](const json& choice) {
      std::vector<std::string> found;
      Check(value, choice, path, found);
      all.insert(all.end(), found.begin(), found.end());
      return found.empty();
    });
    if (fits != 1) {
      problems.insert(problems.end(), all.begin(), all.end());
      problems.push_back(path + ": fits " + std::to_string(fits) + " of oneOf");
    }
    return;
  }
  if (const auto type = schema.find("type"); type != schema.end()) {
    const json types = type->is_array() ? *type : json::array({*type});
    if (std::none_of(types.begin(), types.end(), [&](const json& one) { return IsOfType(value, one); })) {
      problems.push_back(path + ": is no " + types.dump());
      return;
    }
  }
  if (const auto choices = schema.find("enum"); choices != schema.end()) {
    if (std::find(choices->begin(), choices->end(), value) == choices->end()) {
      problems.push_back(path + ": is none of " + choices->dump());
    }
  }
  for (const json& key : schema.value("required", json::array())) {
    if (value.is_object() && !value.contains(key.get<std::string>())) {
      problems.push_back(path + ": lacks " + key.get<std::string>());
    }
  }
  if (value.is_object() && (schema.contains("properties") || schema.contains("additionalProperties"))) {
    for (const auto& [key, member] : value.items()) {
      const json properties = schema.value("properties", json::object());
      if (properties.contains(key)) {
        Check(member, properties.at(key), path + "." + key, problems);
      } else if (schema.contains("additionalProperties")) {
        Check(member, schema.at("additionalProperties"), path + "." + key, problems);
      } else {
        problems.push_back(path + "." + key + ": is not described");
      }
    }
  }
  if (value.is_array() && schema.contains("items")) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      Check(value[i], schema.at("items"), path + "[" + std::to_string(i) + "]", problems);
    }
  }
}

std::vector<std::string> ProblemsOf(const json& value, const std::string& schema) {
  std::vector<std::string> problems;
  Check(value, {{"$ref", "#/components/schemas/" + schema}}, schema, problems);
  return problems;
}

std::vector<std::string> QueryParameters(const std::string& path) {
  std::vector<std::string> names;
  for (const json& reference : Document().at("paths").at(path).at("get").at("parameters")) {
    const json& parameter = Resolve(reference);
    if (parameter.at("in") == "query") {
      names.push_back(parameter.at("name"));
    }
  }
  return names;
}

void CollectReferences(const json& value, std::vector<std::string>& references) {
  if (value.is_structured()) {
    for (const auto& [key, member] : value.items()) {
      if (value.is_object() && key == "$ref") {
        references.push_back(member);
      } else {
        CollectReferences(member, references);
      }
    }
  }
}

TEST(AuditApiDocument, HasTheProgramsPathsAndMethods) {
  std::vector<std::string> paths;
  for (const auto& [path, operations] : Document().at("paths").items()) {
    paths.push_back(path);
    ASSERT_EQ(operations.size(), 1u) << path;
    EXPECT_TRUE(operations.contains("get")) << path;
    EXPECT_NE(AuditEndpointOf(path), AuditEndpoint::kOther) << path;
  }
  EXPECT_THAT(paths,
              UnorderedElementsAre(std::string(kAuditDecisions), std::string(kAuditDecisions) + "/{uid}", std::string(kAuditSummary)));
}

TEST(AuditApiDocument, HasTheProgramsParameters) {
  for (const std::string path : {"/audit/v1/decisions", "/audit/v1/decisions/{uid}", "/audit/v1/summary"}) {
    const auto parameters = AuditParametersOf(AuditEndpointOf(path));
    EXPECT_THAT(QueryParameters(path), ElementsAreArray(std::vector<std::string>(parameters.begin(), parameters.end()))) << path;
  }
}

TEST(AuditApiDocument, ParametersTakeWhatTheirSchemasDo) {
  for (const auto& [name, parameter] : Document().at("components").at("parameters").items()) {
    EXPECT_EQ(parameter.at("name"), name);
    const json& schema = parameter.at("schema");
    const auto takes = [of = "/audit/v1/decisions?" + name + "="](const std::string& value) {
      return ParseAuditTarget(of + value, kNow).has_value();
    };
    std::vector<std::string> samples;
    for (const json& choice : schema.value("enum", json::array())) {
      samples.push_back(choice);
    }
    const json examples = parameter.value("examples", json::object());
    for (const auto& [_, example] : examples.items()) {
      samples.push_back(example.at("value"));
    }
    if (parameter.contains("example")) {
      samples.push_back(parameter.at("example"));
    }
    for (const std::string& sample : samples) {
      EXPECT_TRUE(takes(sample)) << name << "=" << sample;
    }
    if (schema.contains("enum")) {
      EXPECT_FALSE(takes("else")) << name;
    }
    if (schema.contains("maximum")) {
      EXPECT_TRUE(takes(std::to_string(schema.at("maximum").get<int>()))) << name;
      EXPECT_FALSE(takes(std::to_string(schema.at("maximum").get<int>() + 1))) << name;
    }
    if (schema.contains("maxLength") && name != "since" && name != "until") {
      const std::size_t most = schema.at("maxLength");
      EXPECT_TRUE(takes(std::string(most, 'a'))) << name;
      EXPECT_FALSE(takes(std::string(most + 1, 'a'))) << name;
    }
  }
  const auto question = ParseAuditTarget("/audit/v1/decisions", kNow);
  const json& parameters = Document().at("components").at("parameters");
  EXPECT_EQ(question->query.limit, parameters.at("limit").at("schema").at("default"));
  EXPECT_EQ(question->query.order == audit::Order::kNewestFirst, parameters.at("order").at("schema").at("default") == "newest");
  EXPECT_EQ(question->replica_only, parameters.at("scope").at("schema").at("default") == "replica");
}

TEST(AuditApiDocument, HasNoReferenceThatLeadsNowhere) {
  std::vector<std::string> references;
  CollectReferences(Document(), references);
  EXPECT_GT(references.size(), 40u);
  for (const std::string& reference : references) {
    EXPECT_TRUE(Document().contains(json::json_pointer(reference.substr(1)))) << reference;
  }
}

TEST(AuditApiDocument, DescribesEveryKeyOfARecord) {
  const auto record = base::ReadFile(ACR_TEST_DATA "/audit_record.json", std::size_t{1} << 20);
  EXPECT_THAT(ProblemsOf(json::parse(record.value()), "Record"), IsEmpty());
}

TEST(AuditApiDocument, DescribesEveryKeyOfAVerdictThatTurned) {
  const auto record = base::ReadFile(ACR_TEST_DATA "/audit_verdict_record.json", std::size_t{1} << 20);
  EXPECT_THAT(ProblemsOf(json::parse(record.value()), "VerdictChange"), IsEmpty());
  EXPECT_THAT(ProblemsOf(json::parse(record.value()), "Entry"), IsEmpty());
  EXPECT_THAT(ProblemsOf(json::parse(record.value()), "Record"), Not(IsEmpty()));
}

TEST(AuditApiDocument, ExamplesAreAsItsSchemasSay) {
  EXPECT_THAT(ProblemsOf(Document().at("components").at("examples").at("denied").at("value"), "Record"), IsEmpty());
  EXPECT_THAT(ProblemsOf(Document().at("components").at("examples").at("turned").at("value"), "VerdictChange"), IsEmpty());
  for (const auto& [path, schema] : {std::pair("/audit/v1/decisions", "Page"), {"/audit/v1/summary", "Summary"}}) {
    const json& content = Document().at("paths").at(path).at("get").at("responses").at("200").at("content").at("application/json");
    EXPECT_THAT(ProblemsOf(content.at("example"), schema), IsEmpty());
  }
  for (const auto& [name, response] : Document().at("components").at("responses").items()) {
    EXPECT_THAT(ProblemsOf(response.at("content").at("application/json").at("example"), "Error"), IsEmpty()) << name;
  }
}

TEST(AuditApiDocument, AnswersAreAsItsSchemasSay) {
  const auto record = base::ReadFile(ACR_TEST_DATA "/audit_record.json", std::size_t{1} << 20);
  class OneRecord final : public audit::Reader {
   public:
    explicit OneRecord(std::string record) : record_(std::move(record)) {}
    base::Result<audit::Page> Read(const audit::Query&) override {
      return audit::Page{{{kNow, 7, record_}}, "9d4a99365aa2bb4471e064a14d410e58.7", {{"b", "away"}}, "9d4a99365aa2bb4471e064a14d410e58"};
    }
    base::Result<audit::Summary> Summarise(const audit::Filter&) override {
      const std::vector<audit::Summary::Value> values = {{"a", {1, 2, 3}}};
      return audit::Summary{{{kNow, {1, 2, 3}}}, values, values, values, values, {{"b", "away"}}};
    }
    base::Result<std::string> End() override {
      return std::string("00000000000000000000000000000000.7");
    }  // of the log that took its place

   private:
    const std::string record_;
  };
  OneRecord log(record.value());
  const auto ask = [&](const std::string& target, Authorization::Kind kind = Authorization::Kind::kAllowed) {
    const auto authorize = [kind](std::string_view, std::string_view, std::string_view) { return Authorization{kind, "jane", ""}; };
    return Answer({.target = "/audit/v1/" + target, .token = "t", .peer = ""}, {log, log}, authorize, kNow);
  };
  EXPECT_THAT(ProblemsOf(json::parse(ask("decisions").body), "Page"), IsEmpty());
  EXPECT_THAT(ProblemsOf(json::parse(ask("decisions?scope=replica").body), "Page"), IsEmpty());
  EXPECT_THAT(ProblemsOf(json::parse(ask("decisions/1").body), "Entry"), IsEmpty());
  EXPECT_THAT(ProblemsOf(json::parse(ask("summary").body), "Summary"), IsEmpty());

  // Every status that comes is one that the operation has.
  for (const auto& [path, target] :
       {std::pair("/audit/v1/decisions", "decisions"), {"/audit/v1/decisions/{uid}", "decisions/1"}, {"/audit/v1/summary", "summary"}}) {
    const json& responses = Document().at("paths").at(path).at("get").at("responses");
    using Kind = Authorization::Kind;
    for (const Kind kind : {Kind::kAllowed, Kind::kForbidden, Kind::kUnauthenticated, Kind::kUnknown, Kind::kTooMany}) {
      const AuditAnswer answer = ask(target, kind);
      ASSERT_TRUE(responses.contains(std::to_string(answer.status))) << path << " " << answer.status;
      if (answer.status >= 400) {
        EXPECT_THAT(ProblemsOf(json::parse(answer.body), "Error"), IsEmpty());
        const json& response = Resolve(responses.at(std::to_string(answer.status)));
        EXPECT_EQ(answer.retry_after > 0, response.value("headers", json::object()).contains("Retry-After"));
        EXPECT_EQ(answer.challenge, response.value("headers", json::object()).contains("WWW-Authenticate"));
      }
    }
    EXPECT_TRUE(responses.contains(std::to_string(ask(std::string(target) + "?x=1").status)));
  }
}

}  // namespace
}  // namespace webhook
