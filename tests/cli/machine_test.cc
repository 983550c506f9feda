#include "cli/machine.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"

namespace cli {
namespace {

// A file system's root with what the kernel would show.
class FakeRoot {
 public:
  void Write(const std::string& file, const std::string& content) {
    std::filesystem::create_directories(std::filesystem::path(folder_ / file).parent_path());
    folder_.Write(file, content);
  }
  std::string path() const { return folder_ / "."; }

 private:
  support::TempFolder folder_;
};

TEST(CgroupLimits, AreNoneWhereNothingCanBeRead) {
  const FakeRoot root;
  EXPECT_FALSE(CgroupCpus(root.path()));
  EXPECT_FALSE(CgroupMemory(root.path()));
}

TEST(CgroupLimits, OfVersion2ComeFromTheOwnGroup) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "0::/\n");
  root.Write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  root.Write("sys/fs/cgroup/memory.max", "268435456\n");
  EXPECT_DOUBLE_EQ(CgroupCpus(root.path()).value(), 1.5);
  EXPECT_EQ(CgroupMemory(root.path()).value(), std::size_t{256} << 20U);
}

TEST(CgroupLimits, AreTheLeastOfTheOwnGroupAndThoseAbove) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "0::/pods/pod1/container\n");
  root.Write("sys/fs/cgroup/pods/pod1/container/cpu.max", "max 100000\n");
  root.Write("sys/fs/cgroup/pods/pod1/cpu.max", "200000 100000\n");
  root.Write("sys/fs/cgroup/pods/cpu.max", "400000 100000\n");
  root.Write("sys/fs/cgroup/pods/pod1/container/memory.max", "max\n");
  root.Write("sys/fs/cgroup/pods/memory.max", "1000\n");
  EXPECT_DOUBLE_EQ(CgroupCpus(root.path()).value(), 2.0);
  EXPECT_EQ(CgroupMemory(root.path()).value(), 1000U);
}

TEST(CgroupLimits, AreFoundAtTheTopWhereThePathIsTheHosts) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "0::/kubepods.slice/cri-containerd-abc.scope\n");
  root.Write("sys/fs/cgroup/cpu.max", "50000 100000\n");
  EXPECT_DOUBLE_EQ(CgroupCpus(root.path()).value(), 0.5);
}

TEST(CgroupLimits, OfVersion1ComeFromTheControllersOwnHierarchy) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "9:memory:/docker/a\n4:cpu,cpuacct:/docker/a\n1:name=systemd:/docker/a\n0::/docker/a\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_quota_us", "250000\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/docker/a/cpu.cfs_period_us", "100000\n");
  root.Write("sys/fs/cgroup/memory/docker/a/memory.limit_in_bytes", "1048576\n");
  EXPECT_DOUBLE_EQ(CgroupCpus(root.path()).value(), 2.5);
  EXPECT_EQ(CgroupMemory(root.path()).value(), 1048576U);
}

TEST(CgroupLimits, OfVersion1KnowWhatUnlimitedLooksLike) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "9:memory:/\n4:cpu,cpuacct:/\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
  root.Write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  root.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  EXPECT_FALSE(CgroupCpus(root.path()));
  EXPECT_FALSE(CgroupMemory(root.path()));
}

TEST(CgroupLimits, IgnoreWhatIsNoNumber) {
  FakeRoot root;
  root.Write("proc/self/cgroup", "nonsense\n0::/\n");
  root.Write("sys/fs/cgroup/cpu.max", "many\n");
  root.Write("sys/fs/cgroup/memory.max", "12 apples\n");
  EXPECT_FALSE(CgroupCpus(root.path()));
  EXPECT_FALSE(CgroupMemory(root.path()));
}

TEST(Machine, HasTheLoopbackAddress) { EXPECT_THAT(OwnAddresses(), testing::Contains("127.0.0.1")); }

TEST(Machine, GivesUsAtLeastOneThreadAndAtMostFour) {
  EXPECT_GE(DefaultThreads(), 1);
  EXPECT_LE(DefaultThreads(), 4);
  EXPECT_GT(MemoryLimit(), 0U);
}

}  // namespace
}  // namespace cli
