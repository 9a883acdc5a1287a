"""What is wrong with a FireLens configuration. Apart from the rest, for whoever only has to tell it."""


class FirelensError(ValueError):
    """A FireLens configuration that ECS refuses when the task starts. The agent's text where it is known."""
