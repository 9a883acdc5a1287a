/* Life as PID 1: children are reaped, SIGTERM and SIGINT end the program with exit code 0.
 *
 * Signals stay blocked and are read from a descriptor. The kernel drops a signal for PID 1 that has no
 * handler, but keeps one that is blocked; so nothing is lost between two looks, and no handler interrupts
 * anything.
 */
#include "holder.h"
#include <linux/signalfd.h>

#define SIGNALS_OF_INTEREST (SIGNAL_BIT(SIGTERM) | SIGNAL_BIT(SIGINT) | SIGNAL_BIT(SIGCHLD))

static void reap(void) {
    while (sys_reap() > 0) continue;
}

int watch_signals(void) {
    sys_block_signals(SIGNALS_OF_INTEREST);
    reap(); /* a child that ended before this sends no signal any more */
    return (int)sys_signal_descriptor(SIGNALS_OF_INTEREST);
}

void take_signals(int descriptor) {
    struct signalfd_siginfo info;
    while (sys_read(descriptor, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo != SIGCHLD) sys_exit(0);
        reap();
    }
}
