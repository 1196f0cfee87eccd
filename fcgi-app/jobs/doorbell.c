/*
 * doorbell.c - datagram sockets, named by a path through the open folder: the
 * folder's own may be longer than a socket's name can be.
 */
#include "jobs/doorbell.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct doorbell {
	int folder, socket;
	char name[16]; /* in the folder */
};

/* The user's hash, and the number in network order. */
enum { RING_BYTES = 16 + 4 };

static void
name_bell(unsigned slot, char *name, size_t size)
{
	(void)snprintf(name, size, "bell.%u", slot);
}

static struct sockaddr_un
address_of(const struct doorbell *bell, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof(address.sun_path),
	    "/proc/self/fd/%d/%s", bell->folder, name);
	return address;
}

static int
hang_up(struct doorbell *bell)
{
	struct sockaddr_un address = address_of(bell, bell->name);

	bell->socket =
	    socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bell->socket == -1)
		return -1;
	(void)unlinkat(bell->folder, bell->name, 0);
	return bind(bell->socket, (const struct sockaddr *)&address,
	    sizeof(address));
}

int
doorbell_open(struct doorbell **out, const char *data_dir, unsigned slot)
{
	struct doorbell *bell = calloc(1, sizeof(*bell));
	int error;

	if (bell == NULL)
		return -1;
	bell->socket = -1;
	name_bell(slot, bell->name, sizeof(bell->name));
	bell->folder = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (bell->folder != -1 && hang_up(bell) == 0) {
		*out = bell;
		return 0;
	}
	error = errno;
	if (bell->socket != -1)
		(void)close(bell->socket);
	if (bell->folder != -1)
		(void)close(bell->folder);
	free(bell);
	errno = error;
	return -1;
}

void
doorbell_close(struct doorbell **bellp)
{
	struct doorbell *bell = *bellp;

	*bellp = NULL;
	if (bell == NULL)
		return;
	(void)unlinkat(bell->folder, bell->name, 0);
	(void)close(bell->socket);
	(void)close(bell->folder);
	free(bell);
}

void
doorbell_ring(const struct doorbell *bell, unsigned slot,
    const struct store_job_id *id)
{
	char name[sizeof(bell->name)];
	struct sockaddr_un address;
	uint8_t ring[RING_BYTES];
	unsigned i;

	name_bell(slot, name, sizeof(name));
	address = address_of(bell, name);
	memcpy(ring, id->user, sizeof(id->user));
	for (i = 0; i < 4; i++)
		ring[16 + i] = (uint8_t)(id->seq >> (24 - 8 * i));
	(void)sendto(bell->socket, ring, sizeof(ring),
	    MSG_DONTWAIT | MSG_NOSIGNAL, (const struct sockaddr *)&address,
	    sizeof(address));
}

int
doorbell_fd(const struct doorbell *bell)
{
	return bell->socket;
}

/* What is no ring of ours is passed over. */
bool
doorbell_take(struct doorbell *bell, struct store_job_id *id)
{
	uint8_t ring[RING_BYTES + 1];
	unsigned i;
	ssize_t n;

	while ((n = recv(bell->socket, ring, sizeof(ring), 0)) != -1) {
		if (n != RING_BYTES)
			continue;
		memcpy(id->user, ring, sizeof(id->user));
		id->seq = 0;
		for (i = 0; i < 4; i++)
			id->seq = id->seq << 8 | ring[16 + i];
		return true;
	}
	return false;
}
