#include "cli/scan_config.h"

#include "cli/config_values.h"

namespace cli {

ScanConfig ReadScan(const base::YamlNode& node, const std::string& file, base::Problems& problems) {
  ScanConfig scan;
  base::YamlMapping section(node, file, "scan", problems);
  ReadObjectName(section, "lease", &scan.lease);
  section.Optional("reports", &scan.reports);
  section.Optional("registryCompliances", &scan.registry_compliances);
  for (const auto& [item, path] : section.OptionalTexts("excludeNamespaces")) {
    if (kube::IsNamespaceName(item->text)) {
      scan.excluded_namespaces.insert(item->text);
    } else {
      section.AddProblem(*item, path,
                         "expected a namespace's name: at most 63 lower-case letters, digits and -, got " + base::Quoted(item->text));
    }
  }
  section.Finish();
  return scan;
}

}  // namespace cli
