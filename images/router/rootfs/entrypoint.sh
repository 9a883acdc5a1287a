#!/bin/sh
# Starts like AWS's image does: the router is process 1, so that it gets the stop signal itself.
exec /fluent-bit/bin/fluent-bit -c /fluent-bit/etc/fluent-bit.conf
