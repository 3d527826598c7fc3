"""Sends the events of a training to the experiment trackers that people have: MLflow, and Weights & Biases.

Each tracker has its own module, which imports its package only when it is needed. None of them is a dependency.
"""

from chainrule.tracking.logger import Logger
from chainrule.tracking.mlflow_logger import MLflowLogger
from chainrule.tracking.wandb_logger import WandbLogger

__all__ = ["Logger", "MLflowLogger", "WandbLogger"]
