// The three libraries behind one shape, with every bound said.

#include "CCompression.h"

#include <bzlib.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>

// What liblzma may take to decompress: presets up to 6 need 9 MiB.
static const uint64_t lzma_memory_max = 64 << 20;

size_t ccompression_bound(int method, size_t count) {
    switch (method) {
        case CCOMPRESSION_BZIP2: return count + count / 100 + 600;
        case CCOMPRESSION_LZMA: return lzma_stream_buffer_bound(count);
        default: return compressBound(count) + 18;
    }
}

static int64_t deflated(int window, const uint8_t *input, size_t count, uint8_t *output, size_t capacity) {
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)count;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int status = deflate(&stream, Z_FINISH);
    int64_t written = status == Z_STREAM_END ? (int64_t)(capacity - stream.avail_out) : -1;
    deflateEnd(&stream);
    return written;
}

static int64_t inflated(const uint8_t *input, size_t count, uint8_t *output, size_t capacity) {
    z_stream stream = {0};
    // Either header, zlib's or gzip's.
    if (inflateInit2(&stream, MAX_WBITS + 32) != Z_OK) return -1;
    stream.next_in = (Bytef *)input;
    stream.avail_in = (uInt)count;
    stream.next_out = output;
    stream.avail_out = (uInt)capacity;
    int status = inflate(&stream, Z_FINISH);
    int64_t written = -1;
    if (status == Z_STREAM_END) written = (int64_t)(capacity - stream.avail_out);
    if (status == Z_BUF_ERROR && stream.avail_out == 0) written = -2;
    inflateEnd(&stream);
    return written;
}

int64_t ccompression_compress(int method, const uint8_t *input, size_t count, uint8_t *output, size_t capacity) {
    if (count > UINT32_MAX || capacity > UINT32_MAX) return -1;
    switch (method) {
        case CCOMPRESSION_ZLIB: return deflated(MAX_WBITS, input, count, output, capacity);
        case CCOMPRESSION_GZIP: return deflated(MAX_WBITS + 16, input, count, output, capacity);
        case CCOMPRESSION_BZIP2: {
            unsigned int written = (unsigned int)capacity;
            int status = BZ2_bzBuffToBuffCompress((char *)output, &written, (char *)input, (unsigned int)count, 9, 0, 0);
            return status == BZ_OK ? (int64_t)written : -1;
        }
        case CCOMPRESSION_LZMA: {
            size_t written = 0;
            lzma_ret status = lzma_easy_buffer_encode(
                LZMA_PRESET_DEFAULT, LZMA_CHECK_CRC64, NULL, input, count, output, &written, capacity);
            return status == LZMA_OK ? (int64_t)written : -1;
        }
        default: return -1;
    }
}

int64_t ccompression_decompress(int method, const uint8_t *input, size_t count, uint8_t *output, size_t capacity) {
    if (count > UINT32_MAX || capacity > UINT32_MAX) return -1;
    switch (method) {
        case CCOMPRESSION_ZLIB:
        case CCOMPRESSION_GZIP: return inflated(input, count, output, capacity);
        case CCOMPRESSION_BZIP2: {
            unsigned int written = (unsigned int)capacity;
            int status = BZ2_bzBuffToBuffDecompress((char *)output, &written, (char *)input, (unsigned int)count, 0, 0);
            if (status == BZ_OUTBUFF_FULL) return -2;
            return status == BZ_OK ? (int64_t)written : -1;
        }
        case CCOMPRESSION_LZMA: {
            uint64_t memory = lzma_memory_max;
            size_t read = 0, written = 0;
            lzma_ret status = lzma_stream_buffer_decode(
                &memory, 0, NULL, input, &read, count, output, &written, capacity);
            // Input that is cut off is LZMA_DATA_ERROR here.
            if (status == LZMA_BUF_ERROR) return -2;
            return status == LZMA_OK ? (int64_t)written : -1;
        }
        default: return -1;
    }
}
