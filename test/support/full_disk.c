// Preloaded into a server: while the file that TANDEM_FULL_DISK names exists, no regular file
// grows, as on a disk without space. What lies within a file can be overwritten, as there.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

static int is_full(void) {
    const char* path = getenv("TANDEM_FULL_DISK");
    int before = errno;
    int full = path != NULL && access(path, F_OK) == 0;
    errno = before;
    return full;
}

// `at`: the place in the file; negative: where the descriptor stands, or the end for O_APPEND.
static int no_space(int fd, off_t at, size_t bytes) {
    struct stat status;
    if (!is_full() || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return 0;
    if (at < 0) at = fcntl(fd, F_GETFL) & O_APPEND ? status.st_size : lseek(fd, 0, SEEK_CUR);
    if (at + (off_t)bytes <= status.st_size) return 0;
    errno = ENOSPC;
    return 1;
}

static size_t bytes_of(const struct iovec* parts, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; ++i) bytes += parts[i].iov_len;
    return bytes;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

ssize_t write(int fd, const void* data, size_t bytes) {
    return no_space(fd, -1, bytes) ? -1 : REAL(write)(fd, data, bytes);
}

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t at) {
    return no_space(fd, at, bytes) ? -1 : REAL(pwrite)(fd, data, bytes, at);
}

ssize_t pwrite64(int fd, const void* data, size_t bytes, off64_t at) {
    return no_space(fd, at, bytes) ? -1 : REAL(pwrite64)(fd, data, bytes, at);
}

ssize_t writev(int fd, const struct iovec* parts, int count) {
    return no_space(fd, -1, bytes_of(parts, count)) ? -1 : REAL(writev)(fd, parts, count);
}

ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
    return no_space(fd, at, bytes_of(parts, count)) ? -1 : REAL(pwritev)(fd, parts, count, at);
}

ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
    return no_space(fd, at, bytes_of(parts, count)) ? -1 : REAL(pwritev64)(fd, parts, count, at);
}

int statvfs(const char* path, struct statvfs* status) {
    int result = REAL(statvfs)(path, status);
    if (result == 0 && is_full()) status->f_bavail = status->f_bfree = 0;
    return result;
}

int statvfs64(const char* path, struct statvfs64* status) {
    int result = REAL(statvfs64)(path, status);
    if (result == 0 && is_full()) status->f_bavail = status->f_bfree = 0;
    return result;
}

int posix_fallocate(int fd, off_t at, off_t bytes) {
    return no_space(fd, at, (size_t)bytes) ? ENOSPC : REAL(posix_fallocate)(fd, at, bytes);
}

int posix_fallocate64(int fd, off64_t at, off64_t bytes) {
    return no_space(fd, at, (size_t)bytes) ? ENOSPC : REAL(posix_fallocate64)(fd, at, bytes);
}

int fallocate(int fd, int mode, off_t at, off_t bytes) {
    return no_space(fd, at, (size_t)bytes) ? -1 : REAL(fallocate)(fd, mode, at, bytes);
}
