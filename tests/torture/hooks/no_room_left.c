/*
 * no_room_left.c - a store that admits, and takes long replies, until the map
 * is full to the last page.
 *
 * wraps: room_for room_for_reply
 */
#include "store/store_priv.h"

enum store_rc __wrap_room_for(struct store *, const struct store_now *, size_t,
    size_t);
enum store_rc __wrap_room_for_reply(struct store *, const struct store_now *,
    size_t, size_t);

enum store_rc
__wrap_room_for(struct store *s, const struct store_now *now, size_t bytes,
    size_t jobs)
{
	(void)s;
	(void)now;
	(void)bytes;
	(void)jobs;
	return STORE_OK;
}

enum store_rc
__wrap_room_for_reply(struct store *s, const struct store_now *now,
    size_t bytes, size_t jobs)
{
	(void)s;
	(void)now;
	(void)bytes;
	(void)jobs;
	return STORE_OK;
}
