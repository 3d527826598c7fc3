"""onnxruntime: the net as an ONNX graph of Gemm and activations."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from benchmarks.workloads import Problem

__all__ = ["outputs", "predictor"]

SIGMA = {"sigmoid": "Sigmoid", "tanh": "Tanh", "relu": "Relu", "softmax": "Softmax"}


def graph(problem: Problem) -> bytes:
    """The serialized model: (rows, n_1) in, (rows, n_L) out."""
    w, nodes, constants, at = problem.workload, [], [], "x"
    for k, (W, b) in enumerate(problem.views(problem.theta)):
        constants += [numpy_helper.from_array(W, f"W{k}"), numpy_helper.from_array(b, f"b{k}")]
        sigma = w.head.split("_")[0] if k == len(w.layers) - 1 else w.hidden
        nodes += [helper.make_node("Gemm", [at, f"W{k}", f"b{k}"], [f"Z{k}"])]
        nodes += [helper.make_node(SIGMA.get(sigma, "Identity"), [f"Z{k}"], [f"A{k}"])]
        at = f"A{k}"
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", w.sizes[0]])
    y = helper.make_tensor_value_info(at, TensorProto.FLOAT, ["rows", w.sizes[-1]])
    model = helper.make_model(
        helper.make_graph(nodes, "net", [x], [y], constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    return model.SerializeToString()


def predictor(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """One row through a session."""
    answer = outputs(problem, threads)
    return lambda x: answer(x[None])


def outputs(problem: Problem, threads: int) -> Callable[[np.ndarray], np.ndarray]:
    """Rows through a session."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(graph(problem), options, providers=["CPUExecutionProvider"])
    return lambda X: session.run(None, {"x": X})[0]
