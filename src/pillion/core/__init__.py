"""What ECS means, as values and functions on values: nothing here performs anything."""
