/* Listening where only this network namespace reaches, without taking a port from anyone in it.
 *
 *   this namespace (the task's)                 a namespace of our own
 *   ecs-eth0  169.254.172.2   <-- one wire -->  task  169.254.170.2
 *
 * An address on the loopback interface would take its port from an application that listens on 0.0.0.0.
 * So a namespace is made for the address alone, with an interface `ecs-eth0` towards it, as a task has one
 * on an ECS instance. Sockets belong to the namespace in which they are made: those that listen are made
 * over there, then the program comes back. The wire is gone when the program ends. This is what
 * namespace.py does from outside; it needs NET_ADMIN and SYS_ADMIN.
 */
#include "holder.h"
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <linux/veth.h>

enum {
    OUR_INDEX = 2,   /* after the loopback, in a namespace where nobody else adds anything */
    THEIR_INDEX = 51678, /* any that is free: asking for one saves asking which one it was */
    INTERFACE_UP = 1
};

static const char their_name[] = "ecs-eth0", our_name[] = "task", kind_of_wire[] = "veth";
static const unsigned char task_address[] = {169, 254, 172, 2};

/* One netlink request, written from front to back. */
static struct {
    struct nlmsghdr header;
    char body[256];
} request;

static int task_namespace;

static void put(const void *content, unsigned size) {
    memcpy((char *)&request + request.header.nlmsg_len, content, size);
    request.header.nlmsg_len += NLMSG_ALIGN(size);
}

static void begin(int type, int flags) {
    memset(&request, 0, sizeof request);
    request.header = (struct nlmsghdr){.nlmsg_len = sizeof request.header,
                                       .nlmsg_type = (unsigned short)type,
                                       .nlmsg_flags = (unsigned short)(NLM_F_REQUEST | NLM_F_ACK | flags)};
}

static struct rtattr *attribute(int type, const void *content, unsigned size) {
    struct rtattr *start = (struct rtattr *)((char *)&request + request.header.nlmsg_len);
    struct rtattr header = {.rta_len = (unsigned short)(sizeof header + size),
                            .rta_type = (unsigned short)type};
    put(&header, sizeof header);
    put(content, size);
    return start;
}

/* What was put after `start` becomes part of it. */
static void enclose(struct rtattr *start) {
    start->rta_len = (unsigned short)((char *)&request + request.header.nlmsg_len - (char *)start);
}

static void put_link(int index, const char *name, unsigned name_size) {
    struct ifinfomsg link = {.ifi_index = index, .ifi_flags = INTERFACE_UP, .ifi_change = INTERFACE_UP};
    if (name) link.ifi_flags = link.ifi_change = 0;
    put(&link, sizeof link);
    if (name) attribute(IFLA_IFNAME, name, name_size);
}

/* Sends the request in the namespace that the program is in. */
static long ask(void) {
    struct {
        struct nlmsghdr header;
        struct nlmsgerr error;
    } answer;
    int fd = (int)sys_socket(FAMILY_NETLINK, TYPE_RAW | O_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return fd;
    long result = sys_send(fd, &request, request.header.nlmsg_len);
    if (result > 0) result = sys_read(fd, &answer, sizeof answer);
    sys_close(fd);
    return result < 0 ? result : answer.error.error;
}

static long add_pair(void) {
    begin(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
    put_link(OUR_INDEX, our_name, sizeof our_name);
    struct rtattr *information = attribute(IFLA_LINKINFO, 0, 0);
    attribute(IFLA_INFO_KIND, kind_of_wire, sizeof kind_of_wire);
    struct rtattr *details = attribute(IFLA_INFO_DATA, 0, 0);
    struct rtattr *peer = attribute(VETH_INFO_PEER, 0, 0);
    put_link(THEIR_INDEX, their_name, sizeof their_name);
    attribute(IFLA_NET_NS_FD, &task_namespace, sizeof task_namespace);
    enclose(peer);
    enclose(details);
    enclose(information);
    return ask();
}

static long set_up(int index) {
    begin(RTM_NEWLINK, 0);
    put_link(index, 0, 0);
    return ask();
}

/* Gives an interface an address, and the other end's as the only one reached through it. */
static long add_address(int index, const void *local, const void *other) {
    struct ifaddrmsg message = {.ifa_family = FAMILY_IPV4,
                                .ifa_prefixlen = 32,
                                .ifa_scope = RT_SCOPE_LINK,
                                .ifa_index = (unsigned)index};
    begin(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
    put(&message, sizeof message);
    attribute(IFA_LOCAL, local, 4);
    attribute(IFA_ADDRESS, other, 4);
    long result = ask();
    return result == -EEXIST ? 0 : result; /* two ports of one address */
}

int is_link_local(const struct address *where) {
    const unsigned char *octets = (const unsigned char *)&where->ipv4.sin_addr;
    return octets[0] == 169 && octets[1] == 254;
}

long lay_wire(void) {
    task_namespace = (int)sys_open("/proc/self/ns/net");
    if (task_namespace < 0) return task_namespace;
    begin(RTM_DELLINK, 0); /* left by a relay before us, if it has just ended */
    put_link(0, their_name, sizeof their_name);
    ask();
    long result = sys_unshare(CLONE_NEWNET);
    if (result == 0) result = add_pair();
    return result ? result : set_up(OUR_INDEX);
}

long listen_beyond(const struct address *where) {
    long result = add_address(OUR_INDEX, &where->ipv4.sin_addr, task_address);
    return result ? result : listen_on(where);
}

long come_back(void) {
    long result = sys_enter_namespace(task_namespace, CLONE_NEWNET);
    return result ? result : set_up(THEIR_INDEX);
}

long reach_beyond(const struct address *where) {
    return add_address(THEIR_INDEX, task_address, &where->ipv4.sin_addr);
}
