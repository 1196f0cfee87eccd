/* buf - a growing buffer that was born with a maximum. */
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

void
buf_init(struct buf *buf, size_t max)
{
	*buf = (struct buf){ .max = max < SIZE_MAX ? max : SIZE_MAX - 1 };
}

void
buf_release(struct buf *buf)
{
	free(buf->data);
	buf_init(buf, buf->max);
}

/* Makes room for n more bytes and the NUL. */
static int
buf_reserve(struct buf *buf, size_t n)
{
	size_t cap;
	char *data;

	if (buf->failed || n > buf->max - buf->len)
		goto fail;
	if (buf->len + n < buf->cap)
		return 0;
	cap = buf->cap < 64 ? 64 : buf->cap;
	while (cap <= buf->len + n && cap <= buf->max / 2)
		cap *= 2;
	if (cap <= buf->len + n)
		cap = buf->max + 1;
	data = realloc(buf->data, cap);
	if (data == NULL)
		goto fail;
	buf->data = data;
	buf->cap = cap;
	return 0;
fail:
	buf->failed = true;
	return -1;
}

int
buf_add(struct buf *buf, const void *bytes, size_t n)
{
	if (buf_reserve(buf, n) == -1)
		return -1;
	if (n > 0)
		memcpy(buf->data + buf->len, bytes, n);
	buf->len += n;
	buf->data[buf->len] = '\0';
	return 0;
}

int
buf_sink(const char *bytes, size_t n, void *buf)
{
	return buf_add(buf, bytes, n);
}

int
buf_puts(struct buf *buf, const char *text)
{
	return buf_add(buf, text, strlen(text));
}

int
buf_printf(struct buf *buf, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || buf_reserve(buf, (size_t)n) == -1) {
		buf->failed = true;
		return -1;
	}
	va_start(args, format);
	vsnprintf(buf->data + buf->len, (size_t)n + 1, format, args);
	va_end(args);
	buf->len += (size_t)n;
	return 0;
}

char *
buf_take(struct buf *buf, size_t *len)
{
	char *data = NULL;

	if (buf_add(buf, "", 0) == 0) {
		data = buf->data;
		if (len != NULL)
			*len = buf->len;
		buf->data = NULL;
	}
	buf_release(buf);
	return data;
}
