// A person's conversations in a SQLite file.
