// Tests of ChatSQLite.
