// XXH3 with 64 bits (libxxhash's header, compiled in): a hash that costs less than writing what it is of.

#ifndef WAYSTATION_CXXHASH_H
#define WAYSTATION_CXXHASH_H

#include <stddef.h>
#include <stdint.h>

/// The hash of `count` octets.
uint64_t cxxhash_of(const void *octets, size_t count);

/// A hash of octets that come one piece after the other.
struct cxxhash_stream;

/// A stream of no octets yet, to be freed; NULL if there is no memory.
struct cxxhash_stream *cxxhash_stream_create(void);
/// Frees a stream; NULL is as good.
void cxxhash_stream_free(struct cxxhash_stream *stream);
/// Forgets all octets.
void cxxhash_stream_reset(struct cxxhash_stream *stream);
/// Takes `count` more octets.
void cxxhash_stream_update(struct cxxhash_stream *stream, const void *octets, size_t count);
/// The hash of all octets so far, as cxxhash_of gives it.
uint64_t cxxhash_stream_digest(const struct cxxhash_stream *stream);

#endif
