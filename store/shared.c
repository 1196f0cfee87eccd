/* shared - see shared.h. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "store/shared.h"

/* Another layout of struct shared wants another number. */
static const char magic[16] = "mededbot shm 1";

static bool
shared_init(struct shared *sh, const uint8_t boot_id[16])
{
	memset(sh, 0, sizeof(*sh));
	if (!turn_init(&sh->turn))
		return false;
	memcpy(sh->boot_id, boot_id, sizeof(sh->boot_id));
	atomic_thread_fence(memory_order_release);
	memcpy(sh->magic, magic, sizeof(sh->magic));
	return true;
}

struct shared *
shared_map(int fd, const uint8_t boot_id[16])
{
	struct shared *sh =
	    mmap(NULL, SHARED_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (sh == MAP_FAILED)
		return NULL;
	if ((memcmp(sh->magic, magic, sizeof(magic)) != 0 ||
		memcmp(sh->boot_id, boot_id, sizeof(sh->boot_id)) != 0) &&
	    !shared_init(sh, boot_id)) {
		shared_unmap(sh);
		errno = ENOTSUP;
		return NULL;
	}
	return sh;
}

void
shared_unmap(struct shared *sh)
{
	if (sh != NULL)
		munmap(sh, SHARED_SIZE);
}
