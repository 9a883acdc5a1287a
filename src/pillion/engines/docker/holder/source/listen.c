/* Making sockets that wait for others. */
#include "holder.h"

static int bind_and_listen(int fd, const void *where, int size, int type) {
    if (type == TYPE_STREAM) sys_set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    long result = sys_bind(fd, where, size);
    if (result == 0 && type == TYPE_STREAM) result = sys_listen(fd);
    if (result == 0) return fd;
    sys_close(fd);
    return (int)result;
}

int listen_on_any(int port, int type) {
    unsigned short network_port = __builtin_bswap16((unsigned short)port);
    int fd = (int)sys_socket(FAMILY_IPV6, type | NONBLOCK_CLOEXEC, 0);
    if (fd >= 0) {
        struct sockaddr_in6 any = {.sin6_family = FAMILY_IPV6, .sin6_port = network_port};
        sys_set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
        fd = bind_and_listen(fd, &any, sizeof any, type);
        if (fd >= 0 || fd == -EADDRINUSE || fd == -EACCES) return fd;
    }
    struct sockaddr_in any = {.sin_family = FAMILY_IPV4, .sin_port = network_port};
    fd = (int)sys_socket(FAMILY_IPV4, type | NONBLOCK_CLOEXEC, 0);
    return fd < 0 ? fd : bind_and_listen(fd, &any, sizeof any, type);
}

int listen_on(const struct address *where) {
    int fd = (int)sys_socket(where->family, TYPE_STREAM | NONBLOCK_CLOEXEC, 0);
    return fd < 0 ? fd : bind_and_listen(fd, &where->ipv4, where->size, TYPE_STREAM);
}
