/* command - the table of words, and how to look into it. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/fold.h"
#include "bot/command.h"

/*
 * Spellings are written as fold_text() leaves them: small, narrow, one blank
 * between words.  The label's comes first.  Of Chinese we also know how it is
 * written on the mainland.
 */
struct wording {
	const char *label;
	const char *spellings[COMMAND_SPELLINGS_MAX];
};

/* clang-format off */
static const struct wording table[COMMAND__MAX][LANGUAGE__MAX] = {
	[COMMAND_VOICE_ON] = {
		[LANGUAGE_EN] = { "Voice on",
			{ "voice on", "voice: on", "turn voice on",
			  "turn on voice" } },
		[LANGUAGE_ZH_HANT] = { "語音開",
			{ "語音開", "開語音", "開啟語音", "打開語音",
			  "语音开", "开语音", "开启语音", "打开语音" } },
	},
	[COMMAND_VOICE_OFF] = {
		[LANGUAGE_EN] = { "Voice off",
			{ "voice off", "voice: off", "turn voice off",
			  "turn off voice" } },
		[LANGUAGE_ZH_HANT] = { "語音關",
			{ "語音關", "關語音", "關閉語音", "關掉語音",
			  "语音关", "关语音", "关闭语音", "关掉语音" } },
	},
	[COMMAND_VOICE_AUTO] = {
		[LANGUAGE_EN] = { "Voice auto",
			{ "voice auto", "voice: auto", "voice automatic" } },
		[LANGUAGE_ZH_HANT] = { "語音自動",
			{ "語音自動", "自動語音", "语音自动",
			  "自动语音" } },
	},
	[COMMAND_SPEAK] = {
		[LANGUAGE_EN] = { "Speak",
			{ "speak", "read aloud", "read it aloud",
			  "say it aloud" } },
		[LANGUAGE_ZH_HANT] = { "朗讀",
			{ "朗讀", "唸出來", "念出來", "讀出來", "朗读",
			  "念出来", "读出来" } },
	},
};
/* clang-format on */

static enum command
find(const char *folded, enum language *language)
{
	const char *word;
	enum command c;
	enum language l;
	unsigned i;

	for (c = COMMAND_NONE + 1; c < COMMAND__MAX; c++)
		for (l = 0; l < LANGUAGE__MAX; l++)
			for (i = 0; (word = command_spelling(c, l, i)) != NULL;
			     i++)
				if (strcmp(word, folded) == 0) {
					*language = l;
					return c;
				}
	return COMMAND_NONE;
}

enum command
command_match(const char *text, enum language *language)
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
	enum language ignored;

	return command_match(text, &ignored);
}

const char *
command_label(enum command command, enum language language)
{
	return table[command][language].label;
}

const char *
command_spelling(enum command command, enum language language, unsigned i)
{
	return i < COMMAND_SPELLINGS_MAX ? table[command][language].spellings[i]
					 : NULL;
}
