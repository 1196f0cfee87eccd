/*
 * setting.h - one row of the table of settings, and what its kind allows.
 *
 * Private to settings.c, settings_table.c and setting.c.
 */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/settings.h"

enum setting_kind {
	SETTING_NUMBER = 0, /* uint32_t, min to max */
	SETTING_RATE,       /* the same, "/s" may follow */
	SETTING_CHOICE,     /* uint32_t, index into words */
	SETTING_WORD,       /* string, one of words */
	SETTING_DECIMAL,    /* string, min to max, with a point or without */
	SETTING_WHOLE,      /* string, min to max, digits only */
	SETTING_NAME,       /* string, as models are called */
	SETTING_SECRET,     /* string of up to max, fit for a header */
	SETTING_PATH,       /* string, made absolute */
	SETTING_URL,        /* string, https or a loopback address */
	SETTING_HTTPS,      /* string, the same without the loopback address */
	SETTING_KIND__MAX
};

enum {
	SETTING_REQUIRED = 1, /* the file must give it */
	SETTING_OPTIONAL = 2  /* "" is allowed and means none */
};

struct setting {
	const char *name;
	enum setting_kind kind;
	size_t offset; /* in struct settings */
	uint32_t min, max;
	const char *words;   /* divided by '|' */
	const char *initial; /* what it is when nobody says; NULL: required */
	unsigned flags;
	const char *help;
};

/* All keys, in the order they are printed; one without a name ends it. */
enum { SETTINGS_MAX = 64 };
extern const struct setting settings_table[];

enum setting_rc {
	SETTING_OK = 0,
	SETTING_BAD, /* the value is not what setting_allowed() says */
	SETTING_MEMORY
};

/* Reads value into its member; relative paths start at folder. */
enum setting_rc setting_store(const struct setting *, const char *value,
    const char *folder, struct settings *);

/* Frees the member. */
void setting_release(const struct setting *, struct settings *);

/* Says in a few words what is allowed; returns out. */
const char *setting_allowed(const struct setting *, char *out, size_t size);

/* Writes the member as the file would have it; a secret as (set). */
void setting_print(const struct setting *, const struct settings *, FILE *);

#endif
