/*
 * clock.h - the two clocks: the wall's, which people set, and the boot's,
 * which only runs forward (suspend included) and means nothing after a boot.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_wall_ms(void); /* since 1970 */
int64_t clock_boot_ms(void); /* since boot */
int64_t clock_boot_us(void);

/*
 * Which boot this is, as the kernel names it; asked once, cheap afterwards.
 * 0, or -1 when the kernel does not tell.
 */
int clock_boot_id(uint8_t id[16]);

#endif
