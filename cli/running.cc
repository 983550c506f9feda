#include "cli/running.h"

#include <cstddef>
#include <utility>

#include "base/text.h"
#include "cli/progress_line.h"
#include "kube/object.h"
#include "kube/pages.h"

namespace cli {
namespace {

using nlohmann::json;

constexpr std::size_t kMaxShown = 1024;  // of what the API server says

class Reading {
 public:
  Reading(kube::Api& api, const RunningQuestion& question, const Streams& streams,
          const std::function<void(std::chrono::milliseconds)>& wait, scan::Index& index)
      : api_(api), question_(question), line_(streams), wait_(wait), index_(index) {}

  base::Result<void> ReadPods() {
    const auto version = kube::ReadPages(api_, kube::Pods(question_.namespace_name), {},
                                         {.begin =
                                              [this] {
                                                index_ = scan::Index();
                                                owner_kinds_.clear();
                                                full_ = false;
                                                read_ = 0;
                                                Show("pods");
                                              },
                                          .take =
                                              [this](const std::vector<json>& items) {
                                                for (const json& item : items) {
                                                  TakePod(item);
                                                }
                                                read_ += items.size();
                                                Show("pods");
                                              }},
                                         wait_);
    if (!version) {
      std::string remedy = version.error().kind == kube::ApiError::Kind::kForbidden && question_.namespace_name.empty()
                               ? "or ask about a namespace of yours with --namespace"
                               : "";
      return base::Fail(base::ErrorCode::kUnavailable, "the pods cannot be read: " + base::Printable(version.error().ToString(), kMaxShown),
                        std::move(remedy));
    }
    if (full_) {
      return base::Fail(base::ErrorCode::kUnavailable, "more than " + std::to_string(scan::kMaxPods) + " pods run",
                        "ask about one namespace at a time with --namespace");
    }
    return {};
  }

  // "" when they could be read, or nothing that runs is theirs.
  std::string ReadOwners(const char* kind, const char* plural, kube::Collection collection) {
    if (!owner_kinds_.contains(kind)) {
      return "";
    }
    const auto version = kube::ReadPages(api_, collection, {.metadata_only = true},
                                         {.begin = [this] { read_ = 0; },
                                          .take =
                                              [&](const std::vector<json>& items) {
                                                for (const json& item : items) {
                                                  const json& metadata = kube::MetadataOf(item);
                                                  index_.SetParent(kube::TextOf(metadata, "namespace"),
                                                                   {kind, kube::TextOf(metadata, "name"), kube::TextOf(metadata, "uid")},
                                                                   scan::OwnerOf(item));
                                                }
                                                read_ += items.size();
                                                Show(plural);
                                              }},
                                         wait_);
    if (version) {
      return "";
    }
    return std::string(plural) + " cannot be read, so the names of " + (std::string(kind) == "Job" ? "CronJobs" : "Deployments") +
           " are guessed from theirs: " + base::Printable(version.error().ToString(), kMaxShown);
  }

 private:
  void TakePod(const json& item) {
    const scan::Pod pod = scan::ReadPod(item);
    if (question_.excluded.contains(pod.namespace_name)) {
      return;
    }
    if (!pod.finished) {
      owner_kinds_.insert(pod.owner.kind);
    }
    full_ = !index_.Put(pod) || full_;
  }

  void Show(const char* what) { line_.Show("reading the cluster: " + std::to_string(read_) + " " + what); }

  kube::Api& api_;
  const RunningQuestion& question_;
  ProgressLine line_;
  const std::function<void(std::chrono::milliseconds)>& wait_;
  scan::Index& index_;
  std::set<std::string> owner_kinds_;  // of pods that run
  std::size_t read_ = 0;
  bool full_ = false;
};

}  // namespace

base::Result<Running> ReadRunning(kube::Api& api, const RunningQuestion& question, const Streams& streams,
                                  const std::function<void(std::chrono::milliseconds)>& wait, scan::Index& index) {
  Running running;
  {
    Reading reading(api, question, streams, wait, index);
    if (auto pods = reading.ReadPods(); !pods) {
      return tl::unexpected(std::move(pods).error());
    }
    for (std::string problem : {reading.ReadOwners("ReplicaSet", "ReplicaSets", kube::ReplicaSets(question.namespace_name)),
                                reading.ReadOwners("Job", "Jobs", kube::Jobs(question.namespace_name))}) {
      if (!problem.empty()) {
        running.incomplete.push_back(std::move(problem));
      }
    }
  }  // the progress line goes before anything else is told
  for (const std::string& problem : running.incomplete) {
    streams.err << problem << '\n';
  }
  return running;
}

}  // namespace cli
