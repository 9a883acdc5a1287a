"""Files to plain values with positions: JSON and YAML, and where in the text each value stands."""
