#include "cli/live_registries.h"

#include <memory>
#include <string>
#include <utility>

#include "azure/read_all.h"
#include "base/text.h"
#include "cli/azure_source.h"
#include "cli/progress_line.h"

namespace cli {
namespace {

constexpr std::size_t kMaxShownProblems = 20;  // of one cause there may be hundreds
constexpr std::size_t kMaxProblemText = 2048;

void Show(const azure::ReadProgress& progress, ProgressLine& line) {
  line.Show("reading Azure: " + std::to_string(progress.read) + " of " + std::to_string(progress.subscriptions) + " subscriptions, " +
            std::to_string(progress.registries) + " registries" +
            (progress.children == 0 ? "" : ", " + std::to_string(progress.children) + " lists of their children"));
}

}  // namespace

base::Result<policy::Observations> ReadLiveRegistries(const InventoryConfig& inventory, const std::set<std::string>& children,
                                                      const azure::Environment& environment, const Streams& streams,
                                                      const base::Clock& clock) {
  const auto source = AzureSource::Create(inventory, environment, clock);
  if (!source) {
    return tl::unexpected(source.error());
  }
  azure::Everything read;
  {
    ProgressLine line(streams);
    Show({}, line);
    read = azure::ReadAll((*source)->sources(), children, [&](std::chrono::milliseconds time) { return (*source)->Wait(time); },
                          [&](const azure::ReadProgress& progress) { Show(progress, line); });
  }
  for (std::size_t i = 0; i < read.problems.size() && i < kMaxShownProblems; ++i) {
    streams.err << base::Printable(read.problems[i], kMaxProblemText) << '\n';
  }
  if (read.problems.size() > kMaxShownProblems) {
    streams.err << "and " << read.problems.size() - kMaxShownProblems << " more\n";
  }
  if (read.registries.empty() && !read.problems.empty()) {
    return base::Fail(base::ErrorCode::kUnavailable, "no registry could be read from " + inventory.cloud.name,
                      "mend what is said above; docs/azure.md tells what the identity needs");
  }
  policy::Observations observed;
  observed.present = std::move(read.registries);
  observed.states = std::move(read.states);
  return observed;
}

}  // namespace cli
