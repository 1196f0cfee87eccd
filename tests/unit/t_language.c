/*
 * Whatever tag a profile or a setting has, it means a language of ours or
 * none, by its first part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bot/language.h"

static void
first_part_of_a_tag_decides(void **state)
{
	static const struct {
		const char *tag;
		enum language language;
	} cases[] = {
		{ "en", LANGUAGE_EN },
		{ "EN-gb", LANGUAGE_EN },
		{ "en_US.UTF-8", LANGUAGE_EN },
		{ "zh", LANGUAGE_ZH_HANT },
		{ "zh-TW", LANGUAGE_ZH_HANT },
		{ "zh-Hant", LANGUAGE_ZH_HANT },
		{ "zh-Hant-HK", LANGUAGE_ZH_HANT },
		{ "ZH_tw.UTF-8", LANGUAGE_ZH_HANT },
		{ "zh-CN", LANGUAGE_ZH_HANT },
		{ "cmn-Hans", LANGUAGE_ZH_HANT },
		{ "yue", LANGUAGE_ZH_HANT },
		{ "nan-TW", LANGUAGE_ZH_HANT },
		{ "ja", LANGUAGE_JA },
		{ "ja.UTF-8", LANGUAGE_JA },
		{ "th-TH", LANGUAGE_TH },
		{ "vi_VN", LANGUAGE_VI },
		{ "id-ID", LANGUAGE_ID },
		{ "in", LANGUAGE_ID },
	};
	enum language language;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(language_known(cases[i].tag),
		    cases[i].language);
		assert_int_equal(language_of(cases[i].tag), cases[i].language);
	}
	for (language = 0; language < LANGUAGE__MAX; language++)
		assert_int_equal(language_known(language_tag(language)),
		    language);
}

static void
others_are_not_known(void **state)
{
	static const char *const tags[] = { NULL, "", "e", "eng", "tlh", "ko",
		"-", "-en", "_", ".", " ", " en", "z", "zha", "zh cmn", "id in",
		"\xc3\xa9", "fr-TH" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		assert_int_equal(language_known(tags[i]), LANGUAGE__MAX);
		assert_int_equal(language_of(tags[i]), LANGUAGE_EN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_part_of_a_tag_decides),
		cmocka_unit_test(others_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
