/*
 * fates - what a store knows of events: the ledger's witness.
 *
 *   fates DATA_DIR KEY_FILE STORE_MAP_MB <events
 *
 * Each line of stdin is a webhookEventId and the chat that it came from, in
 * the store's words (store_event.chat).  The answer is a line
 *
 *   ID RETRYKEY FATE JOB END
 *
 * RETRYKEY is what a push for this event carries, as 32 hex digits.
 * FATE is what was decided when it was admitted, or "unknown": the store never
 * heard of it.  JOB is the job's name as the app logs it, or "-".  END is
 * "open", "gone" (finished, and forgotten), "broken" (it does not decode) or
 * the reason of a dead letter.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/store_priv.h"

enum { LINE_MAX_BYTES = 256 };

static const char *const fate_names[STORE_FATE__MAX] = {
	[STORE_ACCEPTED] = "accepted",
	[STORE_DUPLICATE] = "duplicate",
	[STORE_OLD] = "old",
	[STORE_DROPPED] = "dropped",
	[STORE_SLOW_DOWN] = "slow_down",
	[STORE_SYSTEM_BUSY] = "system_busy",
};

struct letter {
	struct store_job_id id;
	struct dead dead;
};

static struct letter *letters;
static size_t n_letters;

static void
die(const char *what)
{
	(void)fprintf(stderr, "fates: %s\n", what);
	exit(1);
}

/* Table, time, user, number: the job is what stands at the end. */
static void
read_letter(struct bytes key, struct bytes value)
{
	struct letter *letter;
	const uint8_t *at = key.at;
	const uint8_t *seq = at + key.len - 4;

	letters = realloc(letters, (n_letters + 1) * sizeof(*letters));
	if (letters == NULL)
		die("no memory");
	letter = &letters[n_letters++];
	if (key.len != 1 + 8 + USER + 4 || !dead_decode(value, &letter->dead))
		die("a dead letter does not decode");
	memcpy(letter->id.user, seq - USER, USER);
	letter->id.seq = (uint32_t)seq[0] << 24 | (uint32_t)seq[1] << 16 |
	    (uint32_t)seq[2] << 8 | seq[3];
}

static void
read_letters(struct tx *tx)
{
	struct key table = { .at = { TABLE_DEAD }, .len = 1 };
	struct bytes key, value;
	struct scan scan;

	if (scan_open(&scan, tx, table, table) != STORE_OK)
		die("the dead letters cannot be read");
	while (scan_next(&scan, &key, &value) == STORE_OK)
		read_letter(key, value);
	scan_close(&scan);
}

static const char *
end_of(struct tx *tx, const struct store_job_id *id)
{
	struct job job;
	size_t i;
	enum store_rc rc = job_get(tx, id, &job);

	if (rc != STORE_NONE)
		return rc == STORE_OK ? "open" : "broken";
	for (i = 0; i < n_letters; i++)
		if (letters[i].id.seq == id->seq &&
		    memcmp(letters[i].id.user, id->user, USER) == 0)
			return letters[i].dead.reason;
	return "gone";
}

static void
tell_key(struct seal *seal, const char *event)
{
	uint8_t key[16];
	size_t i;

	if (!seal_hash_retry(seal, event, key))
		die("no hash");
	(void)printf("%s ", event);
	for (i = 0; i < sizeof(key); i++)
		(void)printf("%02x", key[i]);
}

static void
tell(struct tx *tx, const char *event, const char *chat)
{
	struct store_job_id id;
	struct seen seen;
	enum store_rc rc = seen_get(tx, event, &seen);

	tell_key(tx->store->seal, event);
	if (rc != STORE_OK) {
		(void)printf(" %s - -\n",
		    rc == STORE_NONE ? "unknown" : "broken");
		return;
	}
	id.seq = seen.seq;
	if (!seal_hash_chat(tx->store->seal, chat, id.user))
		die("no hash");
	(void)printf(" %s %02x%02x%02x%02x-%" PRIu32 " %s\n",
	    fate_names[seen.fate], id.user[0], id.user[1], id.user[2],
	    id.user[3], id.seq, seen.seq == 0 ? "-" : end_of(tx, &id));
}

static enum store_rc
tell_all(struct tx *tx, void *arg)
{
	char line[LINE_MAX_BYTES], *chat;

	(void)arg;
	read_letters(tx);
	while (fgets(line, sizeof(line), stdin) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		chat = strchr(line, ' ');
		if (chat == NULL)
			die("a line without a chat");
		*chat++ = '\0';
		tell(tx, line, chat);
	}
	return STORE_OK;
}

int
main(int argc, char **argv)
{
	struct store_now now = { clock_wall_ms(), clock_boot_ms(), { 0 } };
	struct store_place place = { .dir = argv[1] };
	char why[STORE_WHY_MAX];
	struct store *store;

	if (argc != 4)
		die("usage: fates DATA_DIR KEY_FILE STORE_MAP_MB <events");
	place.key_file = argv[2];
	place.map_mb = (unsigned)strtoul(argv[3], NULL, 10);
	if (clock_boot_id(now.boot_id) == -1)
		die("no boot id");
	if (store_open(&store, &place, now, why) != STORE_OK)
		die(why);
	if (tx_read(store, &now, tell_all, NULL) != STORE_OK)
		die("the store cannot be read");
	store_close(&store);
	free(letters);
	return fflush(stdout) == EOF;
}
