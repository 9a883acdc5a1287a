/* Reading arguments, and saying what is wrong. */
#include "holder.h"

int text_equal(const char *left, const char *right) {
    while (*left && *left == *right) left++, right++;
    return *left == *right;
}

unsigned long text_length(const char *text) {
    unsigned long length = 0;
    while (text[length]) length++;
    return length;
}

const char *text_after(const char *text, const char *prefix) {
    while (*prefix) {
        if (*text++ != *prefix++) return 0;
    }
    return text;
}

/* A number from `text` up to `end`; -1 where there is anything but digits, or more than `limit`. */
static int parse_number(const char *text, const char *end, int limit) {
    int value = 0;
    if (text == end) return -1;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9') return -1;
        value = value * 10 + (*text - '0');
        if (value > limit) return -1;
    }
    return value;
}

int parse_port(const char *text, const char *end) {
    int port = parse_number(text, end, 65535);
    return port > 0 ? port : 0;
}

int parse_ipv4_and_port(const char *text, struct address *into) {
    unsigned char *octets = (unsigned char *)&into->ipv4.sin_addr;
    const char *from = text;
    for (int index = 0; index < 4; index++) {
        const char *end = from;
        while (*end && *end != '.' && *end != ':') end++;
        int octet = parse_number(from, end, 255);
        if (octet < 0 || *end != (index < 3 ? '.' : ':')) return 0;
        octets[index] = (unsigned char)octet;
        from = end + 1;
    }
    int port = parse_port(from, from + text_length(from));
    if (!port) return 0;
    into->size = sizeof into->ipv4;
    into->ipv4.sin_family = FAMILY_IPV4;
    into->ipv4.sin_port = __builtin_bswap16((unsigned short)port);
    return 1;
}

int parse_target(const char *text, struct address *into) {
    const char *path = text_after(text, "unix:");
    if (!path) return parse_ipv4_and_port(text, into);
    unsigned long length = text_length(path);
    if (!length || length >= sizeof into->local.sun_path) return 0;
    into->size = sizeof into->local;
    into->local.sun_family = FAMILY_UNIX;
    for (unsigned long index = 0; index <= length; index++) into->local.sun_path[index] = path[index];
    return 1;
}

static const char *error_text(long error) {
    switch (-error) {
    case EADDRINUSE: return "the port is already in use in this network namespace";
    case EADDRNOTAVAIL: return "the address is not one of this network namespace";
    case EACCES: return "not permitted; ports below 1024 need NET_BIND_SERVICE";
    case EPERM: return "not permitted; a link-local address needs NET_ADMIN and SYS_ADMIN";
    default: return "the kernel refused";
    }
}

static void say(const char *text) { sys_write(2, text, text_length(text)); }

_Noreturn void fail(int code, const char *what, const char *argument, long error) {
    say("holder: ");
    say(what);
    if (argument) say(" "), say(argument);
    if (error) say(": "), say(error_text(error));
    say("\n");
    sys_exit(code);
}
