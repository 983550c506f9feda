#include "cli/record_lines.h"

#include <deque>
#include <limits>
#include <unordered_set>
#include <vector>

#include "audit/record.h"

namespace cli {
namespace {

// Diagnostics begin with a time as well, but not with a uid behind it.
constexpr std::string_view kBeginning = R"({"time":")";
constexpr std::size_t kTimeLength = 27;  // 2026-11-23T12:00:00.123456Z
constexpr std::string_view kSecondKey = R"(","uid":")";
constexpr std::size_t kRemembered = 4096;  // 64 lines may come twice, of each of some replicas

bool BeginsAsARecord(std::string_view line) {
  return line.starts_with(kBeginning) && line.size() > kBeginning.size() + kTimeLength &&
         line.substr(kBeginning.size() + kTimeLength).starts_with(kSecondKey);
}

// Lines that were there lately, by their hash: to skip one wrongly takes two records with one hash among so few.
class Lately {
 public:
  // False when it was there.
  bool Insert(std::string_view line) {
    const std::size_t hash = std::hash<std::string_view>{}(line);
    if (!hashes_.insert(hash).second) {
      return false;
    }
    order_.push_back(hash);
    if (order_.size() > kRemembered) {
      hashes_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }

 private:
  std::unordered_set<std::size_t> hashes_;
  std::deque<std::size_t> order_;
};

}  // namespace

base::Result<void> ForEachRecordLine(std::istream& in, const std::function<void(std::string_view line)>& record) {
  std::vector<char> buffer(audit::kMaxRecordBytes + 2);  // a newline, and the NUL that getline puts behind
  Lately lately;
  while (true) {
    in.getline(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    auto length = static_cast<std::size_t>(in.gcount());
    if (in.bad()) {
      return base::Fail(base::ErrorCode::kUnavailable, "records: cannot be read to their end");
    }
    if (in.good() && length > 0) {
      --length;  // the newline
    } else if (in.fail() && !in.eof()) {
      in.clear();
      in.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
    } else if (length == 0) {
      return {};
    }
    const std::string_view line(buffer.data(), length);
    if (BeginsAsARecord(line) && lately.Insert(line)) {
      record(line);
    }
  }
}

}  // namespace cli
