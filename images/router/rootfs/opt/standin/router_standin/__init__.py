"""A small log router that stands in for Fluent Bit where its image cannot be had. It is not Fluent Bit.

It reads Fluent Bit's classic configuration, takes the forward protocol (Docker's fluentd driver), and knows:
inputs forward and tcp; filters grep, record_modifier and parser (json); outputs cloudwatch, cloudwatch_logs,
stdout, file, forward and null. What it does not know it refuses at the start, as Fluent Bit does.

Where it differs on purpose: when too much waits it stops reading instead of breaking connections, so a full
Mem_Buf_Limit loses nothing; and it finds local AWS by AWS_ENDPOINT_URL where AWS's host names are not mapped.
"""
