/*
 * sparse.c - files get their size, but not their disk space.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int
fallocate(int fd, int mode, off_t from, off_t len)
{
	struct stat st;

	(void)mode;
	if (fstat(fd, &st) == -1)
		return -1;
	return st.st_size >= from + len ? 0 : ftruncate(fd, from + len);
}
