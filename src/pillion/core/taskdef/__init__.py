"""Task definitions: their types, how they are read and written, what ECS fills in, and run-time overrides."""
