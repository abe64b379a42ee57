/* A load generator for large bodies: GETs one URL over many connections and has the kernel drop what comes.
 *
 * wrk copies every octet into a buffer, so that with 1 MiB bodies the client is the limit. Here recv with MSG_TRUNC
 * drops the body without a copy (tcp(7)); only heads are read. One thread, epoll, HTTP/1.1 with keep-alive.
 *
 * usage: discard PORT PATH CONNECTIONS SECONDS [RANGE TOTAL]      prints: requests octets seconds
 *
 * A % in PATH is replaced by a number that no request has had before. With RANGE each request asks for so many octets
 * at a random place of TOTAL.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, EVENTS = 256, PIECE = 4 << 20 };

struct connection {
    int descriptor;
    int head_count;      /* octets of the head so far; -1 while a body is dropped */
    long long body_left; /* octets of the body to come */
    char head[HEAD_MAX + 1];
};

static const char *port, *path;
static long long range_count, total_count;
static long long asked, requests, octets;

static void fail(const char *what) {
    fprintf(stderr, "discard: %s: %s\n", what, errno ? strerror(errno) : "not as expected");
    exit(1);
}

static void ask(struct connection *connection) {
    static char request[4096];
    const char *mark = strchr(path, '%');
    char number[32] = "", range[96] = "";
    if (mark) snprintf(number, sizeof number, "%lld-%d", asked, (int)getpid());
    if (range_count) {
        long long first = (long long)(drand48() * (double)(total_count - range_count));
        snprintf(range, sizeof range, "Range: bytes=%lld-%lld\r\n", first, first + range_count - 1);
    }
    int until = mark ? (int)(mark - path) : (int)strlen(path);
    int request_count = snprintf(request, sizeof request, "GET %.*s%s%s HTTP/1.1\r\nHost: 127.0.0.1:%s\r\n%s\r\n", until,
                                 path, number, mark ? mark + 1 : "", port, range);
    if (request_count >= (int)sizeof request) fail("path");
    asked += 1;
    connection->head_count = 0;
    if (send(connection->descriptor, request, request_count, MSG_NOSIGNAL) != request_count) fail("send");
}

static void finish_response(struct connection *connection) {
    requests += 1;
    ask(connection);
}

/* Reads a piece of a head; what stands behind it is the first of the body. */
static int read_head(struct connection *connection) {
    int room = HEAD_MAX - connection->head_count;
    /* Little at a time, so that little of a body is copied. */
    ssize_t count = recv(connection->descriptor, connection->head + connection->head_count, room < 512 ? room : 512, 0);
    if (count < 0 && errno == EAGAIN) return 0;
    errno = 0;
    if (count <= 0) fail("a connection closed early");
    connection->head_count += (int)count;
    connection->head[connection->head_count] = 0;
    char *end = strstr(connection->head, "\r\n\r\n");
    if (!end) {
        if (connection->head_count == HEAD_MAX) fail("head");
        return 1;
    }
    if (strncmp(connection->head, range_count ? "HTTP/1.1 206" : "HTTP/1.1 200", 12) != 0) fail("status");
    char *length = strcasestr(connection->head, "\r\ncontent-length:");
    if (!length || length > end) fail("no Content-Length");
    long long body = atoll(length + 17);
    long long had = connection->head_count - (end + 4 - connection->head);
    octets += body;
    connection->body_left = body - had;
    connection->head_count = -1;
    if (connection->body_left == 0) finish_response(connection);
    return 1;
}

static int drop_body(struct connection *connection) {
    static char unused[1];
    size_t most = connection->body_left < PIECE ? (size_t)connection->body_left : PIECE;
    ssize_t count = recv(connection->descriptor, unused, most, MSG_TRUNC);
    if (count < 0 && errno == EAGAIN) return 0;
    errno = 0;
    if (count <= 0) fail("a body ended early");
    connection->body_left -= count;
    if (connection->body_left == 0) finish_response(connection);
    return 1;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

int main(int count, char **arguments) {
    if (count != 5 && count != 7) {
        fprintf(stderr, "usage: discard PORT PATH CONNECTIONS SECONDS [RANGE TOTAL]\n");
        return 64;
    }
    port = arguments[1];
    path = arguments[2];
    if (count == 7) {
        range_count = atoll(arguments[5]);
        total_count = atoll(arguments[6]);
    }
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(arguments[1]))};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int connections = atoi(arguments[3]), poll = epoll_create1(0);
    struct connection *all = calloc((size_t)connections, sizeof *all);
    if (poll < 0 || !all) fail("start");
    for (int index = 0; index < connections; index++) {
        struct connection *connection = &all[index];
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        connection->descriptor = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection->descriptor, (struct sockaddr *)&address, sizeof address) < 0) fail("connect");
        fcntl(connection->descriptor, F_SETFL, O_NONBLOCK);
        if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->descriptor, &event) < 0) fail("epoll_ctl");
        ask(connection);
    }
    double begun = now(), end = begun + atof(arguments[4]), time;
    while ((time = now()) < end) {
        struct epoll_event events[EVENTS];
        int ready = epoll_wait(poll, events, EVENTS, 100);
        for (int index = 0; index < ready; index++) {
            struct connection *connection = events[index].data.ptr;
            /* A few pieces each, so that all connections get their turn. */
            for (int turn = 0; turn < 4; turn++) {
                if (!(connection->head_count >= 0 ? read_head(connection) : drop_body(connection))) break;
            }
        }
    }
    printf("%lld %lld %.6f\n", requests, octets, time - begun);
    return 0;
}
