"""Derived columns: each operation once, as numpy and as ONNX."""
