/*
 * words_table.h - the sentences of each language, one file for each.
 *
 * For words.c alone; every language has every sentence, see t_words.c.
 */
#ifndef BOT_WORDS_TABLE_H
#define BOT_WORDS_TABLE_H

#include "bot/words.h"

extern const char *const words_en[WORDS__MAX];
extern const char *const words_zh_hant[WORDS__MAX];

#endif
