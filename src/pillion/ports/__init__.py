"""What the runtime needs from the world, defined by those who call: engine, store, clock."""
