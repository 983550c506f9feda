#include "tests/integration/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

extern char** environ;  // POSIX has the program declare it

namespace support {
namespace {

int PortAfter(const std::string& text, const std::string& words) {
  const std::size_t at = text.find(words);
  return at == std::string::npos ? 0 : std::stoi(text.substr(at + words.size()));
}

bool IsProxyVariable(std::string_view entry) {
  const std::string_view name = entry.substr(0, entry.find('='));
  return name.ends_with("_proxy") || name.ends_with("_PROXY");
}

}  // namespace

ProgramOutput::ProgramOutput() {
  std::array<int, 2> ends{};
  EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
  read_end_ = ends[0];
  write_end_ = ends[1];
}

ProgramOutput::~ProgramOutput() {
  if (write_end_ >= 0) {
    close(write_end_);
  }
  if (reader_.joinable()) {
    reader_.join();
  }
  close(read_end_);
}

void ProgramOutput::Begin() {
  close(std::exchange(write_end_, -1));
  reader_ = std::thread([this] { Read(); });
}

void ProgramOutput::Read() {
  std::array<char, 4096> chunk{};
  while (true) {
    const ssize_t size = read(read_end_, chunk.data(), chunk.size());
    base::MutexLock lock(mutex_);
    changed_.NotifyAll();
    if (size <= 0) {
      ended_ = true;
      return;
    }
    text_.append(chunk.data(), static_cast<std::size_t>(size));
  }
}

std::string ProgramOutput::WaitFor(const std::string& text) {
  base::MutexLock lock(mutex_);
  while (!ended_ && text_.find(text) == std::string::npos) {
    changed_.Wait(mutex_);
  }
  return text_.find(text) == std::string::npos ? std::string() : text_;
}

std::string ProgramOutput::All() {
  base::MutexLock lock(mutex_);
  while (!ended_) {
    changed_.Wait(mutex_);
  }
  return text_;
}

Program::Program(const std::vector<std::string>& arguments) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, out_.write_end(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err_.write_end(), STDERR_FILENO);
  std::vector<std::string> words = {ACR_BINARY};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) {
    pointers.push_back(word.data());
  }
  pointers.push_back(nullptr);
  std::vector<char*> environment;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!IsProxyVariable(*entry)) {
      environment.push_back(*entry);
    }
  }
  environment.push_back(nullptr);
  EXPECT_EQ(posix_spawn(&pid_, pointers.front(), &actions, nullptr, pointers.data(), environment.data()), 0);
  posix_spawn_file_actions_destroy(&actions);
  out_.Begin();
  err_.Begin();
}

Program::Ports Program::WaitForPorts() {
  const std::string log = err_.WaitFor(", version ");  // the end of the line that says where it serves
  return {PortAfter(log, "serving on 127.0.0.1:"), PortAfter(log, "health on 127.0.0.1:")};
}

void Program::Kill() {
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    Wait();
  }
}

int Program::Terminate() {
  kill(pid_, SIGTERM);
  return Wait();
}

int Program::Wait() {
  int status = 0;
  waitpid(std::exchange(pid_, 0), &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace support
