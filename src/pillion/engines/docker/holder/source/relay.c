/* `holder relay`: TCP connections to one address are carried to another, or to a unix socket.
 *
 * Used where pillion cannot enter the task's network namespace and serve there itself. A link-local
 * address to listen at (169.254.170.2) is made, see wire.c; any other has to be there.
 * Each direction has one buffer: it is filled when empty and emptied before it is filled again, so that a
 * slow reader slows its writer down. The end of one direction is passed on and the other goes on.
 */
#include "holder.h"

enum { ROUTES_MAX = 8, LINKS_MAX = 256, BUFFER_SIZE = 16384 };

/* What was read from one side and is not yet written to the other. */
struct direction {
    int from, to;
    int start, end;
    int is_done;
    char buffer[BUFFER_SIZE];
};

struct link {
    int is_connecting;
    struct direction there, back;
};

static struct address targets[ROUTES_MAX];
static struct link links[LINKS_MAX];
static struct pollfd polled[1 + ROUTES_MAX + 2 * LINKS_MAX]; /* signals, then routes, then pairs of sides */
static int route_count, link_count;

static struct pollfd *sides_of(int index) { return polled + 1 + route_count + 2 * index; }

static void open_direction(struct direction *it, int from, int to) {
    it->from = from;
    it->to = to;
    it->start = it->end = it->is_done = 0;
}

static int has_output(const struct direction *it) { return it->start != it->end; }
static int wants_input(const struct direction *it) { return !it->is_done && !has_output(it); }

/* Moves what can be moved now. Says whether the direction is whole (0: an error, the link ends). */
static int carry(struct direction *it) {
    if (it->is_done) return 1;
    if (!has_output(it)) {
        long size = sys_read(it->from, it->buffer, BUFFER_SIZE);
        if (size == -EAGAIN || size == -EINTR) return 1;
        if (size < 0) return 0;
        if (size == 0) {
            it->is_done = 1;
            sys_shutdown(it->to, SHUT_WRITE);
            return 1;
        }
        it->start = 0;
        it->end = (int)size;
    }
    long size = sys_send(it->to, it->buffer + it->start, (unsigned long)(it->end - it->start));
    if (size == -EAGAIN || size == -EINTR) return 1;
    if (size < 0) return 0;
    it->start += (int)size;
    return 1;
}

/* A side of which nothing is wanted is left out: its hang-up would be reported again and again. */
static struct pollfd side(int fd, int events) {
    return (struct pollfd){.fd = events ? fd : -1, .events = (short)events};
}

/* A side is waited for where it is to be read from, or written to, and nowhere else. */
static void set_interest(int index) {
    const struct direction *there = &links[index].there, *back = &links[index].back;
    int client = 0, server = 0;
    if (links[index].is_connecting) {
        server = POLLOUT;
    } else {
        if (wants_input(there)) client |= POLLIN;
        if (wants_input(back)) server |= POLLIN;
        if (has_output(there)) server |= POLLOUT;
        if (has_output(back)) client |= POLLOUT;
    }
    sides_of(index)[0] = side(there->from, client);
    sides_of(index)[1] = side(there->to, server);
}

static void set_accepting(int accepting) {
    for (int index = 0; index < route_count; index++) polled[1 + index].events = accepting ? POLLIN : 0;
}

static void end_link(int index) {
    struct link *last = links + --link_count;
    sys_close(links[index].there.from);
    sys_close(links[index].there.to);
    links[index] = *last;
    sides_of(index)[0] = sides_of(link_count)[0];
    sides_of(index)[1] = sides_of(link_count)[1];
    set_accepting(1);
}

/* Says whether the link goes on. A failed connection shows as an error of the first write or read. */
static int serve(int index) {
    struct link *it = links + index;
    struct pollfd *sides = sides_of(index);
    if (it->is_connecting) {
        if (sides[1].revents & (POLLERR | POLLHUP)) return 0;
        it->is_connecting = 0;
    }
    if ((sides[0].revents | sides[1].revents) & POLLERR) return 0;
    return carry(&it->there) && carry(&it->back) && !(it->there.is_done && it->back.is_done);
}

static void open_link(int route) {
    int client = link_count < LINKS_MAX ? (int)sys_accept(polled[1 + route].fd) : -EMFILE;
    if (client == -EMFILE || client == -ENFILE) set_accepting(0); /* until a link ends */
    if (client < 0) return;
    struct address *target = targets + route;
    int server = (int)sys_socket(target->family, TYPE_STREAM | NONBLOCK_CLOEXEC, 0);
    long result = server < 0 ? server : sys_connect(server, &target->ipv4, target->size);
    if (result < 0 && result != -EINPROGRESS) {
        sys_close(client);
        if (server >= 0) sys_close(server);
        return;
    }
    struct link *it = links + link_count;
    it->is_connecting = result == -EINPROGRESS;
    open_direction(&it->there, client, server);
    open_direction(&it->back, server, client);
    set_interest(link_count++);
}

static void check(long result, const char *what, const char *argument) {
    if (result < 0) fail(1, what, argument, result);
}

static void add_listener(int route, long fd, const char *argument) {
    check(fd, "cannot listen on", argument);
    polled[1 + route] = (struct pollfd){.fd = (int)fd, .events = POLLIN};
}

/* Listens at link-local addresses, which are beyond a wire, and comes back. */
static void listen_at_link_local(const struct address *sources, char **pairs) {
    static const char no_network[] = "cannot make the network of";
    check(lay_wire(), no_network, pairs[0]);
    for (int route = 0; route < route_count; route++) {
        if (is_link_local(sources + route)) add_listener(route, listen_beyond(sources + route), pairs[2 * route]);
    }
    check(come_back(), no_network, pairs[0]);
    for (int route = 0; route < route_count; route++) {
        if (is_link_local(sources + route)) check(reach_beyond(sources + route), no_network, pairs[2 * route]);
    }
}

static void open_routes(char **pairs) {
    static struct address sources[ROUTES_MAX];
    int link_local = 0;
    for (int route = 0; route < route_count; route++) {
        const char *from = pairs[2 * route], *to = pairs[2 * route + 1];
        if (!parse_ipv4_and_port(from, sources + route))
            fail(2, "not an IPv4 address and port to listen on:", from, 0);
        if (!parse_target(to, targets + route)) fail(2, "not IPV4:PORT or unix:PATH to forward to:", to, 0);
        link_local |= is_link_local(sources + route);
    }
    if (link_local) listen_at_link_local(sources, pairs);
    for (int route = 0; route < route_count; route++) {
        if (!is_link_local(sources + route)) add_listener(route, listen_on(sources + route), pairs[2 * route]);
    }
}

static const char ready[] = "holder: ready\n";

_Noreturn void run_relay(int signals, int count, char **pairs) {
    if (count > 2 * ROUTES_MAX) fail(2, "more than eight addresses to forward", 0, 0);
    polled[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    route_count = count / 2;
    open_routes(pairs);
    sys_write(1, ready, sizeof ready - 1); /* whoever started the container waits for this */
    for (;;) {
        if (sys_poll(polled, (unsigned long)(1 + route_count + 2 * link_count)) < 0) continue;
        if (polled[0].revents) take_signals(signals);
        for (int index = link_count - 1; index >= 0; index--) {
            struct pollfd *sides = sides_of(index);
            if (!(sides[0].revents || sides[1].revents)) continue;
            if (serve(index)) set_interest(index);
            else end_link(index);
        }
        for (int index = 0; index < route_count; index++) {
            if (polled[1 + index].revents & polled[1 + index].events) open_link(index);
        }
    }
}
