"""Training: an iterator of events. A caller reads them, may show them, and may leave the loop at any event.

The weights of the network are current at every event. Leaving the loop leaves them as they are; only `Finished` brings
back the best ones, where a validation set chooses them.
"""

from chainrule.settings import TrainingSettings
from chainrule.training.checkpoint import Checkpoint, as_checkpoint
from chainrule.training.events import EpochEnd, Event, Finished, Progress, Started, Stopped, Updated
from chainrule.training.history import History
from chainrule.training.loop import Training
from chainrule.training.monitor import Metric, Monitor
from chainrule.training.range_test import RangeTest, find_learning_rate, range_test
from chainrule.training.starting import CALLBACK, CANCEL, fit, start, train
from chainrule.training.state import TrainingState

__all__ = [
    "CALLBACK",
    "CANCEL",
    "Checkpoint",
    "EpochEnd",
    "Event",
    "Finished",
    "History",
    "Metric",
    "Monitor",
    "Progress",
    "RangeTest",
    "Started",
    "Stopped",
    "Training",
    "TrainingSettings",
    "TrainingState",
    "Updated",
    "as_checkpoint",
    "find_learning_rate",
    "fit",
    "range_test",
    "start",
    "train",
]
