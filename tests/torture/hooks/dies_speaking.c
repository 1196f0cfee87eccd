/*
 * dies_speaking.c - the app that dies when a test wants it, see dies.h.
 *
 * wraps: voice_make mp3_step renameat shelf_put
 */
#include "dies.h"
