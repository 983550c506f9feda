// The program itself as a process, and all that it writes.
#pragma once

#include <sys/types.h>

#include <string>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace support {

// What a process writes to one of its outputs, read as it comes.
class ProgramOutput {
 public:
  ProgramOutput();
  ~ProgramOutput();  // waits for the writer's end
  ProgramOutput(const ProgramOutput&) = delete;
  ProgramOutput& operator=(const ProgramOutput&) = delete;

  int write_end() const { return write_end_; }
  void Begin();  // once the process has the write end

  // Waits for it. "" when the process ended without having written it; else all that was written so far.
  std::string WaitFor(const std::string& text) EXCLUDES(mutex_);
  std::string All() EXCLUDES(mutex_);  // waits for the end

 private:
  void Read() EXCLUDES(mutex_);

  int read_end_ = -1;
  int write_end_ = -1;
  base::Mutex mutex_;
  base::CondVar changed_;
  std::string text_ GUARDED_BY(mutex_);
  bool ended_ GUARDED_BY(mutex_) = false;
  std::thread reader_;
};

// For one thread. Killed when it is destroyed.
class Program {
 public:
  // The environment is the test's own, without proxies.
  explicit Program(const std::vector<std::string>& arguments);
  ~Program() { Kill(); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  // Where `serve` says that it listens; {0, 0} when it ended first.
  struct Ports {
    int review = 0;
    int health = 0;
  };
  Ports WaitForPorts();

  void Kill();
  int Terminate();  // asks it to end, and returns what it ended with
  int Wait();       // until it ends by itself

  std::string Out() { return out_.All(); }  // of a program that has ended
  std::string Err() { return err_.All(); }

 private:
  ProgramOutput out_;
  ProgramOutput err_;
  pid_t pid_ = 0;
};

}  // namespace support
