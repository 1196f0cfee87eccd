/* payload - a job's message and where its answer goes, see FORMAT.md. */
#include <string.h>

#include "store/store_priv.h"

enum { VERSION = 1, FIXED = 1 + 1 + 16 };

static const char *
text_or_empty(const char *text)
{
	return text != NULL ? text : "";
}

size_t
payload_size(const struct store_event *e)
{
	return SEAL_HEAD + FIXED + rec_text_size(strlen(e->to)) +
	    rec_text_size(strlen(text_or_empty(e->reply_token))) +
	    rec_text_size(strlen(text_or_empty(e->quote_token))) +
	    rec_text_size(strlen(e->text));
}

size_t
payload_again_size(const struct payload *p)
{
	const struct store_event e = {
		.to = p->to,
		.reply_token = p->reply_token,
		.quote_token = p->quote_token,
		.text = p->text,
	};

	return payload_size(&e);
}

static void
put_text(struct rec_writer *w, const char *text)
{
	rec_put_text(w, text, strlen(text));
}

/* len is the plain text's. */
static bool
encode(struct seal *seal, const struct payload *p, const uint8_t user[USER],
    uint8_t *to, size_t len)
{
	struct rec_writer w = rec_writer(to + SEAL_HEAD, len);

	rec_put_u8(&w, VERSION);
	rec_put_u8(&w, p->direct);
	rec_put_bytes(&w, p->retry_key, sizeof(p->retry_key));
	put_text(&w, p->to);
	put_text(&w, p->reply_token);
	put_text(&w, p->quote_token);
	put_text(&w, p->text);
	return !w.bad && seal_close(seal, SEAL_PAYLOAD, user, to, len);
}

bool
payload_encode(struct seal *seal, const struct store_event *e,
    const uint8_t user[USER], uint8_t *to)
{
	struct payload p = {
		.direct = e->direct,
		.to = e->to,
		.reply_token = text_or_empty(e->reply_token),
		.quote_token = text_or_empty(e->quote_token),
		.text = e->text,
	};

	return seal_hash_retry(seal, e->id, p.retry_key) &&
	    encode(seal, &p, user, to, payload_size(e) - SEAL_HEAD);
}

bool
payload_again_encode(struct seal *seal, const struct payload *p,
    const uint8_t user[USER], uint8_t *to)
{
	return encode(seal, p, user, to, payload_again_size(p) - SEAL_HEAD);
}

bool
payload_decode(struct bytes plain, struct payload *p)
{
	struct rec_reader r = rec_reader(plain);
	size_t len;

	rec_get_version(&r, VERSION);
	p->direct = rec_get_u8(&r) != 0;
	rec_get_bytes(&r, p->retry_key, sizeof(p->retry_key));
	p->to = rec_get_text(&r, &len);
	p->reply_token = rec_get_text(&r, &len);
	p->quote_token = rec_get_text(&r, &len);
	p->text = rec_get_text(&r, &len);
	return rec_is_whole(&r);
}
