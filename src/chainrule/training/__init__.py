"""Training: an iterator of events, which whoever runs it reads, shows and may leave at any time.

The weights of the network are current whenever an event is seen. Leaving the loop leaves them so; only `Finished`
brings back the best ones, where a validation set says which those are.
"""

from chainrule.settings import TrainingSettings
from chainrule.training.checkpoint import Checkpoint, as_checkpoint
from chainrule.training.events import EpochEnd, Event, Finished, History, Progress, Started, Stopped
from chainrule.training.loop import Training, TrainingState
from chainrule.training.monitor import Metric, Monitor
from chainrule.training.starting import fit, start, train

__all__ = [
    "Checkpoint",
    "EpochEnd",
    "Event",
    "Finished",
    "History",
    "Metric",
    "Monitor",
    "Progress",
    "Started",
    "Stopped",
    "Training",
    "TrainingSettings",
    "TrainingState",
    "as_checkpoint",
    "fit",
    "start",
    "train",
]
