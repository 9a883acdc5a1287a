"""The loop around the core: it feeds events to the machine and has its commands performed."""
