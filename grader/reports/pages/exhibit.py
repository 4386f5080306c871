"""What the page of one submission shows, beyond its result."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from grader.model.assignment import Assignment
from grader.model.observation import Fit, Observation
from grader.model.result import Missing, Override, Result, Verdict
from grader.model.submission import Identity, Source
from grader.model.training import Description, TrainingRun


@dataclass(frozen=True)
class Curve:
    """A training that was carried out for a submission, and how far the student's code let it run."""

    run: TrainingRun
    fit: int | None = None
    """Number of the fit, where several count."""
    stopped_after: int | None = None
    """Epochs after which the student's code stopped; None for a training that was tried before and not graded."""

    @property
    def values(self) -> tuple[float, ...]:
        """Measured accuracies up to the first that is no number."""
        found: list[float] = []
        for epoch in self.run.epochs:
            if epoch.accuracy is None or not math.isfinite(epoch.accuracy):
                break
            found.append(epoch.accuracy)
        return tuple(found)


@dataclass(frozen=True)
class Row:
    """One layer, as the table shows it."""

    name: str
    kind: str
    shape: str
    parameters: int


@dataclass(frozen=True)
class Exhibit:
    """Everything about one submission that may be shown to its instructor."""

    result: Result
    assignment: Assignment | None = None
    """None where it is not known on this machine; then there is no threshold and no long title."""
    observation: Observation | None = None
    fit: Fit | None = None
    """The graded one."""
    curves: tuple[Curve, ...] = ()
    source: Source | None = None
    anonymous: bool = False
    same_network: tuple[str, ...] = ()
    """Others who have the same training."""
    links: Mapping[str, str] = field(default_factory=dict)
    """Where the pages of others are, by name."""

    @property
    def threshold(self) -> float | None:
        """The accuracy that the assignment asks for."""
        policy = self.assignment.training if self.assignment else None
        return policy.threshold if policy else None

    @property
    def all_curves(self) -> tuple[Curve, ...]:
        """The trainings in the evidence; where there is none, the curve that the result has kept."""
        training = self.result.training
        if self.curves or training is None or not training.curve:
            return self.curves
        logs = [{"logs": {}, "accuracy": value} for value in training.curve]
        run = TrainingRun.model_validate(
            {"fingerprint": training.fingerprint, "seed": training.seed or 0, "epochs": logs}
        )
        return (Curve(run, stopped_after=training.epochs),)

    @property
    def network(self) -> Description | None:
        """The network of the graded fit as the trainer built it."""
        return self.observation.descriptions.get(self.fit.architecture) if self.observation and self.fit else None

    @property
    def layers(self) -> list[Row]:
        """The layers with the student's names for them; as the program claims, where the trainer built nothing."""
        if self.fit is None:
            return []
        if self.network is not None and self.network.layers:
            names = self.fit.layer_names
            return [
                Row(
                    "/".join(filter(None, (layer.path, names.get(layer.name, layer.name)))),
                    layer.class_name,
                    shape(layer.output_shape),
                    layer.parameters,
                )
                for layer in self.network.layers
            ]
        return [
            Row(
                str(layer.get("name", "")),
                str(layer.get("class_name", "")),
                shape(layer.get("output_shape")),
                _whole(layer.get("parameters")),
            )
            for layer in self.fit.claimed_layers[:500]
        ]

    @property
    def layers_are_claimed(self) -> bool:
        """The table of layers is testimony of the program."""
        return self.network is None or not self.network.layers


def shape(value: object) -> str:
    """A shape as people write it: `26 × 26 × 32`, without the batch."""
    if not isinstance(value, tuple | list):
        return ""
    return " × ".join("?" if size is None else str(size) for size in value[1:9])


def _whole(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value < 10**15 else 0


NO_TIME = datetime.fromtimestamp(0, UTC)


def anonymised_result(result: Result, names: dict[str, str]) -> Result:
    """A result with another name and without what the student wrote, who that is, and when it came.

    Of lateness the days and points stay, of points by hand that they are.
    """
    late = result.lateness
    return result.model_copy(
        update={
            "student": names[result.student],
            "path": "",
            "message": "",
            "checks": tuple(_unsaid(verdict) for verdict in result.checks),
            "notes": tuple(note.model_copy(update={"where": "", "text": ""}) for note in result.notes),
            "submission_digest": "",
            "resume_key": "",
            "identity": None,
            "handed_in": None,
            "lateness": late.model_copy(update={"due": NO_TIME, "seconds": 0.0}) if late else None,
            "override": _unsigned(result.override),
        }
    )


def _unsaid(verdict: Verdict) -> Verdict:
    """A verdict without its message, which may quote the student, and without the reason of a person."""
    return verdict.model_copy(update={"message": "", "override": _unsigned(verdict.override)})


def _unsigned(override: Override | None) -> Override | None:
    """That points were given by hand, and how many."""
    return None if override is None else override.model_copy(update={"reason": "", "by": "", "when": ""})


def anonymised_missing(missing: Missing, names: dict[str, str]) -> Missing:
    """Somebody who handed in nothing, under another name."""
    return Missing(student=names[missing.student], identity=Identity())


def anonymised(exhibit: Exhibit, names: dict[str, str]) -> Exhibit:
    """The same without anything a student wrote: no name, path, code, printed text, message, or name of a layer.

    Messages go because they may quote the student. What stays are verdicts, points, curves, shapes, and times.
    """
    before = exhibit.result
    fit = exhibit.fit
    if fit is not None:
        plain = fit.model_copy(update={"layer_names": {}, "callbacks": (), "claimed_layers": ()})
        fit = plain.model_copy(update={"drills": (), "played": None})
    observation = exhibit.observation
    if observation is not None:
        kept = {key: _unnamed(value) for key, value in observation.descriptions.items()}
        empty = Observation(
            student=names[before.student],
            assignment=observation.assignment,
            submission_digest="",
            seed=observation.seed,
            measured=observation.measured,
        )
        observation = empty.model_copy(update={"descriptions": kept})
    return replace(
        exhibit,
        result=anonymised_result(before, names),
        observation=observation,
        fit=fit,
        source=None,
        anonymous=True,
        same_network=tuple(sorted(names[name] for name in exhibit.same_network)),
        links={names[name]: link for name, link in exhibit.links.items()},
    )


def _unnamed(description: Description) -> Description:
    """A network whose layers have only their kinds."""
    layers = tuple(layer.model_copy(update={"name": "", "path": ""}) for layer in description.layers)
    return description.model_copy(update={"layers": layers, "problem": ""})
