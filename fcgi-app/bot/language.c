/* language - the tags of the languages that we speak. */
#include <stddef.h>
#include <string.h>

#include "bot/language.h"

static const char *const tags[LANGUAGE__MAX] = {
	[LANGUAGE_EN] = "en",
	[LANGUAGE_ZH_HANT] = "zh-Hant",
};

enum language
language_of(const char *tag)
{
	enum language i;
	size_t n;

	if (tag == NULL)
		return LANGUAGE_EN;
	n = strcspn(tag, "-_.");
	for (i = 0; i < LANGUAGE__MAX; i++)
		if (strcspn(tags[i], "-") == n &&
		    strncasecmp(tags[i], tag, n) == 0)
			return i;
	return LANGUAGE_EN;
}

const char *
language_tag(enum language language)
{
	return tags[language];
}
