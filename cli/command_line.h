// The command line, read into values.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "cli/audit_command.h"
#include "cli/audit_migrate.h"
#include "cli/audit_replay.h"
#include "cli/audit_show.h"
#include "cli/audit_summary.h"
#include "cli/audit_verify.h"
#include "cli/check.h"
#include "cli/definitions_command.h"
#include "cli/definitions_explain.h"
#include "cli/definitions_import.h"
#include "cli/explain.h"
#include "cli/registries.h"
#include "cli/scan.h"
#include "cli/serve.h"
#include "cli/validate.h"

namespace cli {

using Command =
    std::variant<ServeArguments, CheckArguments, RegistriesArguments, ExplainArguments, AuditArguments, AuditShowArguments,
                 AuditSummaryArguments, AuditMigrateArguments, AuditReplayArguments, AuditVerifyArguments, DefinitionsListArguments,
                 DefinitionsTestArguments, DefinitionsImportArguments, ScanArguments, ValidateArguments>;

// Instead of a command: help or a version for standard output (exit_code 0), or what is wrong for standard error.
struct Usage {
  int exit_code = 0;
  std::string text;
};

// `arguments` without the program's own name.
tl::expected<Command, Usage> ParseCommandLine(std::vector<std::string> arguments);

}  // namespace cli
