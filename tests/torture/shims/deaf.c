/*
 * deaf.c - a program that does not hear that a write or a flush failed.
 */
#include <sys/uio.h>

#include <dlfcn.h>
#include <unistd.h>

ssize_t
pwrite(int fd, const void *bytes, size_t n, off_t at)
{
	static ssize_t (*real)(int, const void *, size_t, off_t);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "pwrite");
	(void)real(fd, bytes, n, at);
	return (ssize_t)n;
}

ssize_t
writev(int fd, const struct iovec *parts, int n)
{
	static ssize_t (*real)(int, const struct iovec *, int);
	ssize_t sum = 0;
	int i;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "writev");
	(void)real(fd, parts, n);
	for (i = 0; i < n; i++)
		sum += (ssize_t)parts[i].iov_len;
	return sum;
}

int
fdatasync(int fd)
{
	static int (*real)(int);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "fdatasync");
	(void)real(fd);
	return 0;
}
