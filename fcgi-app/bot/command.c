/* command - a text is looked up among the words of all languages. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "bot/command.h"
#include "bot/language_table.h"

static bool
is_spelling(enum command command, enum language language, const char *folded)
{
	const char *const *word = command_spellings(command, language);

	while (*word != NULL && strcmp(*word, folded) != 0)
		word++;
	return *word != NULL;
}

static enum command
find(const char *folded, const char **language)
{
	enum command c;
	enum language l;

	for (l = 0; l < LANGUAGE__MAX; l++)
		for (c = COMMAND_NONE + 1; c < COMMAND__MAX; c++)
			if (is_spelling(c, l, folded)) {
				*language = language_tag(l);
				return c;
			}
	return COMMAND_NONE;
}

enum command
command_match(const char *text, const char **language)
{
	size_t len = strnlen(text, COMMAND_BYTES_MAX + 1);
	enum command command;
	char *folded;

	if (len > COMMAND_BYTES_MAX)
		return COMMAND_NONE;
	folded = fold_text(text, len);
	if (folded == NULL)
		return COMMAND_NONE;
	command = find(folded, language);
	free(folded);
	return command;
}

enum command
command_of(const char *text)
{
	const char *ignored;

	return command_match(text, &ignored);
}

const char *
command_label(enum command command, const char *language)
{
	return language_table[language_of(language)].commands[command].label;
}

const char *const *
command_spellings(enum command command, enum language language)
{
	return language_table[language].commands[command].spellings;
}
