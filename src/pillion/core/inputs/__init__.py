"""What a task reads before its containers are created: secrets, environment files, registry credentials.

`needs` says what a definition asks for, `references` takes the ARNs apart, `envfile` reads the files,
`environment` lays the layers over one another, `secret` holds the values so that no print shows them.
Fetching is not here: that is `pillion.aws`.
"""
