// The few functions of xxhash.h that are called, inlined here.

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "CXXHash.h"

uint64_t cxxhash_of(const void *octets, size_t count) { return XXH3_64bits(octets, count); }

struct cxxhash_stream *cxxhash_stream_create(void) {
    XXH3_state_t *state = XXH3_createState();
    if (state) XXH3_64bits_reset(state);
    return (struct cxxhash_stream *)state;
}

void cxxhash_stream_free(struct cxxhash_stream *stream) { XXH3_freeState((XXH3_state_t *)stream); }

void cxxhash_stream_reset(struct cxxhash_stream *stream) { XXH3_64bits_reset((XXH3_state_t *)stream); }

void cxxhash_stream_update(struct cxxhash_stream *stream, const void *octets, size_t count) {
    XXH3_64bits_update((XXH3_state_t *)stream, octets, count);
}

uint64_t cxxhash_stream_digest(const struct cxxhash_stream *stream) {
    return XXH3_64bits_digest((const XXH3_state_t *)stream);
}
