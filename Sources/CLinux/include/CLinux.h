// System calls that Glibc's Swift module does not export.

#ifndef CLINUX_H
#define CLINUX_H

#include <stdint.h>
#include <sys/epoll.h>

/// An open file that lives in memory only, closed on exec; -1 and errno on failure.
int clinux_memory_file(const char *name);

/// Gives back the room of some octets, which are zero from now on; -1 and errno on failure.
int clinux_discard_range(int descriptor, int64_t offset, int64_t count);

/// Writes all that is cached of the file system of `descriptor` to its medium and waits; -1 and errno on failure.
int clinux_sync_file_system(int descriptor);

/// Has the disk take `count` octets from `offset` soon; may block until it takes more (sync_file_range(2)).
int clinux_begin_writeback(int descriptor, int64_t offset, int64_t count);

/// Lets `count` octets from `offset` leave the page cache, as far as the disk has them and nobody else uses them.
int clinux_drop_cached(int descriptor, int64_t offset, int64_t count);

// Events of epoll under names that do not depend on the C library.

static const uint32_t clinux_epoll_in = (uint32_t)EPOLLIN;
static const uint32_t clinux_epoll_out = (uint32_t)EPOLLOUT;
static const uint32_t clinux_epoll_error = (uint32_t)EPOLLERR;
static const uint32_t clinux_epoll_hangup = (uint32_t)EPOLLHUP;
static const uint32_t clinux_epoll_peer_end = (uint32_t)EPOLLRDHUP;
static const uint32_t clinux_epoll_edge = (uint32_t)EPOLLET;
static const uint32_t clinux_epoll_exclusive = (uint32_t)EPOLLEXCLUSIVE;

/// A new epoll instance, closed on exec; -1 and errno on failure.
int clinux_epoll_create(void);

/// Watches `descriptor` for `events`, which are reported with `token`; -1 and errno on failure.
int clinux_epoll_add(int epoll, int descriptor, uint32_t events, uint64_t token);

/// Watches `descriptor` no more; -1 and errno on failure.
int clinux_epoll_remove(int epoll, int descriptor);

/// Waits for at most `milliseconds` (-1: for ever) and fills `events`; how many, or -1 and errno on failure.
int clinux_epoll_wait(int epoll, struct epoll_event *events, int events_max, int milliseconds);

/// The token of an event.
static inline uint64_t clinux_event_token(const struct epoll_event *event) { return event->data.u64; }

/// A new eventfd that does not block, closed on exec; -1 and errno on failure.
int clinux_eventfd_create(void);

/// Makes an eventfd readable.
void clinux_eventfd_signal(int descriptor);

/// Makes an eventfd unreadable until the next signal.
void clinux_eventfd_drain(int descriptor);

/// The next connection of a listening socket, not blocking and closed on exec; -1 and errno on failure.
int clinux_accept(int listener);

/// A new TCP socket of an address family, not blocking and closed on exec; -1 and errno on failure.
int clinux_tcp_socket(int family);

/// Octets in a socket's send buffer that the peer has not acknowledged; -1 and errno on failure.
int clinux_unsent_bytes(int descriptor);

#endif
