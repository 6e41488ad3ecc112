/* What a disk has surely got: for every file whose name contains ".aof", the
 * size that it had before an fsync or fdatasync that succeeded is appended to
 * the file SHIM_LOG, as "size path". SHIM_DELAY_MS makes the disk slow.
 *
 * cc -shared -fPIC -o shim.so fsync_shim.c -ldl; LD_PRELOAD=./shim.so redis-server
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int note(int fd, const char *call)
{
	int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
	char link[64], path[4096];
	struct stat before;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	if (n <= 0)
		return real(fd);
	path[n] = 0;
	if (!strstr(path, ".aof"))
		return real(fd);
	const char *delay = getenv("SHIM_DELAY_MS");
	if (delay && atoi(delay) > 0)
		usleep((useconds_t)atoi(delay) * 1000);
	if (fstat(fd, &before) != 0)
		return real(fd);
	int result = real(fd);
	const char *log = getenv("SHIM_LOG");
	if (result == 0 && log) {
		int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		if (out >= 0) {
			dprintf(out, "%lld %s\n", (long long)before.st_size, path);
			close(out);
		}
	}
	return result;
}

int fdatasync(int fd) { return note(fd, "fdatasync"); }
int fsync(int fd) { return note(fd, "fsync"); }
