/*
 * language.h - the languages that we ourselves speak.
 *
 * Answers come in the language of the question; this is about our own
 * sentences, buttons and the words that users type.  Each language is a file
 * of bot/languages/, called as it is here: LANGUAGE_ZH_HANT is zh-Hant.lang.
 */
#ifndef BOT_LANGUAGE_H
#define BOT_LANGUAGE_H

/* Sessions may come to keep these numbers: a new one goes to the end. */
enum language {
	LANGUAGE_EN = 0,  /* spoken when no other fits */
	LANGUAGE_ZH_HANT, /* Chinese as it is written in Taiwan */
	LANGUAGE_JA,
	LANGUAGE_TH,
	LANGUAGE_VI,
	LANGUAGE_ID,
	LANGUAGE__MAX
};

/*
 * The language for a tag such as "en", "en-GB" or "zh_TW.UTF-8", of which the
 * first part decides: LINE's profiles, browsers and systems have such tags.
 * LANGUAGE__MAX when we do not speak it or it is NULL.
 */
enum language language_known(const char *tag);

/* The same, LANGUAGE_EN when we do not speak it. */
enum language language_of(const char *tag);

/* "en"; static. */
const char *language_tag(enum language);

#endif
