"""Makes the local container images that tests, examples and the demo run, without any image registry.

Flow: ``spec`` reads a folder's ``image.toml``; ``debian`` and ``wheels`` fetch what it lists from the
machine's own package sources; ``layer`` turns that into one reproducible tar; ``archive`` wraps layers as a
``docker save`` file; ``engine`` hands the file to the container engine. ``plan`` decides what is stale.
Standard library only, so that images can be made before anything is installed.
"""
