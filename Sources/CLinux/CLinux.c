// System calls that Glibc's Swift module does not export: thin wrappers, nothing else.

#define _GNU_SOURCE

#include "CLinux.h"

#include <sys/mman.h>
#include <unistd.h>

int clinux_memory_file(const char *name) {
    return memfd_create(name, MFD_CLOEXEC);
}

int clinux_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}
