"""FireLens: how a log router gets its configuration and its lines, exactly as the ECS agent does it.

`plan` is the front: definition in, everything that has to be written, mounted and set out. `options` reads
what users write, `configuration` holds the configuration as values, `fluentbit` and `fluentd` print it,
`renaming` says what a router without AWS's Go plugins would need instead.
"""
