"""Tasks: each makes batches on the device and owns its loss and its metric."""

from dalejax.tasks.adding import AddingProblem
from dalejax.tasks.base import Batch, DatasetTask, Task, TimeAxis
from dalejax.tasks.classification import Classification
from dalejax.tasks.images import ImageClassification
from dalejax.tasks.language import LanguageModel
from dalejax.tasks.neurogym.adapter import NeuroGym
from dalejax.tasks.objects import ObjectRecognition
from dalejax.tasks.smnist import SequentialMNIST
from dalejax.tasks.trials.base import Trial, TrialTask, Wanted
from dalejax.tasks.trials.context import ContextIntegration
from dalejax.tasks.trials.flipflop import FlipFlop
from dalejax.tasks.trials.logic import LogicTask
from dalejax.tasks.trials.matching import DelayedMatch
from dalejax.tasks.trials.multisensory import MultisensoryIntegration
from dalejax.tasks.trials.perceptual import PerceptualDecision
from dalejax.tasks.trials.pulses import PulseMemory, TimeReproduction
from dalejax.tasks.trials.sequences import SequenceExecution
from dalejax.tasks.trials.working_memory import ParametricWorkingMemory

__all__ = [
    "AddingProblem",
    "Batch",
    "Classification",
    "ContextIntegration",
    "DatasetTask",
    "DelayedMatch",
    "FlipFlop",
    "ImageClassification",
    "LanguageModel",
    "LogicTask",
    "MultisensoryIntegration",
    "NeuroGym",
    "ObjectRecognition",
    "ParametricWorkingMemory",
    "PerceptualDecision",
    "PulseMemory",
    "SequenceExecution",
    "SequentialMNIST",
    "Task",
    "TimeAxis",
    "TimeReproduction",
    "Trial",
    "TrialTask",
    "Wanted",
]
