"""What a known sidecar adds to a plan. Pure, like the core: values in, values out."""
