/* Making sockets that wait for others, and the link-local address that a relay listens on. */
#include "holder.h"
#include <linux/rtnetlink.h>

enum { LOOPBACK_INDEX = 1 }; /* the loopback is the first interface of every network namespace */

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

/* One netlink request: the address as a /32 of the loopback interface, as `ip address add` would ask. */
struct new_address {
    struct nlmsghdr header;
    struct ifaddrmsg message;
    struct {
        struct rtattr header;
        unsigned int address;
    } local;
};

struct answer {
    struct nlmsghdr header;
    struct nlmsgerr error;
};

long add_to_loopback(const struct address *where) {
    struct new_address request = {
        .header = {.nlmsg_len = sizeof request,
                   .nlmsg_type = RTM_NEWADDR,
                   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL},
        .message = {.ifa_family = FAMILY_IPV4,
                    .ifa_prefixlen = 32,
                    .ifa_scope = RT_SCOPE_HOST,
                    .ifa_index = LOOPBACK_INDEX},
        .local = {.header = {.rta_len = sizeof request.local, .rta_type = IFA_LOCAL},
                  .address = where->ipv4.sin_addr.s_addr},
    };
    struct answer answer;
    int fd = (int)sys_socket(FAMILY_NETLINK, TYPE_RAW | O_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return fd;
    long result = sys_send(fd, &request, sizeof request);
    if (result > 0) result = sys_read(fd, &answer, sizeof answer);
    sys_close(fd);
    if (result < 0) return result;
    return answer.error.error == -EEXIST ? 0 : answer.error.error;
}
