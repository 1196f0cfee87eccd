/*
 * prompt.h - what the model is told about its job.
 */
#ifndef MODEL_PROMPT_H
#define MODEL_PROMPT_H

/* Rises with every change of the text, so that a log tells which it was. */
enum { PROMPT_VERSION = 1 };

/* The system instruction; static. */
const char *prompt_system(void);

#endif
