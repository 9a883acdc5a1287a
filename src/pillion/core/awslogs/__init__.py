"""The awslogs log driver, as far as it is a matter of values: options, multi-line events, batches, back-log.

The limits are those of CloudWatch Logs' PutLogEvents; the habits are those of Docker's awslogs driver, which
is what ECS uses. Sending is not here: that is `pillion.aws.logs`.
"""
