#include "cli/log.h"

#include <poll.h>
#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <climits>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/json_writer.h"

namespace cli {
namespace {

spdlog::level::level_enum ToSpdlog(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug:
      return spdlog::level::debug;
    case base::LogLevel::kInfo:
      return spdlog::level::info;
    case base::LogLevel::kWarning:
      return spdlog::level::warn;
    case base::LogLevel::kError:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

base::LogLevel FromSpdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return base::LogLevel::kDebug;
    case spdlog::level::info:
      return base::LogLevel::kInfo;
    case spdlog::level::warn:
      return base::LogLevel::kWarning;
    default:
      return base::LogLevel::kError;
  }
}

std::string_view Name(base::LogLevel level) {
  switch (level) {
    case base::LogLevel::kDebug:
      return "debug";
    case base::LogLevel::kInfo:
      return "info";
    case base::LogLevel::kWarning:
      return "warning";
    case base::LogLevel::kError:
      return "error";
  }
  return "error";
}

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const base::Time time = std::chrono::time_point_cast<std::chrono::microseconds>(message.time);
    std::string line = FormatLogLine(time, FromSpdlog(message.level), {message.payload.data(), message.payload.size()});
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

// Standard error without waiting: a reader that has stopped must not hold up an admission or a drain. What does not fit is
// lost, as diagnostics may be.
class StandardErrorSink final : public spdlog::sinks::base_sink<std::mutex> {
 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::string_view rest(line.data(), line.size());
    while (!rest.empty()) {
      pollfd wanted{STDERR_FILENO, POLLOUT, 0};
      if (poll(&wanted, 1, 0) != 1) {
        return;
      }
      // A pipe that is ready takes this much at once.
      const ssize_t written = write(STDERR_FILENO, rest.data(), std::min<std::size_t>(rest.size(), PIPE_BUF));
      if (written <= 0) {
        return;
      }
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush_() override {}
};

}  // namespace

std::string FormatLogLine(base::Time time, base::LogLevel level, std::string_view message) {
  std::string line;
  base::JsonWriter(line)
      .BeginObject()
      .Key("time")
      .String(base::FormatTime(time))
      .Key("level")
      .String(Name(level))
      .Key("message")
      .String(message)
      .EndObject();
  return line;
}

base::Log MakeLog(base::LogLevel least) {
  auto logger = std::make_shared<spdlog::logger>("acr-admission", std::make_shared<StandardErrorSink>());
  logger->set_formatter(std::make_unique<JsonFormatter>());
  logger->set_level(ToSpdlog(least));
  // spdlog's own handler would print to the standard error that just failed.
  logger->set_error_handler([](const std::string&) {});
  return [logger](base::LogLevel level, std::string_view message) {
    logger->log(ToSpdlog(level), spdlog::string_view_t(message.data(), message.size()));
  };
}

}  // namespace cli
