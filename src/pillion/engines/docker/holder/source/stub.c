/* `holder stub`: something that answers where a container of the task would have answered.
 *
 * Each TCP connection is kept until the peer closes it, and all that it sends is thrown away, so that a
 * client which only connects and writes (a log sender, a health probe of a load balancer) is content.
 * A request of HTTP/1 is answered with 200 and then closed from our side. Datagrams are thrown away.
 */
#include "holder.h"

enum {
    PORTS_MAX = 128,      /* ECS allows 100 port mappings a container */
    CONNECTIONS_MAX = 896 /* with the ports within the 1024 descriptors that a process usually may have */
};

enum phase { FIRST_LINE, HEADERS, DISCARD };

/* What is known of one connection. `tail` holds the last eight characters of the current line. */
struct connection {
    unsigned long long tail;
    unsigned int method; /* the first four characters of the first line */
    int line_length;
    enum phase phase;
};

static struct pollfd polled[1 + PORTS_MAX + CONNECTIONS_MAX]; /* signals, then ports, then connections */
static struct connection connections[CONNECTIONS_MAX];
static char is_datagram[PORTS_MAX];
static char scratch[16384];
static int port_count, connection_count;

static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\nConnection: close\r\n\r\npillion stub\n";
enum { BODY_LENGTH = 13 };

#define FOUR(a, b, c, d) ((unsigned)(a) << 24 | (unsigned)(b) << 16 | (unsigned)(c) << 8 | (unsigned)(d))

static int is_http1(unsigned long long tail) {
    return tail >> 8 == ((unsigned long long)FOUR('H', 'T', 'T', 'P') << 24 | FOUR(0, '/', '1', '.'));
}

/* Takes one character; says whether a request's header has just ended. */
static int request_ends(struct connection *it, char character) {
    if (character == '\r') return 0;
    if (character != '\n') {
        if (it->phase == FIRST_LINE && it->line_length < 4)
            it->method = it->method << 8 | (unsigned char)character;
        it->tail = it->tail << 8 | (unsigned char)character;
        if (it->line_length < 8) it->line_length++; /* only told apart from an empty line */
        return 0;
    }
    int empty = it->line_length == 0;
    it->line_length = 0;
    if (it->phase == HEADERS) return empty;
    it->phase = is_http1(it->tail) ? HEADERS : DISCARD;
    return 0;
}

static void answer_request(int fd, struct connection *it) {
    unsigned long size = sizeof answer - 1;
    if (it->method == FOUR('H', 'E', 'A', 'D')) size -= BODY_LENGTH;
    it->phase = DISCARD;
    sys_send(fd, answer, size);
    sys_shutdown(fd, SHUT_WRITE); /* closing at once would reset a peer that is still sending its body */
}

/* Says whether the connection goes on. */
static int serve(int fd, struct connection *it) {
    long size = sys_read(fd, scratch, sizeof scratch);
    if (size == -EAGAIN || size == -EINTR) return 1;
    if (size <= 0) return 0;
    for (long index = 0; index < size && it->phase != DISCARD; index++) {
        if (request_ends(it, scratch[index])) answer_request(fd, it);
    }
    return 1;
}

static void set_accepting(int accepting) {
    for (int index = 0; index < port_count; index++) {
        if (!is_datagram[index]) polled[1 + index].events = accepting ? POLLIN : 0;
    }
}

/* Says whether there may be another one waiting. */
static int accept_one(int listener) {
    int fd = connection_count < CONNECTIONS_MAX ? (int)sys_accept(listener) : -EMFILE;
    if (fd == -EMFILE || fd == -ENFILE) set_accepting(0); /* until a connection ends */
    if (fd < 0) return 0;
    connections[connection_count] = (struct connection){0};
    polled[1 + port_count + connection_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    return 1;
}

static void end_connection(int index) {
    struct pollfd *first = polled + 1 + port_count;
    sys_close(first[index].fd);
    first[index] = first[--connection_count];
    connections[index] = connections[connection_count];
    set_accepting(1);
}

static void open_port(const char *text) {
    const char *end = text;
    while (*end && *end != '/') end++;
    int port = parse_port(text, end);
    int datagram = text_equal(end, "/udp");
    if (!port || !(datagram || *end == 0 || text_equal(end, "/tcp")))
        fail(2, "not a port (1 to 65535, then /tcp or /udp or nothing):", text, 0);
    int fd = listen_on_any(port, datagram ? TYPE_DATAGRAM : TYPE_STREAM);
    if (fd < 0) fail(1, "cannot listen on port", text, fd);
    is_datagram[port_count] = (char)datagram;
    polled[1 + port_count++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void look_at_port(int index) {
    struct pollfd *entry = polled + 1 + index;
    if (!(entry->revents & entry->events)) return;
    if (is_datagram[index]) sys_read(entry->fd, scratch, sizeof scratch);
    else while (accept_one(entry->fd)) continue;
}

_Noreturn void run_stub(int signals, int count, char **ports) {
    if (count > PORTS_MAX) fail(2, "more ports than a container can have", 0, 0);
    polled[0] = (struct pollfd){.fd = signals, .events = POLLIN};
    for (int index = 0; index < count; index++) open_port(ports[index]);
    for (;;) {
        if (sys_poll(polled, (unsigned long)(1 + port_count + connection_count)) < 0) continue;
        if (polled[0].revents) take_signals(signals);
        /* Backwards, since the last connection takes the place of one that ends; new ones come after. */
        for (int index = connection_count - 1; index >= 0; index--) {
            struct pollfd *entry = polled + 1 + port_count + index;
            if (entry->revents && !serve(entry->fd, connections + index)) end_connection(index);
        }
        for (int index = 0; index < port_count; index++) look_at_port(index);
    }
}
