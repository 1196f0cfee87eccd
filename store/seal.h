/*
 * seal.h - encryption at rest and keyed hashes.
 *
 * A sealed record is SEAL_HEAD bytes (version, key id, nonce, tag) and the
 * ciphertext, which is as long as the plain text (AES-256-GCM).  Sealing and
 * opening happen in place.  What a record is and whose it is goes in as
 * associated data, so a record that was moved to another user or to another
 * use does not open.
 *
 * Any thread may call; the OpenSSL contexts are kept in a pool, because making
 * one costs more than using it.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seal; /* opaque: the keys and the pool */

enum { SEAL_KEY = 32, SEAL_HEAD = 30, SEAL_HASH = 16 };

/* What a sealed record is; never reuse a letter. */
enum seal_use {
	SEAL_CHECK = 'G',   /* tells whether the key is the store's */
	SEAL_SESSION = 'h', /* a session's turns */
	SEAL_PAYLOAD = 'p', /* a job's message and where its answer goes */
	SEAL_REPLY = 'r'    /* a job's answer, ready to be sent */
};

/* New, from the master key, which is not kept; NULL without memory. */
struct seal *seal_new(const uint8_t master[SEAL_KEY]);
void seal_free(struct seal *);

/*
 * record has SEAL_HEAD bytes of room and then len bytes of plain text;
 * afterwards it is SEAL_HEAD + len bytes of sealed record.  false: OpenSSL
 * has no memory or no randomness, and the record must not be used.
 */
bool seal_close(struct seal *, enum seal_use, const uint8_t user[SEAL_HASH],
    uint8_t *record, size_t len);

enum seal_rc {
	SEAL_OK = 0,
	SEAL_BAD,   /* too short, unknown version or key, not what was sealed */
	SEAL_FAILED /* OpenSSL has no memory */
};

/* The reverse: *plain points behind the head, into record. */
enum seal_rc seal_open(struct seal *, enum seal_use,
    const uint8_t user[SEAL_HASH], uint8_t *record, size_t len, uint8_t **plain,
    size_t *plain_len);

/* The keyed hash that stands for a chat in keys. */
bool seal_hash_chat(struct seal *, const char *chat, uint8_t out[SEAL_HASH]);

/* A UUID that the same event id always gives: LINE's retry key. */
bool seal_hash_retry(struct seal *, const char *event_id,
    uint8_t out[SEAL_HASH]);

/* The retry key of what follows a message with this one. */
bool seal_hash_follow(struct seal *, const uint8_t retry_key[SEAL_HASH],
    uint8_t out[SEAL_HASH]);

/* What nobody can guess of a message with this retry key. */
bool seal_hash_file(struct seal *, const uint8_t retry_key[SEAL_HASH],
    uint8_t out[SEAL_HASH]);

#endif
