#include "cli/audit_show.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "audit/record.h"
#include "base/json.h"
#include "base/result.h"
#include "base/text.h"
#include "base/time.h"
#include "cli/audit_filter.h"
#include "cli/audit_outcome.h"
#include "cli/audit_source.h"
#include "cli/local_time.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShown = 4096;  // bytes of one text

std::string Shown(std::string_view text) { return base::Printable(text, kMaxShown); }

const json& At(const json& object, const char* key) {
  static const json none;
  const auto member = object.is_object() ? object.find(key) : object.end();
  return member != object.end() ? *member : none;
}

std::string TextAt(const json& object, const char* key) { return Shown(base::TextAt(object, key)); }

// What was found may be any JSON value.
std::string ValueText(const json& value) { return value.is_string() ? Shown(value.get<std::string>()) : Shown(base::DumpJson(value)); }

Style StyleOf(std::string_view decision) {
  if (decision == "Denied" || decision == "Deny") {
    return Style::kBad;
  }
  return decision == "Warned" || decision == "Warn" ? Style::kWarning : decision == "Allowed" ? Style::kGood : Style::kPlain;
}

class Printer {
 public:
  explicit Printer(const Streams& streams) : out_(streams.out), terminal_(streams.terminal) {}

  void Record(const json& record) {
    const std::string decision = TextAt(record, "decision");
    if (decision == audit::kVerdictChanged) {
      Change(record);
      return;
    }
    out_ << Styled(terminal_, StyleOf(decision), decision) << (At(record, "dryRun") == true ? " (dry run)" : "") << ": "
         << TextAt(record, "operation") << ' ' << KindOf(record) << ' ' << NameOf(record) << "\n\n";
    Field("when", WhenOf(record));
    Field("uid", TextAt(record, "uid"));
    Field("who", TextAt(record, "user"));
    Field("groups", Joined(At(record, "groups")));
    Field("owner", OwnerOf(At(record, "owner")));
    Field("policy", TextAt(record, "policy"));
    Field("cluster", TextAt(record, "cluster"));
    Field("replica", TextAt(record, "replica"));
    Field("caller", CallerOf(record));
    if (At(record, "durationMicroseconds").is_number()) {
      Field("took", At(record, "durationMicroseconds").dump() + " \u00b5s");
    }
    Field("not understood", TextAt(record, "failure"));
    if (At(record, "mirrorPod") == true) {
      Field("mirror pod", "it runs whatever is answered, and so was not denied");
    }
    if (At(record, "images").is_array()) {
      for (const json& image : At(record, "images")) {
        Image(image);
      }
    }
    const json& omitted = At(record, "imagesOmitted");
    if (omitted.is_object()) {
      out_ << "\nand " << ValueText(At(omitted, "count")) << " more images, for which the record had no room\n";
    }
    Message(record, decision);
  }

 private:
  // Of a verdict that turned.
  void Change(const json& record) {
    out_ << Styled(terminal_, Style::kWarning, TextAt(record, "decision")) << ": " << TextAt(record, "requirement") << " of "
         << TextAt(record, "registry") << "\n\n";
    Field("when", WhenOf(record));
    Field("uid", TextAt(record, "uid"));
    Field("resource", TextAt(record, "resourceId"));
    Field("definition", TextAt(record, "definitionId"));
    Field("policy", TextAt(record, "policy"));
    Field("cluster", TextAt(record, "cluster"));
    Field("replica", TextAt(record, "replica"));
    const std::string effect = TextAt(record, "effect");
    Side("Before", At(record, "before"), effect);
    Side("After", At(record, "after"), effect);
  }

  void Side(std::string_view name, const json& side, const std::string& effect) {
    out_ << '\n' << Styled(terminal_, Style::kHeading, name) << "\n";
    Observed(side);
    out_ << "  ";
    Result(side, effect);
  }

  void Field(std::string_view name, const std::string& text) {
    constexpr std::size_t kWidth = 16;
    if (!text.empty()) {
      std::string label(name);
      label.resize(kWidth, ' ');
      out_ << Styled(terminal_, Style::kFaint, label) << text << '\n';
    }
  }

  void Image(const json& image) {
    out_ << '\n' << Styled(terminal_, Style::kHeading, TextAt(image, "image")) << "\n";
    Indented("at", TextAt(image, "field") + (At(image, "enforced") == false ? ", as the object named it before: not enforced" : ""));
    Indented("sources say", TextAt(image, "action"));
    Indented("registry", TextAt(image, "registry"));
    Indented("resource", TextAt(image, "resourceId"));
    Observed(image);
    if (At(image, "findings").is_array()) {
      for (const json& finding : At(image, "findings")) {
        Finding(finding);
      }
    }
    if (At(image, "evidenceOmitted") == true) {
      out_ << "  the record had no room for the evidence\n";
    }
  }

  void Indented(std::string_view name, const std::string& text) {
    if (!text.empty()) {
      out_ << "  ";
      Field(name, text);
    }
  }

  void Observed(const json& object) {
    if (const auto observed = base::ParseTime(TextAt(object, "observed"))) {
      Indented("observed", FormatLocalTime(*observed) + " (" + TextAt(object, "observed") + ")");
    }
  }

  void Finding(const json& finding) {
    out_ << "  " << TextAt(finding, "requirement") << ": ";
    Result(finding, TextAt(finding, "effect"));
    Line("waived by exemption", TextAt(finding, "exemption"));
    Line("exemption that has expired", TextAt(finding, "expiredExemption"));
    Line("compliant last", TextAt(finding, "lastCompliant"));
    Line("drift grace", At(finding, "driftGrace") == true ? "lowered the effect" : "");
  }

  // With its evidence, and why.
  void Result(const json& finding, const std::string& effect) {
    const std::string result = TextAt(finding, "result");
    const bool weighs = result != "Compliant";
    out_ << Styled(terminal_, weighs ? StyleOf(effect) : Style::kGood, result) << (weighs ? ", effect " + effect : std::string()) << '\n';
    if (At(finding, "evidence").is_array()) {
      for (const json& evidence : At(finding, "evidence")) {
        out_ << "    " << TextAt(evidence, "field") << " is " << ValueText(At(evidence, "actual")) << ", expected "
             << TextAt(evidence, "expected") << '\n';
      }
    }
    Line("reason", TextAt(finding, "reason"));
    const json& by_azure = At(finding, "azurePolicy");
    if (by_azure.is_object()) {
      Line("Azure Policy says", TextAt(by_azure, "state") + ", read " + TextAt(by_azure, "read"));
    }
    if (At(finding, "evidenceOmitted") == true) {
      out_ << "    the record had no room for all of the evidence\n";
    }
  }

  void Line(std::string_view name, const std::string& text) {
    if (!text.empty()) {
      out_ << "    " << name << ": " << text << '\n';
    }
  }

  void Message(const json& record, std::string_view decision) {
    const json& message = At(record, "message");
    const json& warnings = At(record, "warnings");
    const bool expected = decision == "Denied" ? !message.is_string() : decision == "Warned" && !warnings.is_array();
    if (!message.is_string() && !warnings.is_array() && !expected) {
      return;
    }
    out_ << '\n' << Styled(terminal_, Style::kHeading, "What the person was told") << '\n';
    if (expected) {
      out_ << "  not recorded\n";
    }
    if (message.is_string()) {
      const std::string text = message.get<std::string>();
      for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = std::min(text.find('\n', at), text.size());
        out_ << "  " << Shown(std::string_view(text).substr(at, end - at)) << '\n';
        at = end + 1;
      }
    }
    if (warnings.is_array()) {
      for (const json& warning : warnings) {
        out_ << "  Warning: " << ValueText(warning) << '\n';
      }
    }
  }

  static std::string KindOf(const json& record) {
    const json& resource = At(record, "resource");
    const std::string subresource = TextAt(resource, "subresource");
    return TextAt(resource, "kind") + (subresource.empty() ? "" : "/" + subresource);
  }

  static std::string NameOf(const json& record) {
    const std::string namespace_name = TextAt(record, "namespace");
    return (namespace_name.empty() ? "" : namespace_name + "/") + TextAt(record, "name");
  }

  static std::string WhenOf(const json& record) {
    const std::string recorded = TextAt(record, "time");
    const auto time = base::ParseTime(recorded);
    return time ? FormatLocalTimeAndZone(*time) + " (" + recorded + ")" : recorded;
  }

  static std::string Joined(const json& texts) {
    std::string joined;
    if (texts.is_array()) {
      for (const json& text : texts) {
        joined += (joined.empty() ? "" : ", ") + ValueText(text);
      }
    }
    return joined;
  }

  static std::string OwnerOf(const json& owner) {
    if (!owner.is_object()) {
      return {};
    }
    const std::string version = TextAt(owner, "apiVersion");
    return TextAt(owner, "kind") + " " + TextAt(owner, "name") + (version.empty() ? "" : " (" + version + ")");
  }

  static std::string CallerOf(const json& record) {
    const std::string certificate = TextAt(record, "clientCertificate");
    return TextAt(record, "peer") + (certificate.empty() ? "" : " with certificate " + certificate);
  }

  std::ostream& out_;
  const Terminal terminal_;
};

base::Result<void> Show(audit::Reader& log, const AuditShowArguments& arguments, const Streams& streams) {
  audit::Query query;
  query.filter.uid = arguments.uid;
  query.filter.cluster = ClusterOf(arguments.cluster);
  query.limit = 2;
  const auto page = log.Read(query);
  if (!page) {
    return tl::unexpected(page.error());
  }
  for (const audit::Incomplete& missing : page->incomplete) {
    TellIncomplete(missing, streams.err);
  }
  if (page->rows.empty()) {
    return base::Fail(base::ErrorCode::kNotFound, "there is no record with uid " + Shown(arguments.uid),
                      "retention may have taken it, or another replica's log has it; collected standard output still may");
  }
  if (page->rows.size() > 1) {
    streams.err << "several records have this uid; this is the newest (`audit --uid` shows all)\n";
  }
  const std::string& text = page->rows.front().record;
  if (arguments.output == OutputFormat::kJson) {
    streams.out << text << '\n';
    return {};
  }
  const auto record = base::ParseJson(text, "audit record");
  if (!record) {
    return tl::unexpected(record.error());
  }
  Printer(streams).Record(*record);
  return {};
}

}  // namespace

int RunAuditShow(const AuditShowArguments& arguments, const Streams& streams) {
  const auto log = OpenAuditSource(arguments.config, arguments.database);
  return ExitOf(log ? Show(**log, arguments, streams) : tl::unexpected(log.error()), streams.err);
}

int ShowRecord(audit::Reader& log, const AuditShowArguments& arguments, const Streams& streams) {
  return ExitOf(Show(log, arguments, streams), streams.err);
}

}  // namespace cli
