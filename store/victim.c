/* victim - see victim.h. */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/victim.h"

/* Kernels before 5.3 have no pidfd. */
bool
victim_open(struct victim *v, pid_t pid)
{
	v->pid = pid;
	v->fd = (int)syscall(SYS_pidfd_open, pid, 0);
	return v->fd != -1 || errno == ENOSYS;
}

void
victim_kill(const struct victim *v)
{
	if (v->fd != -1)
		syscall(SYS_pidfd_send_signal, v->fd, SIGKILL, NULL, 0);
	else
		kill(v->pid, SIGKILL);
}

void
victim_close(struct victim *v)
{
	if (v->fd != -1)
		close(v->fd);
	v->fd = -1;
}
