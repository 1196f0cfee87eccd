/* words - which language has which table. */
#include "bot/words.h"
#include "bot/language.h"
#include "bot/words_table.h"

static const char *const *const tables[LANGUAGE__MAX] = {
	[LANGUAGE_EN] = words_en,
	[LANGUAGE_ZH_HANT] = words_zh_hant,
};

const char *
words_text(enum words which, const char *language)
{
	return tables[language_of(language)][which];
}
