"""Models as ONNX files, which other runtimes read: recorded in evaluation mode, and each op written as ONNX operators.

The way of a model: `capture` runs it twice and tells what depends on the inputs, `table` has a converter for each op
(registered by the files of its families), `builder` collects nodes and weights, `export` puts them into a file.
"""
