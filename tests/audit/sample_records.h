// Records as MakeRecord makes them, for tests that look at what becomes of them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "audit/record.h"
#include "base/time.h"

namespace support {

inline base::Time At(const char* text) { return base::ParseTime(text).value(); }

struct SampleRecord {
  std::string uid = "u-1";
  policy::DecisionKind decision = policy::DecisionKind::kDenied;
  bool dry_run = false;
  std::string namespace_name = "shop";
  std::string name = "cart";
  std::string user = "anna";
  std::string image = "contoso.azurecr.io/shop/cart:1.4";
  std::string registry = "contoso.azurecr.io";
  std::string requirement = "private-link";
  std::string result = "NonCompliant";
  std::string padding = {};  // makes it larger
  std::string peer = {};
  base::Time time = At("2026-11-23T12:00:00Z");
  std::string cluster = {};

  audit::Record Make() const {
    audit::Record record;
    record.time = time;
    record.uid = uid;
    record.decision = decision;
    record.dry_run = dry_run;
    record.namespace_name = namespace_name;
    record.user = user;
    record.peer = peer;
    record.registries = " " + registry + " ";
    const char* effect = decision == policy::DecisionKind::kDenied   ? "Deny"
                         : decision == policy::DecisionKind::kWarned ? "Warn"
                                                                     : "Disabled";
    const nlohmann::ordered_json finding = {{"requirement", requirement},
                                            {"result", result},
                                            {"effect", effect},
                                            {"exemption", nullptr},
                                            {"evidence", nlohmann::json::array()}};
    nlohmann::ordered_json json{{"time", base::FormatTime(time)},
                                {"uid", uid},
                                {"decision", policy::ToString(decision)},
                                {"dryRun", dry_run},
                                {"operation", "CREATE"},
                                {"resource", {{"group", ""}, {"version", "v1"}, {"kind", "Pod"}, {"subresource", ""}}},
                                {"namespace", namespace_name},
                                {"name", name},
                                {"user", user},
                                {"images", {{{"image", image}, {"registry", registry}, {"findings", {finding}}}}},
                                {"failure", nullptr},
                                {"padding", padding}};
    if (!cluster.empty()) {
      json["cluster"] = cluster;
    }
    record.json = json.dump();
    return record;
  }
};

}  // namespace support
