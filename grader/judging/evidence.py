"""What a check may look at: one observation, its graded fit, and the training behind it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from grader.model.assignment import Assignment
from grader.model.observation import Call, Curve, Fit, Observation
from grader.model.training import Description, TrainingRun
from grader.wire.inputs import draw_inputs

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Training:
    """A real training and how the student's code went along with it."""

    run: TrainingRun
    played: Curve
    """The recorded epochs as they were played to the student's callbacks."""
    others: tuple[TrainingRun, ...] = ()
    """Trainings of the same request with other seeds, tried before."""


@dataclass(frozen=True)
class Evidence:
    """Everything about one submission that its checks may need."""

    assignment: Assignment
    observation: Observation
    training: Training | None = None
    training_refused: str = ""
    """Why there will be no training in this run (`--quick`); empty if one can be had."""
    trainings: Mapping[int, Training] = field(default_factory=dict)
    """Every training that counts, by the number of its fit, once all of them have been carried out."""
    arrays: tuple[Array, ...] = ()
    """What the calls returned and drew; values name them by place."""
    datasets: Path | None = None
    """Folder of the shipped data sets, for inputs that are made of them."""

    @cached_property
    def inputs(self) -> dict[str, Any]:
        """The inputs that the student's functions were called with: those that the assignment draws from the seed."""
        source = self.assignment.inputs_source
        if source and self.datasets is None:
            raise RuntimeError("the data sets are not at hand")
        return draw_inputs(source, self.observation.seed, self.datasets or Path())

    @property
    def layer_names(self) -> dict[str, str]:
        """The student's names of the layers of the graded fit, by the trainer's names."""
        return self.fit.layer_names if self.fit else {}

    @property
    def fit(self) -> Fit | None:
        """The graded call of `fit`: inside the entry point if that exists, else at top level."""
        return graded_fit(self.assignment, self.observation)

    def called(self, label: str) -> Call | None:
        """The probe's call with this label, or None if the program did not come so far."""
        return next((call for call in self.observation.claimed.calls if call.label == label), None)

    def array(self, value: Any) -> Array | None:
        """A returned value as an array: by its place, or made of numbers and lists; None if it is none."""
        if isinstance(value, dict) and "array" in value:
            place = value["array"]
            return self.arrays[place] if isinstance(place, int) and 0 <= place < len(self.arrays) else None
        try:
            found = np.asarray(value, float) if isinstance(value, int | float | list) else None
        except (TypeError, ValueError, OverflowError):
            return None
        return found

    @property
    def call(self) -> Call | None:
        """The probe's first call of the first entry point."""
        name = self.assignment.entry_points[0]
        return next((call for call in self.observation.claimed.calls if call.name == name), None)

    @property
    def fits(self) -> list[Fit]:
        """The calls of `fit` that count: the graded one, or all beside it where the assignment says so."""
        return counted_fits(self.assignment, self.observation)

    @property
    def network(self) -> Description | None:
        """The network of the graded fit, as the trainer built it."""
        return self.observation.descriptions.get(self.fit.architecture) if self.fit else None


def earlier_fits(observation: Observation, fit: Fit | None) -> list[Fit]:
    """Trainings of the same model before this one: they count as its beginning."""
    if fit is None:
        return []
    return [other for other in observation.fits if other.model_number == fit.model_number and other.number < fit.number]


def counted_fits(assignment: Assignment, observation: Observation) -> list[Fit]:
    """The fits whose trainings are carried out for their own sake: the graded one, or `all` in its phase."""
    graded = graded_fit(assignment, observation)
    if graded is None or assignment.graded_fit != "all":
        return [graded] if graded else []
    return [fit for fit in observation.fits if fit.phase == graded.phase]


def graded_fit(assignment: Assignment, observation: Observation) -> Fit | None:
    """The fit that counts: the last (or first) one inside the entry point, else at top level."""
    inside = [fit for fit in observation.fits if fit.phase == "entry"]
    candidates = inside or [fit for fit in observation.fits if not observation.claimed.defined]
    if not candidates:
        return None
    return candidates[0 if assignment.graded_fit == "first" else -1]
