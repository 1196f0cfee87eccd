/* setting - values by kind: read, describe, print. */
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/path.h"
#include "base/setting.h"

static void *
member(const struct setting *row, struct settings *settings)
{
	return (char *)settings + row->offset;
}

static uint32_t
number_of(const struct setting *row, const struct settings *settings)
{
	uint32_t value;

	memcpy(&value, (const char *)settings + row->offset, sizeof(value));
	return value;
}

static const char *
string_of(const struct setting *row, const struct settings *settings)
{
	const char *value;

	memcpy(&value, (const char *)settings + row->offset, sizeof(value));
	return value;
}

static bool
is_number(const struct setting *row)
{
	return row->kind == SETTING_NUMBER || row->kind == SETTING_RATE ||
	    row->kind == SETTING_CHOICE;
}

/* Decimal digits up to end, min to max. */
static bool
parse_number(const struct setting *row, const char *text, const char *end,
    uint32_t *value)
{
	uint64_t sum = 0;

	if (text == end)
		return false;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		sum = sum * 10 + (uint64_t)(*text - '0');
		if (sum > row->max)
			return false;
	}
	*value = (uint32_t)sum;
	return sum >= row->min;
}

/* The index of value in the row's words. */
static bool
parse_word(const struct setting *row, const char *value, uint32_t *index)
{
	const char *word = row->words;
	size_t n = strlen(value);

	for (*index = 0;; ++*index, word++) {
		size_t len = strcspn(word, "|");

		if (len == n && strncmp(word, value, n) == 0)
			return true;
		word += len;
		if (*word == '\0')
			return false;
	}
}

/* Digits, perhaps a point and digits: what JSON takes as well. */
static bool
is_decimal(const struct setting *row, const char *value)
{
	size_t whole = strspn(value, "0123456789"), rest = 0;
	double number;

	if (value[whole] == '.')
		rest = 1 + strspn(value + whole + 1, "0123456789");
	if (whole == 0 || whole + rest > 16 || rest == 1 ||
	    value[whole + rest] != '\0')
		return false;
	number = strtod(value, NULL);
	return number >= row->min && number <= row->max;
}

static bool
is_name(const struct setting *row, const char *value)
{
	size_t n = strlen(value);

	return n >= row->min && n <= row->max &&
	    strspn(value,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_") == n &&
	    value[0] != '.';
}

/* No blank and no control character: a header line stays one line. */
static bool
is_graph(const char *value)
{
	for (; *value != '\0'; value++)
		if (*value <= ' ' || *value > '~')
			return false;
	return true;
}

static bool
is_secret(const struct setting *row, const char *value)
{
	size_t n = strlen(value);

	return n >= row->min && n <= row->max && is_graph(value);
}

static bool
is_loopback(const char *host, size_t n)
{
	static const char *const names[] = { "127.0.0.1", "[::1]",
		"localhost" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == n && strncmp(host, names[i], n) == 0)
			return true;
	return false;
}

/* A port, with the colon before it, or nothing. */
static bool
is_port(const char *text, size_t n)
{
	static const struct setting port = { .min = 1, .max = 65535 };
	uint32_t number;

	return n == 0 ||
	    (text[0] == ':' &&
		parse_number(&port, text + 1, text + n, &number));
}

/* scheme://host[:port][/path], nothing that would need more parsing. */
static bool
is_url(const char *value)
{
	const char *host = strstr(value, "://");
	size_t n, authority;

	if (host == NULL || !is_graph(value) ||
	    strpbrk(value, "?#@\\\"'<>{}|^`") != NULL)
		return false;
	host += 3;
	authority = strcspn(host, "/");
	n = host[0] == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":/");
	if (n == 0 || n > authority || !is_port(host + n, authority - n))
		return false;
	if (strncmp(value, "http://", 7) == 0)
		return is_loopback(host, n);
	return strncmp(value, "https://", 8) == 0 && host == value + 8;
}

/* Of an address: https://, a host, perhaps a port, and no path behind it. */
static bool
is_host(const char *url)
{
	const char *host = strstr(url, "://") + 3;

	return strncmp(url, "https:", 6) == 0 &&
	    strspn(strchrnul(host, '/'), "/") == strlen(strchrnul(host, '/'));
}

static bool
is_path(const char *value)
{
	for (; *value != '\0'; value++)
		if (iscntrl((unsigned char)*value))
			return false;
	return true;
}

/* Is value fit for a string member of the row's kind? */
static bool
is_allowed(const struct setting *row, const char *value)
{
	uint32_t number;

	if (*value == '\0')
		return (row->flags & SETTING_OPTIONAL) != 0;
	switch (row->kind) {
	case SETTING_WORD:
		return parse_word(row, value, &number);
	case SETTING_DECIMAL:
		return is_decimal(row, value);
	case SETTING_WHOLE:
		return parse_number(row, value, value + strlen(value), &number);
	case SETTING_NAME:
		return is_name(row, value);
	case SETTING_SECRET:
		return is_secret(row, value);
	case SETTING_PATH:
		return is_path(value);
	case SETTING_URL:
		return is_url(value);
	case SETTING_HTTPS:
		return is_url(value) && is_host(value) &&
		    strlen(value) <= row->max;
	case SETTING_NUMBER:
	case SETTING_RATE:
	case SETTING_CHOICE:
	case SETTING_KIND__MAX:
		break;
	}
	return false;
}

static enum setting_rc
store_number(const struct setting *row, const char *value, void *to)
{
	size_t n = strlen(value);
	uint32_t number;
	bool good;

	if (row->kind == SETTING_RATE && n > 2 &&
	    strcmp(value + n - 2, "/s") == 0)
		n -= 2;
	if (row->kind == SETTING_CHOICE)
		good = parse_word(row, value, &number);
	else
		good = parse_number(row, value, value + n, &number);
	if (!good)
		return SETTING_BAD;
	memcpy(to, &number, sizeof(number));
	return SETTING_OK;
}

enum setting_rc
setting_store(const struct setting *row, const char *value, const char *folder,
    struct settings *settings)
{
	char *copy;
	size_t n;

	if (is_number(row))
		return store_number(row, value, member(row, settings));
	if (!is_allowed(row, value))
		return SETTING_BAD;
	if (row->kind == SETTING_PATH && *value != '\0')
		copy = path_absolute(folder, value);
	else
		copy = strdup(value);
	if (copy == NULL)
		return SETTING_MEMORY;
	if (row->kind == SETTING_URL || row->kind == SETTING_HTTPS)
		for (n = strlen(copy); n > 0 && copy[n - 1] == '/'; n--)
			copy[n - 1] = '\0';
	memcpy(member(row, settings), &copy, sizeof(copy));
	return SETTING_OK;
}

void
setting_release(const struct setting *row, struct settings *settings)
{
	char *value;

	if (is_number(row))
		return;
	memcpy(&value, member(row, settings), sizeof(value));
	free(value);
}

const char *
setting_allowed(const struct setting *row, char *out, size_t size)
{
	/* the range or the words stand between the two; NULL: no range */
	static const struct form {
		const char *before, *after;
	} forms[SETTING_KIND__MAX] = {
		[SETTING_NUMBER] = { "a whole number from ", "" },
		[SETTING_RATE] = { "a whole number from ", "" },
		[SETTING_CHOICE] = { "one of ", NULL },
		[SETTING_WORD] = { "one of ", NULL },
		[SETTING_DECIMAL] = { "a number from ", "" },
		[SETTING_WHOLE] = { "a whole number from ", "" },
		[SETTING_NAME] = { "", " of the characters A-Z a-z 0-9 . - _" },
		[SETTING_SECRET] = { "", " ASCII characters without blanks" },
		[SETTING_PATH] = { "a path", NULL },
		[SETTING_URL] = { "an https:// address, or http:// to "
				  "127.0.0.1, [::1] or localhost",
		    NULL },
		[SETTING_HTTPS] = { "an https:// address without a path",
		    NULL },
	};
	const struct form *form = &forms[row->kind];

	if (form->after != NULL)
		snprintf(out, size, "%s%u to %u%s", form->before, row->min,
		    row->max, form->after);
	else
		snprintf(out, size, "%s%s", form->before,
		    row->words != NULL ? row->words : "");
	return out;
}

static void
print_word(const char *words, uint32_t index, FILE *out)
{
	while (index-- > 0)
		words += strcspn(words, "|") + 1;
	fprintf(out, "%.*s\n", (int)strcspn(words, "|"), words);
}

void
setting_print(const struct setting *row, const struct settings *settings,
    FILE *out)
{
	fprintf(out, "%s=", row->name);
	if (row->kind == SETTING_CHOICE)
		print_word(row->words, number_of(row, settings), out);
	else if (is_number(row))
		fprintf(out, "%u\n", number_of(row, settings));
	else if (row->kind == SETTING_SECRET)
		fputs(*string_of(row, settings) == '\0' ? "\n" : "(set)\n",
		    out);
	else
		fprintf(out, "%s\n", string_of(row, settings));
}
