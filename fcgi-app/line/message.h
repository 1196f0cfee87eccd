/*
 * message.h - an answer as the message objects that LINE accepts.
 *
 * LINE takes 1 to 5 messages of 1 to 5000 UTF-16 units each and refuses the
 * whole request when one of them is wrong, so limits are kept here.
 */
#ifndef LINE_MESSAGE_H
#define LINE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

enum { MESSAGE_UNITS_MAX = 5000, MESSAGES_MAX = 5 };

/*
 * Makes the JSON array of text messages for an answer; the first one quotes
 * the question when quote_token is neither NULL nor "".  What does not fit
 * ends with an ellipsis.  Text that is not UTF-8 is cleaned.  Returns a new
 * string, its length in *len unless that is NULL; NULL when the text is blank
 * or memory is short.
 */
char *message_texts(const char *text, const char *quote_token, size_t *len);

/*
 * The same messages, as message_texts() made them, and behind them a sound
 * that lasts duration_ms (1 at least) and stands at url (https, ASCII).  New,
 * its length in *len; NULL when there are MESSAGES_MAX already or memory is
 * short.
 */
char *message_with_audio(const char *messages, const char *url,
    uint32_t duration_ms, size_t *len);

#endif
