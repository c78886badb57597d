#!/bin/sh
# What mpich's hydra calls in place of ssh: [options] HOST COMMAND... The host's name is that of its namespace.
while [ "${1#-}" != "$1" ]; do shift; done
address=$1; shift
exec ip netns exec "$MINIGRAD_TEST_NAMESPACES-${address##*.}" sh -c "$*"
