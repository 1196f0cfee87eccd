/* victim - see victim.h. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/victim.h"

bool
victim_is_stopped(pid_t pid)
{
	char path[32], stat[512], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	n = read(fd, stat, sizeof(stat) - 1);
	close(fd);
	if (n <= 0)
		return false;
	stat[n] = '\0';
	state = strrchr(stat, ')'); /* the name before may hold anything */
	return state != NULL && (state[2] == 'T' || state[2] == 't');
}

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
