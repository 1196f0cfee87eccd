/*
 * no_flush.c - a disk that says "written" and has written nothing: flushes do
 * nothing, and writes that should be through are not.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

int
fdatasync(int fd)
{
	(void)fd;
	return 0;
}

int
fsync(int fd)
{
	(void)fd;
	return 0;
}

int
msync(void *at, size_t len, int flags)
{
	(void)at;
	(void)len;
	(void)flags;
	return 0;
}

static int
open_as(const char *name, const char *path, int flags, mode_t mode)
{
	int (*real)(const char *, int, ...);

	*(void **)&real = dlsym(RTLD_NEXT, name);
	return real(path, flags & ~(O_SYNC | O_DSYNC), mode);
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return open_as("open", path, flags, mode);
}

int
open64(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	va_start(args, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	return open_as("open64", path, flags, mode);
}
