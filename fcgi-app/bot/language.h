/*
 * language.h - the languages that we ourselves speak.
 *
 * Answers come in the language of the question; this is about our own
 * sentences, buttons and the words that users type.
 */
#ifndef BOT_LANGUAGE_H
#define BOT_LANGUAGE_H

enum language {
	LANGUAGE_EN = 0,  /* spoken when no other fits */
	LANGUAGE_ZH_HANT, /* Chinese as it is written in Taiwan */
	LANGUAGE__MAX
};

/*
 * The language for a tag such as "en", "en-GB" or "zh_TW.UTF-8", of which the
 * first part decides; LANGUAGE_EN when we do not speak it or it is NULL.
 */
enum language language_of(const char *tag);

/* "en"; static. */
const char *language_tag(enum language);

#endif
