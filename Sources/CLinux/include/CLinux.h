// System calls that Glibc's Swift module does not export.

#ifndef CLINUX_H
#define CLINUX_H

/// An open file that lives in memory only, closed on exec; -1 and errno on failure.
int clinux_memory_file(const char *name);

/// Writes all that is cached of the file system of `descriptor` to its medium and waits; -1 and errno on failure.
int clinux_sync_file_system(int descriptor);

#endif
