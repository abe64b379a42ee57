// What Swift cannot call of libcurl (its variadic functions, by type) and what its Glibc module lacks (epoll, eventfd).

#ifndef WAYSTATION_CCURL_H
#define WAYSTATION_CCURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

/// curl_global_init with everything.
CURLcode ccurl_global_init(void);

// curl_easy_setopt, by the type of its last argument.
CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value);
CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value);
CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value);
CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value);
CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value);
/// For CURLOPT_WRITEFUNCTION, CURLOPT_HEADERFUNCTION and CURLOPT_READFUNCTION.
CURLcode ccurl_set_transfer_callback(CURL *easy, CURLoption option, curl_write_callback value);
CURLcode ccurl_set_prereq_callback(CURL *easy, curl_prereq_callback value);
CURLcode ccurl_set_open_socket_callback(CURL *easy, curl_opensocket_callback value);
CURLcode ccurl_set_close_socket_callback(CURL *easy, curl_closesocket_callback value);

/// Writes the octets of an IP address to `octets`, which has room for 16; returns 4 or 16, or 0 if it is none.
int ccurl_address_octets(const struct curl_sockaddr *address, uint8_t *octets);
/// The same for an address in text.
int ccurl_text_octets(const char *address, uint8_t *octets);
/// Opens the socket that libcurl wants for `address`, closed on exec; CURL_SOCKET_BAD if there is none to be had.
// Octets that a TCP socket has received since it was connected, read or not, without its end; -1 if that is not known.
int64_t ccurl_received_octets(curl_socket_t socket);
curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address);

// curl_easy_getinfo, by the type of its last argument.
long ccurl_get_long(CURL *easy, CURLINFO info);
void *ccurl_get_private(CURL *easy);
/// The socket of the transfer's connection, or -1.
int ccurl_get_socket(CURL *easy);

/// The TLS session of the transfer's connection, to be compared only; NULL without TLS or outside a transfer.
const void *ccurl_get_tls_session(CURL *easy);
/// Told on the transfer's thread of each TLS session that begins (false) and whose peer said close_notify (true).
typedef void (*ccurl_session_callback)(const void *session, bool is_closed, void *context);
/// Sets the callback for all transfers that this thread performs.
void ccurl_watch_sessions(ccurl_session_callback callback, void *context);
/// Has the sessions of this handle's new connections told; false if libcurl's TLS is not OpenSSL, which is never told.
bool ccurl_set_session_watch(CURL *easy);

// curl_multi_setopt, by the type of its last argument.
CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value);
CURLMcode ccurl_multi_set_socket_callback(CURLM *multi, curl_socket_callback value, void *context);
CURLMcode ccurl_multi_set_timer_callback(CURLM *multi, curl_multi_timer_callback value, void *context);

/// Takes the next finished transfer out of the multi handle's messages; false if there is none.
bool ccurl_multi_next_done(CURLM *multi, CURL **easy, CURLcode *result);

/// One descriptor that epoll found ready.
struct ccurl_ready {
    int descriptor;
    bool readable;
    bool writable;
    /// Error or hang-up.
    bool failed;
};

/// A new epoll instance, closed on exec, or -1.
int ccurl_epoll_create(void);
/// Watches `descriptor` (added if it is not yet watched), or stops to if it is neither to be read nor written.
int ccurl_epoll_watch(int epoll, int descriptor, bool readable, bool writable);
/// Waits for at most `milliseconds` (-1: without bound); returns how many of `ready` are filled in, 0 if interrupted.
int ccurl_epoll_wait(int epoll, struct ccurl_ready *ready, int count, int milliseconds);
/// A new eventfd, nonblocking and closed on exec, or -1.
int ccurl_eventfd_create(void);
/// Makes the eventfd readable.
void ccurl_eventfd_signal(int descriptor);
/// Makes the eventfd unreadable until it is signalled again.
void ccurl_eventfd_drain(int descriptor);
/// Nanoseconds of CLOCK_MONOTONIC.
uint64_t ccurl_monotonic_nanoseconds(void);

#endif
