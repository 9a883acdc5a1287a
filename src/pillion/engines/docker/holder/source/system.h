/* The system calls that the holder makes, without a C library.
 *
 * Every wrapper returns what the kernel returned: a value, or minus the error number. x86_64 and aarch64
 * are told apart here and in start.S only.
 */
#ifndef HOLDER_SYSTEM_H
#define HOLDER_SYSTEM_H

#include <asm/errno.h>
#include <asm/poll.h>
#include <asm/signal.h>
#include <asm/socket.h>
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/un.h>
#include <linux/wait.h>

/* What the kernel's own headers leave to the C library. */
enum {
    FAMILY_UNIX = 1,
    FAMILY_IPV4 = 2,
    FAMILY_IPV6 = 10,
    FAMILY_NETLINK = 16,
    TYPE_STREAM = 1,
    TYPE_DATAGRAM = 2,
    TYPE_RAW = 3,
    NONBLOCK_CLOEXEC = O_NONBLOCK | O_CLOEXEC,
    SHUT_WRITE = 1,
    SEND_NO_SIGNAL = 0x4000,
    LISTEN_BACKLOG = 1024,
};

/* The kernel's signal set: one bit a signal, the first signal in the lowest bit. */
typedef unsigned long signal_set;
#define SIGNAL_BIT(number) (1UL << ((number) - 1))

static inline long system_call(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                     : "rcx", "r11", "memory");
    return result;
#elif defined(__aarch64__)
    register long x8 __asm__("x8") = number;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;
    register long x3 __asm__("x3") = d;
    register long x4 __asm__("x4") = e;
    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
    return x0;
#else
#error "the holder is written for x86_64 and aarch64"
#endif
}

#define CALL1(n, a) system_call(n, (long)(a), 0, 0, 0, 0)
#define CALL2(n, a, b) system_call(n, (long)(a), (long)(b), 0, 0, 0)
#define CALL3(n, a, b, c) system_call(n, (long)(a), (long)(b), (long)(c), 0, 0)
#define CALL4(n, a, b, c, d) system_call(n, (long)(a), (long)(b), (long)(c), (long)(d), 0)
#define CALL5(n, a, b, c, d, e) system_call(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e))

static inline long sys_read(int fd, void *into, unsigned long size) { return CALL3(__NR_read, fd, into, size); }
static inline long sys_write(int fd, const void *from, unsigned long size) {
    return CALL3(__NR_write, fd, from, size);
}
static inline long sys_open(const char *path) {
    return CALL3(__NR_openat, -1, path, O_RDONLY | O_CLOEXEC); /* the path is absolute */
}
static inline long sys_unshare(int kind) { return CALL1(__NR_unshare, kind); }
static inline long sys_enter_namespace(int fd, int kind) { return CALL2(__NR_setns, fd, kind); }
static inline long sys_close(int fd) { return CALL1(__NR_close, fd); }
static inline long sys_socket(int family, int type, int protocol) {
    return CALL3(__NR_socket, family, type, protocol);
}
static inline long sys_bind(int fd, const void *address, int size) { return CALL3(__NR_bind, fd, address, size); }
static inline long sys_listen(int fd) { return CALL2(__NR_listen, fd, LISTEN_BACKLOG); }
static inline long sys_accept(int fd) { return CALL4(__NR_accept4, fd, 0, 0, NONBLOCK_CLOEXEC); }
static inline long sys_connect(int fd, const void *address, int size) {
    return CALL3(__NR_connect, fd, address, size);
}
static inline long sys_shutdown(int fd, int how) { return CALL2(__NR_shutdown, fd, how); }
static inline long sys_set_option(int fd, int level, int option, int value) {
    return CALL5(__NR_setsockopt, fd, level, option, &value, sizeof value);
}
/* Unlike write, sending to a peer that is gone is an error and no SIGPIPE. */
static inline long sys_send(int fd, const void *from, unsigned long size) {
    return system_call(__NR_sendto, fd, (long)from, (long)size, SEND_NO_SIGNAL, 0);
}
static inline long sys_poll(struct pollfd *entries, unsigned long count) {
    return CALL5(__NR_ppoll, entries, count, 0, 0, sizeof(signal_set));
}
static inline long sys_block_signals(signal_set set) {
    return CALL4(__NR_rt_sigprocmask, SIG_BLOCK, &set, 0, sizeof set);
}
static inline long sys_signal_descriptor(signal_set set) {
    return CALL4(__NR_signalfd4, -1, &set, sizeof set, NONBLOCK_CLOEXEC);
}
static inline long sys_reap(void) { return CALL4(__NR_wait4, -1, 0, WNOHANG, 0); }
_Noreturn static inline void sys_exit(int code) {
    for (;;) CALL1(__NR_exit_group, code);
}

#endif
