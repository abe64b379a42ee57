// The registry's state in Redis, shared by many registries.
