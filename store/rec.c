/* rec - see rec.h. */
#include <endian.h>
#include <string.h>

#include "store/rec.h"

struct rec_writer
rec_writer(void *memory, size_t size)
{
	uint8_t *at = memory;
	struct rec_writer w = { .at = at, .end = at + size };

	return w;
}

void
rec_put_bytes(struct rec_writer *w, const void *from, size_t len)
{
	if (w->bad || (size_t)(w->end - w->at) < len) {
		w->bad = true;
		return;
	}
	if (len > 0)
		memcpy(w->at, from, len);
	w->at += len;
}

/* Writes the lowest n bytes of a number, the highest of them first. */
static void
put_number(struct rec_writer *w, uint64_t number, size_t n)
{
	uint64_t be = htobe64(number << (64 - 8 * n));

	rec_put_bytes(w, &be, n);
}

void
rec_put_u8(struct rec_writer *w, uint8_t v)
{
	put_number(w, v, 1);
}

void
rec_put_u16(struct rec_writer *w, uint16_t v)
{
	put_number(w, v, 2);
}

void
rec_put_u32(struct rec_writer *w, uint32_t v)
{
	put_number(w, v, 4);
}

void
rec_put_u64(struct rec_writer *w, uint64_t v)
{
	put_number(w, v, 8);
}

void
rec_put_i64(struct rec_writer *w, int64_t v)
{
	put_number(w, (uint64_t)v, 8);
}

void
rec_put_text(struct rec_writer *w, const char *text, size_t len)
{
	rec_put_u32(w, (uint32_t)len);
	rec_put_bytes(w, text, len);
	rec_put_u8(w, 0);
}

size_t
rec_text_size(size_t len)
{
	return 4 + len + 1;
}

struct rec_reader
rec_reader(struct bytes b)
{
	struct rec_reader r = { .at = b.at, .end = b.at + b.len };

	return r;
}

/* The next len bytes, or NULL, and the reader is bad. */
static const uint8_t *
take(struct rec_reader *r, size_t len)
{
	const uint8_t *at = r->at;

	if (r->bad || (size_t)(r->end - r->at) < len) {
		r->bad = true;
		return NULL;
	}
	r->at += len;
	return at;
}

static uint64_t
get_number(struct rec_reader *r, size_t n)
{
	const uint8_t *at = take(r, n);
	uint64_t be = 0;

	if (at != NULL)
		memcpy(&be, at, n);
	return be64toh(be) >> (64 - 8 * n);
}

uint8_t
rec_get_u8(struct rec_reader *r)
{
	return (uint8_t)get_number(r, 1);
}

uint16_t
rec_get_u16(struct rec_reader *r)
{
	return (uint16_t)get_number(r, 2);
}

uint32_t
rec_get_u32(struct rec_reader *r)
{
	return (uint32_t)get_number(r, 4);
}

uint64_t
rec_get_u64(struct rec_reader *r)
{
	return get_number(r, 8);
}

int64_t
rec_get_i64(struct rec_reader *r)
{
	return (int64_t)get_number(r, 8);
}

void
rec_get_bytes(struct rec_reader *r, void *to, size_t len)
{
	const uint8_t *at = take(r, len);

	if (at != NULL)
		memcpy(to, at, len);
	else
		memset(to, 0, len);
}

const char *
rec_get_text(struct rec_reader *r, size_t *len)
{
	size_t n = rec_get_u32(r);
	const uint8_t *at = take(r, n + 1);

	*len = 0;
	if (at == NULL)
		return "";
	if (memchr(at, 0, n + 1) != at + n) {
		r->bad = true;
		return "";
	}
	*len = n;
	return (const char *)at;
}

void
rec_get_version(struct rec_reader *r, uint8_t version)
{
	if (rec_get_u8(r) != version)
		r->bad = true;
}

/* Versions rise by one: a far higher number is damage. */
bool
rec_is_newer(struct bytes b, uint8_t version)
{
	enum { PLAUSIBLE = 8 };

	return b.len > 0 && b.at[0] > version && b.at[0] <= version + PLAUSIBLE;
}

bool
rec_is_whole(const struct rec_reader *r)
{
	return !r->bad && r->at == r->end;
}
