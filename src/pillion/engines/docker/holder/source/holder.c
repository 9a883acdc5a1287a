/* The holder: one small static program for the containers that pillion adds to a task by itself.
 *
 *   holder pause                  holds namespaces, as the pause container of ECS does
 *   holder stub [PORT[/udp]] ...  stands in for a container: answers on its ports
 *   holder health                 is a health check that passes
 *   holder relay FROM TO ...      forwards TCP: FROM is IP:PORT, TO is IP:PORT or unix:PATH
 *
 * It runs as PID 1 of a container: it reaps children and exits 0 on SIGTERM and SIGINT. There is no C
 * library, no heap and no thread. Exit codes: 1 what was asked for cannot be done, 2 wrong arguments.
 */
#include "holder.h"

void *memcpy(void *into, const void *from, unsigned long size) {
    char *target = into;
    const char *source = from;
    while (size--) *target++ = *source++;
    return into;
}

void *memset(void *into, int value, unsigned long size) {
    char *target = into;
    while (size--) *target++ = (char)value;
    return into;
}

static const char usage[] =
    "usage: holder pause | stub [PORT[/udp]]... | health | relay IP:PORT IP:PORT|unix:PATH ...";

_Noreturn void holder_main(long count, char **arguments) {
    if (count < 2) fail(2, usage, 0, 0);
    const char *what = arguments[1];
    if (text_equal(what, "health")) sys_exit(0);
    /* Before anything else: PID 1 loses a signal that comes while it is neither handled nor blocked. */
    int signals = watch_signals();
    int rest = (int)count - 2;
    if (text_equal(what, "pause") && !rest) run_stub(signals, 0, 0); /* a stub without ports only waits */
    if (text_equal(what, "stub")) run_stub(signals, rest, arguments + 2);
    if (text_equal(what, "relay") && rest && rest % 2 == 0) run_relay(signals, rest, arguments + 2);
    fail(2, usage, 0, 0);
}
