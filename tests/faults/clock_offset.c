// A wall clock that steps: preloaded into a process, adds as many seconds to it as CLOCK_OFFSET_FILE holds (eight bytes, little endian),
// from the very moment when they are written. Clocks that count from the start of the machine are left alone, as a step leaves them.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int (*clock_gettime_of_libc)(clockid_t, struct timespec*);
static const volatile int64_t* offset;

__attribute__((constructor)) static void begin(void) {
  clock_gettime_of_libc = (int (*)(clockid_t, struct timespec*))dlsym(RTLD_NEXT, "clock_gettime");
  const char* name = getenv("CLOCK_OFFSET_FILE");
  const int file = name == NULL ? -1 : open(name, O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    void* mapped = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
    offset = mapped == MAP_FAILED ? NULL : mapped;
    close(file);
  }
}

int clock_gettime(clockid_t clock, struct timespec* time) {
  if (clock_gettime_of_libc == NULL) {
    begin();  // somebody else's constructor came first
  }
  const int result = clock_gettime_of_libc(clock, time);
  if (result == 0 && offset != NULL && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
    time->tv_sec += *offset;
  }
  return result;
}

int gettimeofday(struct timeval* restrict time, void* restrict zone) {
  (void)zone;
  struct timespec now;
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  time->tv_sec = now.tv_sec;
  time->tv_usec = now.tv_nsec / 1000;
  return result;
}

time_t time(time_t* where) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (where != NULL) {
    *where = now.tv_sec;
  }
  return now.tv_sec;
}
