"""Tasks from wherever they are to their end: one in the foreground, or all those of `pillion serve`."""
