// Audit records as rows for people: the table of `audit`, its lines under --follow, and CSV.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "cli/table.h"
#include "cli/terminal.h"

namespace cli {

// What a person wants to know of one record.
struct AuditRow {
  std::string time;  // as recorded: RFC 3339, UTC
  std::string uid, decision, operation, kind, namespace_name, name, user;
  bool dry_run = false;
  std::vector<std::string> images;  // the one that weighs most first
  std::string why;  // the failure, or the findings that weigh most on that image: "private-link, customer-managed-key (Unknown)"
  // Of a verdict that turned (audit/verdict_record.h), in which nobody asked for anything: images, user and names are empty then.
  std::string registry, requirement;
  std::string change;  // "Compliant → NonCompliant, publicNetworkAccess: "Enabled" (wanted Disabled)"
};

// A text that is no record gives a row that says so in `why`.
AuditRow ReadAuditRow(std::string_view record);

// Times are local ones.
std::string AuditTable(const std::vector<AuditRow>& rows, const Terminal& terminal);

// One line in columns whose widths depend on the terminal alone, for rows that come one by one.
std::string AuditLineHeading(const Terminal& terminal);
std::string AuditLine(const AuditRow& row, const Terminal& terminal);

// RFC 4180, CRLF. A field that a spreadsheet would take for a formula (first character = + - @, tab, carriage return) gets
// a ' in front. https://owasp.org/www-community/attacks/CSV_Injection
std::string AuditCsvHeading();
std::string AuditCsvLine(const AuditRow& row);

}  // namespace cli
