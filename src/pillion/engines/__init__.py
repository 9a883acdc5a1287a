"""Container engines. Each folder implements `ports.engine` and knows no other."""
