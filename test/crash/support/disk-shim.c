/*
 * A disk under observation. Loaded with LD_PRELOAD, it stands between a process and the files of one folder:
 *
 *   - it records what is done to them, so that the disk can be rebuilt as a power cut would have left it;
 *   - it makes syncs slow, or makes them lie;
 *   - it lets the nth call fail.
 *
 * DISK_FOLDER   absolute path; only what lies in this folder is observed, and never the shared memory of SQLite (-shm)
 * DISK_LOG      file to record to, appended to; without it nothing is recorded
 * DISK_ACKS     path of a file: what is written to it is recorded as an acknowledgement
 * DISK_CONTROL  file that holds a `struct control`; it may be changed while the process runs
 *
 * A record: kind, 3 bytes of zero, length of the name, inode, place in the file, length of the data, name, data; all
 * numbers in the byte order of the machine. A sync has two records: only what was written before its *start* is safe at
 * its end. Everything is recorded before the call returns, in one order for all threads.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { ANY, WRITE, SYNC, TRUNCATE, CREATE, UNLINK, RENAME, READ, OPERATIONS = 16 };

struct control {
  uint32_t sync_delay_us; /* Each sync takes this much longer. */
  uint32_t syncs_lie;     /* Syncs say they are done, and are not recorded. */
  uint32_t fail_what;     /* One of the operations above. */
  uint32_t fail_in;       /* The call that fails: 1 is the next. 0: none. Counts down. */
  uint32_t fail_errno;    /* What it says. 0: a write is cut short instead. */
  uint32_t fail_times;    /* How many calls fail from there on. */
  uint32_t failed;        /* How many have failed. */
  uint32_t calls[OPERATIONS];
};

struct record {
  char kind;
  char zero[3];
  uint32_t name_length;
  uint64_t inode;
  int64_t place;
  uint64_t length;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static struct control nothing, *control = &nothing;
static const char *folder, *acks;
static size_t folder_length;
static int log_fd = -1;
static int64_t syncs;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("DISK_LOG");
  acks = getenv("DISK_ACKS");
  if (path) log_fd = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if ((path = getenv("DISK_CONTROL"))) {
    int fd = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    void *shared = (void *)syscall(SYS_mmap, 0, sizeof(struct control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED) control = shared;
    syscall(SYS_close, fd);
  }
  if ((folder = getenv("DISK_FOLDER"))) folder_length = strlen(folder);
}

/* The path inside the folder, or NULL. The folder itself is "". */
static const char *inside(const char *path) {
  if (!folder || strncmp(path, folder, folder_length) != 0) return NULL;
  path += folder_length;
  if (*path == 0) return path;
  if (*path++ != '/') return NULL;
  size_t length = strlen(path);
  return length >= 4 && strcmp(path + length - 4, "-shm") == 0 ? NULL : path;
}

struct file {
  char path[1024];
  const char *name;
  uint64_t inode;
  int is_acks;
};

/* Whether an open file is observed, and which it is. */
static int observed(int fd, struct file *file) {
  if (!folder || fd < 0) return 0;
  struct stat facts;
  int kept = errno;
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, file->path, sizeof file->path - 1);
  errno = kept;
  if (length <= 0 || file->path[0] != '/') return 0;
  file->path[length] = 0;
  file->is_acks = acks && strcmp(file->path, acks) == 0;
  file->name = file->is_acks ? "" : inside(file->path);
  if (!file->name || fstat(fd, &facts) != 0) return 0;
  file->inode = facts.st_ino;
  return 1;
}

static uint64_t inode_of(const char *path) {
  struct stat facts;
  int kept = errno, found = stat(path, &facts) == 0;
  errno = kept;
  return found ? facts.st_ino : 0;
}

static void record(char kind, const char *name, uint64_t inode, int64_t place, const void *data, uint64_t length) {
  if (log_fd < 0) return;
  struct record head = {.kind = kind, .name_length = strlen(name), .inode = inode, .place = place, .length = length};
  struct iovec parts[3] = {{&head, sizeof head}, {(void *)name, head.name_length}, {(void *)data, data ? length : 0}};
  int kept = errno;
  pthread_mutex_lock(&turn);
  syscall(SYS_writev, log_fd, parts, 3);
  pthread_mutex_unlock(&turn);
  errno = kept;
}

/* Whether this call must fail: 0, or the error number, or -1 for a write that is cut short. */
static int fails(int what) {
  int error = 0;
  pthread_mutex_lock(&turn);
  control->calls[what]++;
  control->calls[ANY]++;
  if (control->fail_in > 0 && (control->fail_what == ANY ? what != READ : control->fail_what == (uint32_t)what)) {
    if (control->fail_in > 1) {
      control->fail_in--;
    } else {
      control->failed++;
      error = control->fail_errno ? (int)control->fail_errno : what == WRITE ? -1 : EIO;
      if (control->failed >= control->fail_times) control->fail_in = 0;
    }
  }
  pthread_mutex_unlock(&turn);
  return error;
}

/* Makes a call of the kind fail if it is its turn. */
#define MAY_FAIL(what)        \
  do {                        \
    int error = fails(what);  \
    if (error > 0) {          \
      errno = error;          \
      return -1;              \
    }                         \
  } while (0)

static ssize_t written(int fd, const struct iovec *parts, int count, int64_t place) {
  struct file file;
  int is_observed = observed(fd, &file);
  struct iovec half;
  if (is_observed && !file.is_acks) {
    int error = fails(WRITE);
    if (error > 0) return errno = error, -1;
    if (error < 0 && parts[0].iov_len > 1) {
      half = (struct iovec){parts[0].iov_base, parts[0].iov_len / 2};
      parts = &half;
      count = 1;
    }
  }
  ssize_t done = place < 0 ? syscall(SYS_writev, fd, parts, count)
                           : syscall(SYS_pwritev, fd, parts, count, (unsigned long)place, 0UL);
  if (done <= 0 || !is_observed || log_fd < 0) return done;
  if (place < 0) place = lseek(fd, 0, SEEK_CUR) - done;
  for (ssize_t left = done; left > 0; parts++) {
    ssize_t length = left < (ssize_t)parts->iov_len ? left : (ssize_t)parts->iov_len;
    record(file.is_acks ? 'A' : 'W', file.name, file.inode, place, parts->iov_base, length);
    place += length;
    left -= length;
  }
  return done;
}

ssize_t write(int fd, const void *data, size_t length) {
  struct iovec part = {(void *)data, length};
  return fd <= 2 ? syscall(SYS_write, fd, data, length) : written(fd, &part, 1, -1);
}
ssize_t writev(int fd, const struct iovec *parts, int count) { return written(fd, parts, count, -1); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t place) { return written(fd, parts, count, place); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t place) { return written(fd, parts, count, place); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t place) {
  struct iovec part = {(void *)data, length};
  return written(fd, &part, 1, place);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t place) { return pwrite64(fd, data, length, place); }

ssize_t pread64(int fd, void *data, size_t length, off64_t place) {
  struct file file;
  if (control->fail_what == READ && observed(fd, &file)) MAY_FAIL(READ);
  return syscall(SYS_pread64, fd, data, length, place);
}
ssize_t pread(int fd, void *data, size_t length, off_t place) { return pread64(fd, data, length, place); }

/* Copies inside the kernel are refused, so that the caller falls back to reading and writing, which we see. */
ssize_t copy_file_range(int in, off64_t *in_place, int out, off64_t *out_place, size_t length, unsigned flags) {
  struct file file;
  if (observed(out, &file)) return errno = EXDEV, -1;
  return syscall(SYS_copy_file_range, in, in_place, out, out_place, length, flags);
}
ssize_t sendfile64(int out, int in, off64_t *place, size_t length) {
  struct file file;
  if (observed(out, &file)) return errno = EINVAL, -1;
  return syscall(SYS_sendfile, out, in, place, length);
}
ssize_t sendfile(int out, int in, off_t *place, size_t length) { return sendfile64(out, in, place, length); }

static int synced(int fd, long call) {
  struct file file;
  if (!observed(fd, &file) || file.is_acks) return syscall(call, fd);
  MAY_FAIL(SYNC);
  if (control->sync_delay_us) {
    struct timespec delay = {control->sync_delay_us / 1000000, control->sync_delay_us % 1000000 * 1000L};
    nanosleep(&delay, NULL);
  }
  if (control->syncs_lie) return 0;
  int64_t number = __atomic_add_fetch(&syncs, 1, __ATOMIC_RELAXED) | (int64_t)getpid() << 32;
  record('s', file.name, file.inode, number, NULL, 0);
  int result = log_fd < 0 ? (int)syscall(call, fd) : 0; /* What counts is the record, not this machine's disk. */
  if (result == 0) record('S', file.name, file.inode, number, NULL, 0);
  return result;
}
int fsync(int fd) { return synced(fd, SYS_fsync); }
int fdatasync(int fd) { return synced(fd, SYS_fdatasync); }

int ftruncate64(int fd, off64_t length) {
  struct file file;
  int is_observed = observed(fd, &file);
  if (is_observed) MAY_FAIL(TRUNCATE);
  int result = syscall(SYS_ftruncate, fd, length);
  if (result == 0 && is_observed) record('T', file.name, file.inode, length, NULL, 0);
  return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }

int truncate(const char *path, off_t length) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  int result = ftruncate64(fd, length);
  syscall(SYS_close, fd);
  return result;
}

static int opened(int at, const char *path, int flags, mode_t mode) {
  const char *name = path[0] == '/' ? inside(path) : NULL;
  int is_new = name && (flags & O_CREAT) && inode_of(path) == 0;
  if (is_new) MAY_FAIL(CREATE);
  int fd = syscall(SYS_openat, at, path, flags, mode);
  if (fd < 0 || !name) return fd;
  if (is_new) record('C', name, inode_of(path), 0, NULL, 0);
  else if (flags & O_TRUNC) record('T', name, inode_of(path), 0, NULL, 0);
  return fd;
}

#define MODE                          \
  mode_t mode = 0;                    \
  if (flags & (O_CREAT | O_TMPFILE)) { \
    va_list rest;                     \
    va_start(rest, flags);            \
    mode = va_arg(rest, mode_t);      \
    va_end(rest);                     \
  }
int open(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE return opened(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { MODE return opened(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE return opened(at, path, flags, mode); }

static int removed(int at, const char *path, int flags) {
  const char *name = inside(path);
  if (name) MAY_FAIL(UNLINK);
  uint64_t inode = name ? inode_of(path) : 0;
  int result = syscall(SYS_unlinkat, at, path, flags);
  if (result == 0 && name) record('U', name, inode, 0, NULL, 0);
  return result;
}
int unlink(const char *path) { return removed(AT_FDCWD, path, 0); }
int unlinkat(int at, const char *path, int flags) { return removed(at, path, flags); }
int remove(const char *path) {
  int result = removed(AT_FDCWD, path, 0);
  return result < 0 && errno == EISDIR ? removed(AT_FDCWD, path, AT_REMOVEDIR) : result;
}

int rename(const char *from, const char *to) {
  const char *old_name = inside(from), *new_name = inside(to);
  if (new_name) MAY_FAIL(RENAME);
  uint64_t inode = inode_of(from);
  int result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && new_name) record('R', new_name, inode, 0, old_name ? old_name : "", old_name ? strlen(old_name) : 0);
  return result;
}

int link(const char *from, const char *to) {
  const char *name = inside(to);
  if (name) MAY_FAIL(CREATE);
  int result = syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
  if (result == 0 && name) record('L', name, inode_of(to), 0, NULL, 0);
  return result;
}
