"""The tasks of this machine, whoever supervises them: which are meant, where they are, and why."""
