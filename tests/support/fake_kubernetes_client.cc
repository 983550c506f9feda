#include "tests/support/fake_kubernetes_client.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace support {
namespace {

constexpr std::size_t kPieceBytes = 61;  // of a body that is taken as it comes: no line ends with a piece

std::string HttpDate(base::Time time) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

}  // namespace

base::Result<http::Response> FakeKubernetesClient::Send(const http::Request& request) {
  const auto fail = [&request](const char* what) {
    return base::Fail(base::ErrorCode::kUnavailable, request.method + " " + kFakeKubernetes + ": " + what);
  };
  bool lose = false;
  const base::Clock* clock = nullptr;
  {
    base::MutexLock lock(mutex_);
    if (unreachable_ || !request.url.starts_with(std::string(kFakeKubernetes) + "/")) {
      return fail("connecting: connection refused");
    }
    if (lost_ > 0) {
      --lost_;
      lose = true;
    }
    clock = clock_;
  }
  http::Response response = world_.Answer(request);
  if (request.sink && response.status == 200) {
    std::string_view rest = response.body;
    rest.remove_suffix(lose ? rest.size() / 2 : 0);  // the connection breaks amid it
    while (!rest.empty() && request.sink(rest.substr(0, kPieceBytes))) {
      rest.remove_prefix(std::min(rest.size(), kPieceBytes));
    }
    response.body.clear();
  }
  if (lose) {
    return fail("reading the answer: timed out");
  }
  if (response.body.size() > request.max_response_bytes) {
    return fail("reading the answer: its body is too large");
  }
  if (clock != nullptr) {
    response.headers.emplace_back("Date", HttpDate(clock->Now()));
  }
  return response;
}

void FakeKubernetesClient::SetUnreachable(bool unreachable) {
  base::MutexLock lock(mutex_);
  unreachable_ = unreachable;
}

void FakeKubernetesClient::TellTime(const base::Clock* clock) {
  base::MutexLock lock(mutex_);
  clock_ = clock;
}

void FakeKubernetesClient::LoseAnswers(int times) {
  base::MutexLock lock(mutex_);
  lost_ = times;
}

}  // namespace support
