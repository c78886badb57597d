"""The scoreboard: tools that check gradients, measured on one common set of right and wrong ones.

python -m minigrad.testing.scoreboard --tools --only ours --list-failures
"""
