/*
 * other_boot.c - after a power cut it is another boot: who asks the kernel
 * which one gets what BOOT_ID_FILE says.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

int
open(const char *path, int flags, ...)
{
	int (*real)(const char *, int, ...);
	const char *ours = getenv("BOOT_ID_FILE");
	va_list args;
	mode_t mode = 0;

	*(void **)&real = dlsym(RTLD_NEXT, "open");
	if (real == NULL || ours == NULL)
		abort(); /* a test without its boot would pass */
	va_start(args, flags);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0)
		mode = va_arg(args, mode_t);
	va_end(args);
	if (strcmp(path, "/proc/sys/kernel/random/boot_id") == 0)
		path = ours;
	return real(path, flags, mode);
}
