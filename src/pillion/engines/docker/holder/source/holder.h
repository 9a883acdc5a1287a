/* What the parts of the holder share: text, messages, addresses, listening, signals. */
#ifndef HOLDER_H
#define HOLDER_H

#include "system.h"

/* One of IPv4, IPv6 and unix, with the size that the kernel is told. */
struct address {
    int size;
    union {
        unsigned short family;
        struct sockaddr_in ipv4;
        struct sockaddr_in6 ipv6;
        struct sockaddr_un local;
    };
};

/* holder.c; the compiler may write calls of these, too */
void *memcpy(void *into, const void *from, unsigned long size);
void *memset(void *into, int value, unsigned long size);

/* text.c */
int text_equal(const char *left, const char *right);
unsigned long text_length(const char *text);
const char *text_after(const char *text, const char *prefix); /* 0 where it does not begin so */
int parse_port(const char *text, const char *end);            /* 0 where it is not 1 to 65535 */
int parse_ipv4_and_port(const char *text, struct address *into);
int parse_target(const char *text, struct address *into);
_Noreturn void fail(int code, const char *what, const char *argument, long error);

/* signals.c */
int watch_signals(void);                /* a descriptor to be polled */
void take_signals(int descriptor);      /* reaps, or ends the program with 0 */

/* listen.c */
int listen_on_any(int port, int type);  /* IPv6 and IPv4 where there is IPv6, else IPv4; or minus the error */
int listen_on(const struct address *where);

/* wire.c; each gives 0 (listen_beyond: a descriptor) or minus the error, and they are called in this order */
int is_link_local(const struct address *where);
long lay_wire(void);                                  /* goes to a namespace of our own */
long listen_beyond(const struct address *where);
long come_back(void);
long reach_beyond(const struct address *where);

/* stub.c, relay.c */
_Noreturn void run_stub(int signals, int count, char **ports);
_Noreturn void run_relay(int signals, int count, char **pairs);

#endif
