// What an import is made of on its way from Azure's objects to text. For policy_import.cc alone.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "policy/definition.h"
#include "policy/policy_import.h"
#include "policy/verdict.h"

namespace policy {

// Names that people and files can carry: a-z, 0-9 and '-', at most `max` long; "" when the text has nothing of that.
std::string Slug(std::string_view text, std::size_t max);

// Some digits that are the same for the same id, for names that would else be another's.
std::string ShortDigest(std::string_view id);

// The definitions among which assignments choose.
class ImportableDefinitions {
 public:
  enum class Kind {
    kMissing,      // it does not exist
    kOther,        // about something else
    kUnsupported,  // about registries, but it cannot be loaded: `problem`
    kJudges,
  };
  struct Entry {
    Kind kind = Kind::kMissing;
    std::string problem{};
    std::shared_ptr<const Definition> definition{};  // of kJudges, with the name of its file
    std::string text{};                              // of the file
  };

  // `bodies` by lower-case id. What a definition is called depends on these alone.
  explicit ImportableDefinitions(const std::map<std::string, nlohmann::json>& bodies);

  const Entry& Find(std::string_view id) const;  // in any case
  // Whether a definition, a built-in one too, or a decision's own finding has that name.
  bool IsTaken(std::string_view name) const;

 private:
  std::map<std::string, Entry> entries_;
  DefinitionSet set_ = DefinitionSet::WithBuiltIns();
};

struct ImportedRequirement {
  std::string definition;
  std::string name{};  // another than the definition's; "": the definition's
  Effect effect = Effect::kAudit;
  nlohmann::json parameters = nlohmann::json::object();
  std::vector<std::string> scopes{}, not_scopes{};
  std::string comment{};

  const std::string& Name() const { return name.empty() ? definition : name; }
};

struct ImportedExemption {
  std::string name;
  std::string resource_id;
  std::vector<std::string> requirements;
  std::string expires;
  std::string reason;
  std::vector<std::string> comments{};
};

// The keys `requirements` and `exemptions`. Comments may hold anything: they are made fit for one line each.
std::string WriteImportedRules(const std::vector<ImportedRequirement>& requirements, const std::vector<ImportedExemption>& exemptions,
                               const std::vector<std::string>& left_out);

}  // namespace policy
