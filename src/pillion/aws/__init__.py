"""AWS for tasks, over boto3: local (an embedded moto server), real, or any other endpoint.

`settings` and `seed` read what the user wrote, `local` runs the embedded server, `clients` makes every
client, `task` puts the rest together for one task. boto3 is imported only when a call is made.
"""
