/* Stands between a process and the disk: while the file named by SYNC_FAILS_WHEN is there, no sync of a directory
 * `journal` or of what lies in it succeeds, but for the first SYNC_FAILS_AFTER of the process; that file says which
 * failed. All else is left alone. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int syncs;

static int fails(int fd) {
    char link[32], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    const char *when = getenv("SYNC_FAILS_WHEN"), *after = getenv("SYNC_FAILS_AFTER");
    if (!when || !after || !strstr(path, "/journal")) return 0;
    if (atomic_fetch_add(&syncs, 1) < atoi(after)) return 0;
    int said = open(when, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (said < 0) return 0;
    dprintf(said, "%s\n", path);
    close(said);
    errno = EIO;
    return 1;
}

int fsync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fsync, fd); }

int fdatasync(int fd) { return fails(fd) ? -1 : (int)syscall(SYS_fdatasync, fd); }
