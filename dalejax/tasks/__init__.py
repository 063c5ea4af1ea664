"""Tasks: each makes batches on the device and owns its loss and its metric."""

from dalejax.tasks.adding import AddingProblem
from dalejax.tasks.base import Batch, DatasetTask, Task
from dalejax.tasks.classification import Classification
from dalejax.tasks.images import ImageClassification
from dalejax.tasks.language import LanguageModel
from dalejax.tasks.objects import ObjectRecognition
from dalejax.tasks.smnist import SequentialMNIST

__all__ = [
    "AddingProblem",
    "Batch",
    "Classification",
    "DatasetTask",
    "ImageClassification",
    "LanguageModel",
    "ObjectRecognition",
    "SequentialMNIST",
    "Task",
]
