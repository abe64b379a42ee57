// zlib, bzip2 and liblzma, each as two functions from one buffer into another.

#ifndef CCOMPRESSION_H
#define CCOMPRESSION_H

#include <stddef.h>
#include <stdint.h>

/// How frames are made smaller; the values are those of the networks.
enum ccompression_method {
    CCOMPRESSION_BZIP2 = 0x10,
    CCOMPRESSION_GZIP = 0x11,
    CCOMPRESSION_LZMA = 0x12,
    CCOMPRESSION_ZLIB = 0x13,
};

/// No more octets than this come of compressing `count`.
size_t ccompression_bound(int method, size_t count);

/// How many octets were written to `output`; -1 if it cannot be done.
int64_t ccompression_compress(int method, const uint8_t *input, size_t count, uint8_t *output, size_t capacity);

/// How many octets were written to `output`; -1 if `input` is not of that method, -2 if there is more than fits.
int64_t ccompression_decompress(int method, const uint8_t *input, size_t count, uint8_t *output, size_t capacity);

#endif
