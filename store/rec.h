/*
 * rec.h - records, written and read field by field.
 *
 * Numbers are big-endian, in records as in keys.  A writer never writes past
 * its end and a reader never reads past its own: either sets bad instead, and
 * the caller asks once, when all fields are done.  A bad reader answers zeros
 * and empty strings, so decoding can run to its end without a branch a field.
 *
 * Needs no LMDB, so that the fuzzer can feed it.
 */
#ifndef STORE_REC_H
#define STORE_REC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
	const uint8_t *at;
	size_t len;
};

struct rec_writer {
	uint8_t *at;
	const uint8_t *end;
	bool bad; /* something did not fit */
};

struct rec_reader {
	const uint8_t *at;
	const uint8_t *end;
	bool bad; /* a field was missing or malformed */
};

/* Writes into size bytes at memory, which stays the caller's. */
struct rec_writer rec_writer(void *memory, size_t size);
void rec_put_u8(struct rec_writer *, uint8_t);
void rec_put_u16(struct rec_writer *, uint16_t);
void rec_put_u32(struct rec_writer *, uint32_t);
void rec_put_u64(struct rec_writer *, uint64_t);
void rec_put_i64(struct rec_writer *, int64_t);
void rec_put_bytes(struct rec_writer *, const void *, size_t);

/* Length (4 bytes), the bytes and a NUL: rec_text_size() bytes in all. */
void rec_put_text(struct rec_writer *, const char *, size_t len);
size_t rec_text_size(size_t len);

/* Reads from bytes, which must stay as long as what was read from them. */
struct rec_reader rec_reader(struct bytes);
uint8_t rec_get_u8(struct rec_reader *);
uint16_t rec_get_u16(struct rec_reader *);
uint32_t rec_get_u32(struct rec_reader *);
uint64_t rec_get_u64(struct rec_reader *);
int64_t rec_get_i64(struct rec_reader *);
void rec_get_bytes(struct rec_reader *, void *, size_t);

/* A text that ends in its NUL and has no other; borrowed from the bytes. */
const char *rec_get_text(struct rec_reader *, size_t *len);

/* The first byte of a record; another version than this one is bad. */
void rec_get_version(struct rec_reader *, uint8_t version);

/*
 * May a newer program have written it?  One that does not decode and is not
 * newer is damaged.
 */
bool rec_is_newer(struct bytes, uint8_t version);

/* All fields were there, and nothing behind them. */
bool rec_is_whole(const struct rec_reader *);

#endif
