"""ONNX files as modules: a file is read and checked, its nodes are put into modules by their names, and they run here.

The way of a file: `tensors` and `proto` make plain data of it and check all of it, `functions` puts the bodies of
functions in place of their calls, `names` finds legal paths, `plan` groups the nodes into modules, `model` runs them.
What each operator computes is in `minigrad.io.onnx.operators`, registered in `registry`.
"""
