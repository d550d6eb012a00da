"""The Open Inference Protocol (KServe, Triton, Seldon), version 2, over HTTP: one tensor per column."""
