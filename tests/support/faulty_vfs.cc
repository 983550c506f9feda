#include "tests/support/faulty_vfs.h"

#include <cstring>
#include <new>
#include <stdexcept>
#include <string_view>

namespace support {
namespace {

// What SQLite holds of an open file: ours in front, the real one behind it.
struct OpenFile {
  sqlite3_file base;  // first: SQLite knows only this
  FaultyVfs* vfs;
  FaultyVfs::File file;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

OpenFile& Of(sqlite3_file* file) { return *reinterpret_cast<OpenFile*>(file); }

FaultyVfs::File FileOf(int flags) {
  return (flags & SQLITE_OPEN_MAIN_DB) != 0 ? FaultyVfs::File::kDatabase
         : (flags & SQLITE_OPEN_WAL) != 0   ? FaultyVfs::File::kLog
                                            : FaultyVfs::File::kOther;
}

}  // namespace

// SQLite's two tables of functions.
struct VfsMethods {
  using Call = FaultyVfs::Call;
  using Fault = FaultyVfs::Fault;

  static std::optional<Fault> Next(sqlite3_file* file, Call call) { return Of(file).vfs->Next(call, Of(file).file); }
  static FaultyVfs& Vfs(sqlite3_vfs* vfs) { return *static_cast<FaultyVfs*>(vfs->pAppData); }

  static int Close(sqlite3_file* file) { return Of(file).real()->pMethods->xClose(Of(file).real()); }

  static int Read(sqlite3_file* file, void* to, int count, sqlite3_int64 offset) {
    sqlite3_file* real = Of(file).real();
    const auto fault = Next(file, Call::kRead);
    if (fault == Fault::kShortRead) {
      const int code = real->pMethods->xRead(real, to, count, offset);
      std::memset(static_cast<char*>(to) + count / 2, 0, static_cast<std::size_t>(count - count / 2));
      return code == SQLITE_OK ? SQLITE_IOERR_SHORT_READ : code;
    }
    return fault ? SQLITE_IOERR_READ : real->pMethods->xRead(real, to, count, offset);
  }

  static int Write(sqlite3_file* file, const void* from, int count, sqlite3_int64 offset) {
    sqlite3_file* real = Of(file).real();
    Of(file).vfs->WaitWhileBlocked();
    const auto fault = Next(file, Call::kWrite);
    if (!fault) {
      return real->pMethods->xWrite(real, from, count, offset);
    }
    if (*fault == Fault::kShortWrite) {
      static_cast<void>(real->pMethods->xWrite(real, from, count / 2, offset));
    }
    return *fault == Fault::kNoSpace || *fault == Fault::kShortWrite ? SQLITE_FULL : SQLITE_IOERR_WRITE;
  }

  static int Truncate(sqlite3_file* file, sqlite3_int64 size) {
    sqlite3_file* real = Of(file).real();
    return Next(file, Call::kTruncate) ? SQLITE_IOERR_TRUNCATE : real->pMethods->xTruncate(real, size);
  }

  static int Sync(sqlite3_file* file, int) { return Next(file, Call::kSync) ? SQLITE_IOERR_FSYNC : SQLITE_OK; }

  static int FileSize(sqlite3_file* file, sqlite3_int64* size) {
    sqlite3_file* real = Of(file).real();
    return Next(file, Call::kFileSize) ? SQLITE_IOERR_FSTAT : real->pMethods->xFileSize(real, size);
  }

  static int Lock(sqlite3_file* file, int level) {
    sqlite3_file* real = Of(file).real();
    return Next(file, Call::kLock) ? SQLITE_IOERR_LOCK : real->pMethods->xLock(real, level);
  }
  static int Unlock(sqlite3_file* file, int level) {
    sqlite3_file* real = Of(file).real();
    return real->pMethods->xUnlock(real, level);
  }
  static int CheckReservedLock(sqlite3_file* file, int* reserved) {
    sqlite3_file* real = Of(file).real();
    return Next(file, Call::kLock) ? SQLITE_IOERR_CHECKRESERVEDLOCK : real->pMethods->xCheckReservedLock(real, reserved);
  }

  static int FileControl(sqlite3_file* file, int operation, void* argument) {
    sqlite3_file* real = Of(file).real();
    return Next(file, Call::kControl) ? SQLITE_IOERR : real->pMethods->xFileControl(real, operation, argument);
  }
  static int SectorSize(sqlite3_file* file) { return Of(file).real()->pMethods->xSectorSize(Of(file).real()); }
  static int Characteristics(sqlite3_file* file) { return Of(file).real()->pMethods->xDeviceCharacteristics(Of(file).real()); }

  static int ShmMap(sqlite3_file* file, int region, int size, int extend, void volatile** memory) {
    sqlite3_file* real = Of(file).real();
    if (Next(file, Call::kShmMap)) {
      *memory = nullptr;
      return SQLITE_IOERR_SHMMAP;
    }
    return real->pMethods->xShmMap(real, region, size, extend, memory);
  }
  static int ShmLock(sqlite3_file* file, int offset, int count, int flags) {
    sqlite3_file* real = Of(file).real();
    if ((flags & SQLITE_SHM_LOCK) != 0 && Next(file, Call::kShmLock)) {
      return SQLITE_IOERR_SHMLOCK;
    }
    return real->pMethods->xShmLock(real, offset, count, flags);
  }
  static void ShmBarrier(sqlite3_file* file) { Of(file).real()->pMethods->xShmBarrier(Of(file).real()); }
  static int ShmUnmap(sqlite3_file* file, int remove) { return Of(file).real()->pMethods->xShmUnmap(Of(file).real(), remove); }

  static constexpr sqlite3_io_methods kFile = {.iVersion = 2,  // without memory-mapped reads, which the audit log does not use
                                               .xClose = Close,
                                               .xRead = Read,
                                               .xWrite = Write,
                                               .xTruncate = Truncate,
                                               .xSync = Sync,
                                               .xFileSize = FileSize,
                                               .xLock = Lock,
                                               .xUnlock = Unlock,
                                               .xCheckReservedLock = CheckReservedLock,
                                               .xFileControl = FileControl,
                                               .xSectorSize = SectorSize,
                                               .xDeviceCharacteristics = Characteristics,
                                               .xShmMap = ShmMap,
                                               .xShmLock = ShmLock,
                                               .xShmBarrier = ShmBarrier,
                                               .xShmUnmap = ShmUnmap,
                                               .xFetch = nullptr,
                                               .xUnfetch = nullptr};

  static int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* flags_out) {
    FaultyVfs& self = Vfs(vfs);
    auto* opened = new (file) OpenFile{{nullptr}, &self, FileOf(flags)};
    const auto fault = self.Next(Call::kOpen, opened->file);
    if (fault == Fault::kReadOnly) {
      flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
    } else if (fault) {
      return SQLITE_CANTOPEN;
    }
    const int code = self.real_->xOpen(self.real_, name, opened->real(), flags, flags_out);
    if (opened->real()->pMethods != nullptr) {
      opened->base.pMethods = &kFile;
    }
    return code;
  }
  static int Delete(sqlite3_vfs* vfs, const char* name, int) {
    FaultyVfs& self = Vfs(vfs);
    return self.Next(Call::kDelete, FaultyVfs::File::kOther) ? SQLITE_IOERR_DELETE : self.real_->xDelete(self.real_, name, 0);
  }
  static int Access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
    FaultyVfs& self = Vfs(vfs);
    return self.Next(Call::kAccess, FaultyVfs::File::kOther) ? SQLITE_IOERR_ACCESS : self.real_->xAccess(self.real_, name, flags, result);
  }
};

bool FaultyVfs::Applies(Fault fault, Call call) {
  const bool writes = call == Call::kWrite || call == Call::kTruncate || call == Call::kDelete || call == Call::kShmMap;
  switch (fault) {
    case Fault::kIoError:
      return true;
    case Fault::kNoSpace:
      return call == Call::kWrite || call == Call::kShmMap;
    case Fault::kShortWrite:
      return call == Call::kWrite;
    case Fault::kShortRead:
      return call == Call::kRead;
    case Fault::kReadOnly:
      return writes || call == Call::kOpen;
  }
  return false;
}

FaultyVfs::FaultyVfs() : real_(sqlite3_vfs_find(nullptr)) {
  vfs_ = *real_;
  vfs_.zName = "faulty";
  vfs_.pNext = nullptr;
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(OpenFile)) + real_->szOsFile;
  vfs_.xOpen = VfsMethods::Open;
  vfs_.xDelete = VfsMethods::Delete;
  vfs_.xAccess = VfsMethods::Access;
  if (sqlite3_vfs_register(&vfs_, 1) != SQLITE_OK) {
    throw std::runtime_error("SQLite takes no VFS");
  }
}

FaultyVfs::~FaultyVfs() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
}

void FaultyVfs::Begin(std::optional<Plan> plan) {
  plan_ = plan;
  trace_.clear();
  failed_ = 0;
  counting_ = true;
}

std::optional<FaultyVfs::Fault> FaultyVfs::Next(Call call, File file) {
  if (!counting_) {
    return std::nullopt;
  }
  const std::int64_t number = calls();
  trace_.push_back({call, file});
  if (!plan_ || number < plan_->at || (number > plan_->at && !plan_->lasting) || !Applies(plan_->fault, call)) {
    return std::nullopt;
  }
  ++failed_;
  return plan_->fault;
}

void FaultyVfs::Block() {
  const base::MutexLock lock(mutex_);
  blocked_ = true;
}

void FaultyVfs::Unblock() {
  const base::MutexLock lock(mutex_);
  blocked_ = false;
  changed_.NotifyAll();
}

void FaultyVfs::WaitForBlocked() {
  const base::MutexLock lock(mutex_);
  while (waiting_ == 0) {
    changed_.Wait(mutex_);
  }
}

void FaultyVfs::WaitWhileBlocked() {
  const base::MutexLock lock(mutex_);
  ++waiting_;
  changed_.NotifyAll();
  while (blocked_) {
    changed_.Wait(mutex_);
  }
  --waiting_;
}

}  // namespace support
