/* command - the table of words, and how to look into it. */
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "bot/command.h"

/*
 * Spellings are written as fold_text() leaves them: small, narrow, one blank
 * between words.  Of Chinese we also know how it is written on the mainland.
 * English comes first: it is what others get.
 */
/* clang-format off */
const struct command_row command_rows[] = {
	{ COMMAND_VOICE_ON, "en", "Voice on",
	  { "voice on", "voice: on", "turn voice on", "turn on voice" } },
	{ COMMAND_VOICE_ON, "zh-Hant", "語音開",
	  { "語音開", "開語音", "開啟語音", "打開語音",
	    "语音开", "开语音", "开启语音", "打开语音" } },
	{ COMMAND_VOICE_OFF, "en", "Voice off",
	  { "voice off", "voice: off", "turn voice off", "turn off voice" } },
	{ COMMAND_VOICE_OFF, "zh-Hant", "語音關",
	  { "語音關", "關語音", "關閉語音", "關掉語音",
	    "语音关", "关语音", "关闭语音", "关掉语音" } },
	{ COMMAND_VOICE_AUTO, "en", "Voice auto",
	  { "voice auto", "voice: auto", "voice automatic" } },
	{ COMMAND_VOICE_AUTO, "zh-Hant", "語音自動",
	  { "語音自動", "自動語音", "语音自动", "自动语音" } },
	{ COMMAND_SPEAK, "en", "Speak",
	  { "speak", "read aloud", "read it aloud", "say it aloud" } },
	{ COMMAND_SPEAK, "zh-Hant", "朗讀",
	  { "朗讀", "唸出來", "念出來", "讀出來", "朗读", "念出来",
	    "读出来" } },
	{ .label = NULL },
};
/* clang-format on */

static bool
has_spelling(const struct command_row *row, const char *folded)
{
	size_t i;

	for (i = 0; i < COMMAND_SPELLINGS_MAX && row->spellings[i] != NULL; i++)
		if (strcmp(row->spellings[i], folded) == 0)
			return true;
	return false;
}

enum command
command_match(const char *text, const char **language)
{
	const struct command_row *row = command_rows;
	size_t len = strnlen(text, COMMAND_BYTES_MAX + 1);
	char *folded;

	if (len > COMMAND_BYTES_MAX)
		return COMMAND_NONE;
	folded = fold_text(text, len);
	if (folded == NULL)
		return COMMAND_NONE;
	while (row->label != NULL && !has_spelling(row, folded))
		row++;
	free(folded);
	if (row->label != NULL)
		*language = row->language;
	return row->command; /* the last row's is COMMAND_NONE */
}

enum command
command_of(const char *text)
{
	const char *ignored;

	return command_match(text, &ignored);
}

static bool
means(const char *tag, const char *language)
{
	size_t n = strcspn(tag, "-_.");

	return strcspn(language, "-") == n &&
	    strncasecmp(tag, language, n) == 0;
}

const char *
command_label(enum command command, const char *language)
{
	const struct command_row *row;
	const char *label = NULL;

	for (row = command_rows; row->label != NULL; row++)
		if (row->command == command &&
		    (label == NULL ||
			(language != NULL && means(language, row->language))))
			label = row->label;
	return label;
}
