// The registry's state in a SQLite file.
