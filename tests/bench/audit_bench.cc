// What the audit log costs: a commit, a record on disk, a question among a million records.
//
// The log that is asked is made once, in $ACR_BENCH_DATABASE (default: a file in the temporary folder, about 2 GiB) with
// $ACR_BENCH_RECORDS records (default: a million).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "audit/database_reader.h"
#include "audit/store.h"
#include "tests/bench/bench_records.h"
#include "tests/support/fake_clock.h"

namespace {

constexpr std::int64_t kUnbounded = std::int64_t{1} << 40;

std::string Variable(const char* name, const std::string& otherwise) {
  const char* value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): no other thread runs
  return value != nullptr ? value : otherwise;
}

// Ends the program: without a log there is nothing to measure.
template <class T>
T Must(base::Result<T> result) {
  if (!result) {
    std::cerr << result.error().ToString() << '\n';
    std::exit(1);  // NOLINT(concurrency-mt-unsafe)
  }
  if constexpr (!std::is_void_v<T>) {
    return *std::move(result);
  }
}

std::unique_ptr<audit::Store> OpenStore(const std::string& database, const base::Clock& clock) {
  std::string notice;
  return Must(audit::Store::Open({.database = database, .retention_bytes = kUnbounded}, clock, &notice));
}

// state.range(0) records a commit, state.range(1): denied ones.
void Commit(benchmark::State& state) {
  const std::string folder = std::filesystem::temp_directory_path() / "acr-bench-commit";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  support::FakeClock clock;
  const auto store = OpenStore(folder + "/audit.db", clock);
  bench::Records records;
  std::vector<std::vector<audit::Record>> commits(4096 / static_cast<std::size_t>(state.range(0)));
  const auto refill = [&] {
    for (auto& commit : commits) {
      commit.clear();
      for (std::int64_t i = 0; i < state.range(0); ++i) {
        clock.Advance(std::chrono::milliseconds(1));
        commit.push_back(state.range(1) != 0 ? records.Denied(clock.Now()) : records.Allowed(clock.Now()));
      }
    }
  };
  std::size_t next = 0;
  for (auto _ : state) {
    if (next % commits.size() == 0) {
      state.PauseTiming();  // another thread's work in serve
      Must(store->Maintain());
      refill();
      state.ResumeTiming();
    }
    Must(store->Commit(commits[next++ % commits.size()]));
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
  std::filesystem::remove_all(folder);
}
BENCHMARK(Commit)->ArgNames({"records", "denied"})->ArgsProduct({{1, 16}, {0, 1}})->Unit(benchmark::kMicrosecond);

// The log of a month, the last of it in the hour before kEnd.
const base::Time kEnd = base::ParseTime("2026-11-23T12:00:00Z").value();
constexpr std::chrono::hours kSpan{24 * 30};

std::int64_t RecordsAsked() { return std::stoll(Variable("ACR_BENCH_RECORDS", "1000000")); }

std::string AskedDatabase() { return Variable("ACR_BENCH_DATABASE", std::filesystem::temp_directory_path() / "acr-bench-audit.db"); }

void MakeLog(const std::string& database) {
  const std::int64_t count = RecordsAsked();
  std::cerr << "making " << database << " with " << count << " records\n";
  support::FakeClock clock(kEnd - kSpan);
  const auto store = OpenStore(database, clock);
  bench::Records records;
  std::vector<audit::Record> batch;
  for (std::int64_t i = 1; i <= count; ++i) {
    clock.Advance(std::chrono::microseconds(kSpan) / count);
    batch.push_back(records.Next(clock.Now()));
    if (batch.size() == 64 || i == count) {
      Must(store->Commit(batch));
      batch.clear();
    }
    if (i % 4096 == 0 || i == count) {
      Must(store->Maintain());
    }
  }
}

audit::Reader& Log() {
  static const std::unique_ptr<audit::Reader> reader = [] {
    const std::string database = AskedDatabase();
    if (!std::filesystem::exists(database)) {
      MakeLog(database);
    }
    return Must(audit::OpenDatabaseReader(database));
  }();
  return *reader;
}

// A whole answer of the command line's usual size, by a reader that asks for the first time.
void Read(benchmark::State& state, const audit::Filter& filter) {
  Log();
  std::size_t rows = 0;
  for (auto _ : state) {
    const auto reader = Must(audit::OpenDatabaseReader(AskedDatabase()));
    rows = Must(reader->Read({.filter = filter})).rows.size();
  }
  state.counters["rows"] = static_cast<double>(rows);
}

void Summarise(benchmark::State& state, const audit::Filter& filter) {
  Log();
  std::int64_t denied = 0;
  for (auto _ : state) {
    const auto reader = Must(audit::OpenDatabaseReader(AskedDatabase()));
    denied = 0;
    for (const audit::Summary::Hour& hour : Must(reader->Summarise(filter)).hours) {
      denied += hour.counts.denied;
    }
  }
  state.counters["denied"] = static_cast<double>(denied);
}

void BytesOnDisk(benchmark::State& state) {
  Log();
  for (auto _ : state) {
    benchmark::DoNotOptimize(std::filesystem::file_size(AskedDatabase()));
  }
  state.counters["bytes_a_record"] = static_cast<double>(std::filesystem::file_size(AskedDatabase())) / static_cast<double>(RecordsAsked());
}
BENCHMARK(BytesOnDisk)->Iterations(1);

#define READ(name, ...) BENCHMARK_CAPTURE(Read, name, audit::Filter{__VA_ARGS__})->Unit(benchmark::kMillisecond)
#define SUMMARISE(name, ...) BENCHMARK_CAPTURE(Summarise, name, audit::Filter{__VA_ARGS__})->Unit(benchmark::kMillisecond)

READ(uid, .uid = bench::Records::Uid(500'000));
READ(denied, .decision = "Denied");
READ(denied_of_a_rare_namespace, .namespace_name = bench::Records::Namespace(199), .decision = "Denied");
READ(denied_of_a_namespace, .namespace_name = bench::Records::Namespace(0), .decision = "Denied");
READ(denied_of_a_rare_registry, .decision = "Denied", .registry = bench::Records::Registry(49));
READ(denied_of_a_rare_user, .decision = "Denied", .user = bench::Records::User(499));
READ(denied_of_nobody, .decision = "Denied", .user = "nobody");
READ(denied_of_a_namespace_by_nobody, .namespace_name = bench::Records::Namespace(0), .decision = "Denied", .user = "nobody");
READ(denied_of_a_few_namespaces, .namespace_name = "team-19*", .decision = "Denied");
READ(denied_of_all_namespaces, .namespace_name = "team-*", .decision = "Denied");
READ(denied_of_all_registries, .decision = "Denied", .registry = "registry*");
READ(denied_on_a_day, .since = kEnd - std::chrono::hours(24 * 15), .until = kEnd - std::chrono::hours(24 * 14), .decision = "Denied");
READ(anything_on_a_day, .since = kEnd - std::chrono::hours(24 * 15), .until = kEnd - std::chrono::hours(24 * 14));
READ(rare_namespace_on_a_day, .since = kEnd - std::chrono::hours(24), .namespace_name = "none");
READ(rare_namespace, .namespace_name = "none");
READ(image, .image = "*nothing*");
SUMMARISE(a_day, .since = kEnd - std::chrono::hours(24));
SUMMARISE(a_day_and_a_half_hour, .since = kEnd - std::chrono::minutes(24 * 60 + 30));
SUMMARISE(a_month);
SUMMARISE(a_month_of_a_namespace, .namespace_name = bench::Records::Namespace(3));
SUMMARISE(a_month_of_denials_of_a_registry, .decision = "Denied", .registry = bench::Records::Registry(10));

}  // namespace

BENCHMARK_MAIN();
