// The bodies of CCurl.h: one call each.

#define _GNU_SOURCE
#include "CCurl.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#ifdef __linux__
#include <linux/tcp.h>
#endif
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

CURLcode ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_ALL); }

CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) { return curl_easy_setopt(easy, option, value); }

CURLcode ccurl_set_offset(CURL *easy, CURLoption option, curl_off_t value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, void *value) { return curl_easy_setopt(easy, option, value); }

CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode ccurl_set_transfer_callback(CURL *easy, CURLoption option, curl_write_callback value) {
    return curl_easy_setopt(easy, option, value);
}

CURLcode ccurl_set_prereq_callback(CURL *easy, curl_prereq_callback value) {
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, value);
}

CURLcode ccurl_set_open_socket_callback(CURL *easy, curl_opensocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, value);
}

CURLcode ccurl_set_close_socket_callback(CURL *easy, curl_closesocket_callback value) {
    return curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, value);
}

int64_t ccurl_received_octets(curl_socket_t socket) {
#ifdef __linux__
    struct tcp_info info;
    socklen_t size = sizeof info;
    memset(&info, 0, sizeof info);
    if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
        size < offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received) {
        return -1;
    }
    // Linux counts the peer's FIN as one more.
    enum { ESTABLISHED = 1, FIN_WAIT_1 = 4, FIN_WAIT_2 = 5 };
    bool may_have_end = info.tcpi_state != ESTABLISHED && info.tcpi_state != FIN_WAIT_1 && info.tcpi_state != FIN_WAIT_2;
    int64_t count = (int64_t)info.tcpi_bytes_received;
    return may_have_end && count > 0 ? count - 1 : count;
#else
    (void)socket;
    return -1;
#endif
}

int ccurl_address_octets(const struct curl_sockaddr *address, uint8_t *octets) {
    const void *start = &address->addr;
    if (address->family == AF_INET && address->addrlen >= sizeof(struct sockaddr_in)) {
        memcpy(octets, &((const struct sockaddr_in *)start)->sin_addr, 4);
        return 4;
    }
    if (address->family == AF_INET6 && address->addrlen >= sizeof(struct sockaddr_in6)) {
        memcpy(octets, &((const struct sockaddr_in6 *)start)->sin6_addr, 16);
        return 16;
    }
    return 0;
}

int ccurl_text_octets(const char *address, uint8_t *octets) {
    if (inet_pton(AF_INET, address, octets) == 1) {
        return 4;
    }
    return inet_pton(AF_INET6, address, octets) == 1 ? 16 : 0;
}

curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address) {
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

long ccurl_get_long(CURL *easy, CURLINFO info) {
    long value = 0;
    curl_easy_getinfo(easy, info, &value);
    return value;
}

void *ccurl_get_private(CURL *easy) {
    void *value = NULL;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
    return value;
}

int ccurl_get_socket(CURL *easy) {
    curl_socket_t value = CURL_SOCKET_BAD;
    curl_easy_getinfo(easy, CURLINFO_ACTIVESOCKET, &value);
    return value;
}

static _Thread_local ccurl_session_callback session_callback;
static _Thread_local void *session_context;

void ccurl_watch_sessions(ccurl_session_callback callback, void *context) {
    session_callback = callback;
    session_context = context;
}

// OpenSSL comes with libcurl; its own headers may not be installed. Values of openssl/ssl.h, part of its stable ABI.
enum { SESSION_HANDSHAKE_START = 0x10, SESSION_READ_ALERT = 0x4004, SESSION_CLOSE_NOTIFY = 0 };

static void on_session(const void *session, int where, int value) {
    if (session_callback == NULL) {
        return;
    }
    if (where == SESSION_HANDSHAKE_START) {
        session_callback(session, false, session_context);
    } else if (where == SESSION_READ_ALERT && (value & 0xff) == SESSION_CLOSE_NOTIFY) {
        session_callback(session, true, session_context);
    }
}

typedef void (*set_info_callback)(void *, void (*)(const void *, int, int));

static set_info_callback find_set_info_callback(void) {
    set_info_callback found = NULL;
    // The way that POSIX gives from an object to a function pointer.
    *(void **)&found = dlsym(RTLD_DEFAULT, "SSL_CTX_set_info_callback");
    return found;
}

static CURLcode on_tls_context(CURL *easy, void *tls_context, void *unused) {
    (void)easy;
    (void)unused;
    set_info_callback set = find_set_info_callback();
    if (set != NULL) {
        set(tls_context, on_session);
    }
    return CURLE_OK;
}

bool ccurl_set_session_watch(CURL *easy) {
    const char *library = curl_version_info(CURLVERSION_NOW)->ssl_version;
    if (library == NULL || strstr(library, "OpenSSL") != library || find_set_info_callback() == NULL) {
        return false;
    }
    return curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_tls_context) == CURLE_OK;
}

const void *ccurl_get_tls_session(CURL *easy) {
    struct curl_tlssessioninfo *info = NULL;
    curl_easy_getinfo(easy, CURLINFO_TLS_SSL_PTR, &info);
    return info != NULL ? info->internals : NULL;
}

CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

CURLMcode ccurl_multi_set_socket_callback(CURLM *multi, curl_socket_callback value, void *context) {
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, value);
}

CURLMcode ccurl_multi_set_timer_callback(CURLM *multi, curl_multi_timer_callback value, void *context) {
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
    return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, value);
}

bool ccurl_multi_next_done(CURLM *multi, CURL **easy, CURLcode *result) {
    int left = 0;
    CURLMsg *message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
        if (message->msg == CURLMSG_DONE) {
            *easy = message->easy_handle;
            *result = message->data.result;
            return true;
        }
    }
    return false;
}

int ccurl_epoll_create(void) { return epoll_create1(EPOLL_CLOEXEC); }

int ccurl_epoll_watch(int epoll, int descriptor, bool readable, bool writable) {
    struct epoll_event event = {0};
    event.data.fd = descriptor;
    event.events = (readable ? EPOLLIN : 0u) | (writable ? EPOLLOUT : 0u);
    if (!readable && !writable) {
        return epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, NULL);
    }
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) == 0) {
        return 0;
    }
    return errno == ENOENT ? epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) : -1;
}

int ccurl_epoll_wait(int epoll, struct ccurl_ready *ready, int count, int milliseconds) {
    struct epoll_event events[64];
    int found = epoll_wait(epoll, events, count < 64 ? count : 64, milliseconds);
    for (int index = 0; index < found; index++) {
        ready[index].descriptor = events[index].data.fd;
        ready[index].readable = (events[index].events & EPOLLIN) != 0;
        ready[index].writable = (events[index].events & EPOLLOUT) != 0;
        ready[index].failed = (events[index].events & (EPOLLERR | EPOLLHUP)) != 0;
    }
    return found > 0 ? found : 0;
}

int ccurl_eventfd_create(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

void ccurl_eventfd_signal(int descriptor) {
    uint64_t one = 1;
    // It fails only when it is readable already.
    ssize_t ignored = write(descriptor, &one, sizeof one);
    (void)ignored;
}

void ccurl_eventfd_drain(int descriptor) {
    uint64_t value;
    ssize_t ignored = read(descriptor, &value, sizeof value);
    (void)ignored;
}

uint64_t ccurl_monotonic_nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
