// System calls that Glibc's Swift module does not export: thin wrappers, nothing else.

#define _GNU_SOURCE

#include "CSystem.h"

#include <sys/mman.h>
#include <unistd.h>

int csystem_memory_file(const char *name) {
    return memfd_create(name, MFD_CLOEXEC);
}

int csystem_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}
