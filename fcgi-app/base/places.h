/*
 * places.h - may the paths of the settings stand where they do?
 *
 * Private to settings.c.
 */
#ifndef BASE_PLACES_H
#define BASE_PLACES_H

#include <stddef.h>

#include "base/settings.h"

/*
 * 0, or -1 when one lies where it would be destroyed or shown to others, or
 * is not there; then text says in one line which, where and what to do.
 */
int places_check(const struct settings *, char *text, size_t size);

#endif
