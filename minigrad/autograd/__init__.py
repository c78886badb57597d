"""The engine: what a Tensor is, how ops are recorded, and how the record is differentiated.

    node -> tensor -> op -> backward -> transforms

A `Tensor` is an array with the `node` that recorded how it was made; an `Op` computes, and records a node; `backward`
carries cotangents from node to node; `transforms` (`grad`, `vjp`, `jacobian` ...) are built on that. The package
`minigrad` exports what users need; nothing is exported here, so that no function hides a module of its name.
"""
