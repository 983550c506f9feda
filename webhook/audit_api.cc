#include "webhook/audit_api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "audit/summary_json.h"
#include "base/json_writer.h"
#include "base/text.h"
#include "webhook/audit_target.h"
#include "webhook/http_answer.h"

namespace webhook {
namespace {

constexpr unsigned kRetrySoon = 1;
constexpr unsigned kRetryLater = 5;  // seconds: what failed is a database, or took too long
constexpr std::size_t kShownBytes = 256;

// One text of a record's own, and no more of it: parsing ends there. Nothing where it is null, such as the `namespace` of an object that
// lives in none.
class TextFinder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit TextFinder(std::string_view key) : key_(key) {}

  std::optional<std::string> Find(const std::string& record) {
    nlohmann::json::sax_parse(record, this);
    return std::move(found_);
  }

  bool null() override { return GoOn(); }
  bool boolean(bool /*value*/) override { return GoOn(); }
  bool number_integer(number_integer_t /*value*/) override { return GoOn(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return GoOn(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return GoOn(); }
  bool string(string_t& value) override {
    if (here_) {
      found_ = std::move(value);
    }
    return GoOn();
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(std::size_t /*size*/) override { return Enter(); }
  bool key(string_t& value) override {
    here_ = depth_ == 1 && value == key_;
    return true;
  }
  bool end_object() override { return Leave(); }
  bool start_array(std::size_t /*size*/) override { return Enter(); }
  bool end_array() override { return Leave(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/, const nlohmann::detail::exception& /*error*/) override {
    return false;
  }

 private:
  bool GoOn() const { return !here_; }
  bool Enter() {
    ++depth_;
    return GoOn();
  }
  bool Leave() {
    --depth_;
    return true;
  }

  const std::string_view key_;
  int depth_ = 0;
  bool here_ = false;  // the next value is it
  std::optional<std::string> found_;
};

std::optional<std::string> NamespaceOf(const std::string& record) { return TextFinder("namespace").Find(record); }

bool IsOf(std::string_view cluster, const std::string& record) {
  return cluster.empty() || TextFinder("cluster").Find(record).value_or("") == cluster;
}

AuditAnswer OfAnother(const char* what) {
  return AuditError(500, std::string("a record of another ") + what + " was read, so nothing is shown; please report this");
}

// In the words of the API server, whose permissions these are.
std::string Forbidden(const Authorization& who, std::string_view verb, std::string_view namespace_name) {
  const std::string user = base::Printable(who.user, kShownBytes);
  std::string message = "decisions.acr-admission.io is forbidden: user \"" + user + "\" cannot " + std::string(verb) +
                        " resource \"decisions\" in API group \"acr-admission.io\" ";
  if (namespace_name.empty()) {
    message += "in all namespaces; ask for one with namespace=NAME, or have the permission granted by a ClusterRoleBinding";
  } else {
    message += "in the namespace \"" + std::string(namespace_name) + "\"; have the permission granted by a RoleBinding there";
  }
  return who.reason.empty() ? message : message + " (" + base::Printable(who.reason, kShownBytes) + ")";
}

// What is to be said to whom the permission does not let on; nothing when it does.
std::optional<AuditAnswer> Refused(const Authorization& who, std::string_view verb, std::string_view namespace_name) {
  switch (who.kind) {
    case Authorization::Kind::kAllowed:
      return std::nullopt;
    case Authorization::Kind::kForbidden:
      return AuditError(403, Forbidden(who, verb, namespace_name));
    case Authorization::Kind::kUnauthenticated:
      return AuditUnauthenticated("the bearer token is nobody's, or has expired; get another with: kubectl create token");
    case Authorization::Kind::kTooMany:
      return AuditError(429, "too many requests; wait a little", kRetrySoon);
    case Authorization::Kind::kUnknown:
      break;
  }
  return AuditError(503, "whether this is permitted is not known now: the Kubernetes API server did not say", kRetrySoon);
}

AuditAnswer Failed(const base::Error& error) {
  return error.code == base::ErrorCode::kInvalidArgument ? AuditError(400, error.ToString())
                                                         : AuditError(503, error.ToString(), kRetryLater);
}

// The permission that a list needs: of the one namespace that it is limited to, else of all.
std::string ReviewedNamespace(const audit::Filter& filter) {
  return filter.namespace_name.find('*') == std::string::npos ? filter.namespace_name : std::string();
}

// The one that answers, and what its records must be of.
struct Log {
  audit::Reader& reader;
  std::string_view cluster;
};

AuditAnswer Decisions(const AuditQuestion& question, const Log& log, const std::string& only_namespace) {
  const base::Result<audit::Page> page = log.reader.Read(question.query);
  if (!page) {
    return Failed(page.error());
  }
  // Readers filter. That what they bring from elsewhere is within the permission is not taken on trust.
  const bool outside = !only_namespace.empty() && std::any_of(page->rows.begin(), page->rows.end(), [&](const audit::Row& row) {
    return NamespaceOf(row.record) != only_namespace;
  });
  if (outside) {
    return OfAnother("namespace");
  }
  if (!std::all_of(page->rows.begin(), page->rows.end(), [&](const audit::Row& row) { return IsOf(log.cluster, row.record); })) {
    return OfAnother("cluster");
  }
  AuditAnswer answer;
  std::size_t size = 1024;
  for (const audit::Row& row : page->rows) {
    size += row.record.size() + 32;
  }
  answer.body.reserve(size);
  base::JsonWriter json(answer.body);
  json.BeginObject().Key("decisions").BeginArray();
  for (const audit::Row& row : page->rows) {
    json.Raw(row.record);
  }
  json.EndArray().Key("next").StringOrNull(page->next);
  json.Key("incomplete");
  audit::WriteIncomplete(json, page->incomplete);
  if (question.replica_only) {
    json.Key("log").String(page->log).Key("sequences").BeginArray();
    for (const audit::Row& row : page->rows) {
      json.Int(row.sequence);
    }
    json.EndArray();
  }
  json.EndObject();
  answer.body.push_back('\n');
  return answer;
}

AuditAnswer Summary(const AuditQuestion& question, audit::Reader& reader) {
  const base::Result<audit::Summary> summary = reader.Summarise(question.query.filter);
  if (!summary) {
    return Failed(summary.error());
  }
  AuditAnswer answer;
  base::JsonWriter json(answer.body);
  audit::WriteSummary(json, *summary);
  answer.body.push_back('\n');
  return answer;
}

// The same for what is not there and for what may not be seen.
AuditAnswer NotThere(const std::vector<audit::Incomplete>& incomplete) {
  if (incomplete.empty()) {
    return AuditError(404, "there is no decision of this uid, or you may not see it");
  }
  return AuditError(503, "no replica that answered has a decision of this uid that you may see, and not all answered", kRetryLater);
}

// Who may not see all namespaces' records may see this one if its namespace's may be seen; which that is, the record tells.
AuditAnswer Decision(const AuditQuestion& question, const Log& log, const std::string& token, const Authorize& authorize) {
  const Authorization everywhere = authorize(token, "get", "");
  if (everywhere.kind != Authorization::Kind::kForbidden) {
    if (auto refused = Refused(everywhere, "get", "")) {
      return *std::move(refused);
    }
  }
  base::Result<audit::Page> page = log.reader.Read(question.query);
  if (!page) {
    return Failed(page.error());
  }
  if (page->rows.empty()) {
    return NotThere(page->incomplete);
  }
  std::string& record = page->rows.front().record;
  if (!IsOf(log.cluster, record)) {
    return OfAnother("cluster");
  }
  if (everywhere.kind == Authorization::Kind::kForbidden) {
    const std::optional<std::string> namespace_name = NamespaceOf(record);
    if (!namespace_name || namespace_name->empty()) {
      return NotThere(page->incomplete);
    }
    const Authorization here = authorize(token, "get", *namespace_name);
    if (here.kind == Authorization::Kind::kForbidden) {
      return NotThere(page->incomplete);
    }
    if (auto refused = Refused(here, "get", *namespace_name)) {
      return *std::move(refused);
    }
  }
  AuditAnswer answer{.body = std::move(record)};
  answer.body.push_back('\n');
  return answer;
}

}  // namespace

AuditAnswer AuditError(unsigned status, std::string_view message, unsigned retry_after) {
  return {.status = status, .body = ErrorBody(message), .retry_after = retry_after};
}

AuditAnswer AuditUnauthenticated(std::string_view message) { return {.status = 401, .body = ErrorBody(message), .challenge = true}; }

AuditAnswer Answer(const AuditRequest& request, const AuditLogs& logs, const Authorize& authorize, base::Time now) {
  if (request.token.empty()) {
    return AuditUnauthenticated("a bearer token is needed; get one with: kubectl create token");
  }
  const auto question = ParseAuditTarget(request.target, now);
  if (!question) {
    return AuditError(400, question.error());
  }
  const Log log = question->replica_only ? Log{logs.replica, ""} : Log{logs.cluster, logs.cluster_name};
  switch (question->endpoint) {
    case AuditEndpoint::kDecision:
      return Decision(*question, log, request.token, authorize);
    case AuditEndpoint::kDecisions:
    case AuditEndpoint::kSummary: {
      const std::string reviewed = ReviewedNamespace(question->query.filter);
      if (auto refused = Refused(authorize(request.token, "list", reviewed), "list", reviewed)) {
        return *std::move(refused);
      }
      return question->endpoint == AuditEndpoint::kDecisions ? Decisions(*question, log, reviewed) : Summary(*question, log.reader);
    }
    case AuditEndpoint::kOther:
      break;
  }
  return AuditError(404, "there are /audit/v1/decisions, /audit/v1/decisions/{uid} and /audit/v1/summary");
}

}  // namespace webhook
