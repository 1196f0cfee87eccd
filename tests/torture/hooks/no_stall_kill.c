/*
 * no_stall_kill.c - nobody kills who holds the turn to write and stalls.
 *
 * wraps: syscall
 */
#include <sys/syscall.h>

#include <stdarg.h>
#include <unistd.h>

long __real_syscall(long, ...);
long __wrap_syscall(long, ...);

long
__wrap_syscall(long number, ...)
{
	va_list args;
	long a[4];
	int i;

	va_start(args, number);
	for (i = 0; i < 4; i++)
		a[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_pidfd_send_signal)
		return 0;
	return __real_syscall(number, a[0], a[1], a[2], a[3]);
}
