"""What each ONNX operator computes, a family a file: functions from a node and its values to minigrad's ops.

Values are Tensors, or plain arrays of what depends on neither inputs nor weights: shapes, indices, constants. Ops take
both, and give arrays where they are given arrays only, so that integers of shapes stay integers.
"""
