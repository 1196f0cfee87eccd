/*
 * slow_flush.c - a disk whose every flush takes 2 ms longer: fdatasync, and
 * writes to descriptors that were opened with O_DSYNC.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

enum { DELAY_NS = 2000000 };

static void
delay(void)
{
	struct timespec left = { .tv_nsec = DELAY_NS };
	int saved = errno;

	while (nanosleep(&left, &left) == -1 && errno == EINTR)
		;
	errno = saved;
}

int
fdatasync(int fd)
{
	static int (*real)(int);
	int rc;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	rc = real(fd);
	delay();
	return rc;
}

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);
	ssize_t wrote;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	wrote = real(fd, bytes, n, at);
	if (fcntl(fd, F_GETFL) & O_DSYNC)
		delay();
	return wrote;
}
