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
 * What follows takes messages as message_texts() or a function below made
 * them, and returns new ones, their length in *len unless that is NULL; NULL
 * when memory is short or they are not ours.  Quick replies stay on the last
 * message, the only one whose buttons LINE shows.
 */

/* How many more messages LINE would take: 0 to MESSAGES_MAX. */
size_t message_room(const char *messages);

enum { MESSAGE_BUTTONS_MAX = 13, MESSAGE_LABEL_MAX = 20 };

/*
 * The messages with one button for each of n labels, which sends what it says;
 * buttons that were there before are gone.  A label that LINE would refuse,
 * because it is blank or has more than MESSAGE_LABEL_MAX characters as people
 * see them, is left out, and so is what comes after MESSAGE_BUTTONS_MAX.
 */
char *message_with_quick_replies(const char *messages,
    const char *const *labels, size_t n, size_t *len);

/*
 * The messages with a short text (200 UTF-16 units at most, not blank) of its
 * own behind them.  Without room for it they stay as they are.
 */
char *message_with_note(const char *messages, const char *note, size_t *len);

/*
 * The messages, the note (NULL: none) and a sound that lasts duration_ms (1 at
 * least) and stands at url (https, ASCII).  With room for one the note is left
 * out; without room the result is NULL: send the messages alone.
 */
char *message_with_audio(const char *messages, const char *note,
    const char *url, uint32_t duration_ms, size_t *len);

/* The same sound as the only message. */
char *message_audio(const char *url, uint32_t duration_ms, size_t *len);

/*
 * What the user reads: the texts of all messages, with a blank line between.
 * New; "" when there is none.
 */
char *message_plain(const char *messages);

#endif
