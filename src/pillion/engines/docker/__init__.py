"""The Docker Engine, and whatever speaks its API, such as Podman: `engine.DockerEngine` runs tasks on it."""
