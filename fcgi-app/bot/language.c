/* language - which language a tag means. */
#include <stdbool.h>
#include <string.h>

#include "bot/language.h"
#include "bot/language_table.h"

/* Is the word of n bytes in a list with blanks between? */
static bool
is_listed(const char *list, const char *word, size_t n)
{
	size_t len;

	for (; *list != '\0'; list += strspn(list, " ")) {
		len = strcspn(list, " ");
		if (len == n && strncasecmp(list, word, n) == 0)
			return true;
		list += len;
	}
	return false;
}

enum language
language_known(const char *tag)
{
	enum language i;

	if (tag == NULL)
		return LANGUAGE__MAX;
	for (i = 0; i < LANGUAGE__MAX; i++)
		if (is_listed(language_table[i].tags, tag, strcspn(tag, "-_.")))
			return i;
	return LANGUAGE__MAX;
}

enum language
language_of(const char *tag)
{
	enum language known = language_known(tag);

	return known == LANGUAGE__MAX ? LANGUAGE_EN : known;
}

const char *
language_tag(enum language language)
{
	return language_table[language].tag;
}
