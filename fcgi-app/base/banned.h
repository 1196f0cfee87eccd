/*
 * banned.h - functions that do not compile here.
 *
 * They write without knowing the size of what they write to, share hidden
 * state between threads, or cannot report a bad number.  Use snprintf,
 * memcpy with a checked size, strtok_r, gmtime_r, localtime_r and strtol.
 *
 * The Makefile puts this file in front of every source (-include), so no file
 * can forget it.  The headers that declare these names must have been read
 * before the names are poisoned, hence the includes.  With clang and fortify
 * some of them are macros, and a macro cannot be poisoned.
 */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#undef sprintf
#undef vsprintf

#pragma GCC poison strcpy strcat
#pragma GCC poison sprintf vsprintf
#pragma GCC poison strtok
#pragma GCC poison gmtime localtime
#pragma GCC poison atoi atol

#endif
