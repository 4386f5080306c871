"""From a guest's description of a `fit` to a training request: checked, with a fingerprint."""

from typing import Any

from grader.model.training import ArrayRef, FitSettings, LearningRate, Parent, TrainingRequest
from grader.training.canonical import canonical_request
from grader.training.walk import Refused, canonical_compile, canonical_model, fingerprint

MAX_SAMPLES = 1_000_000


def read_request(body: dict[str, Any], parent: Parent | None) -> TrainingRequest:
    """The request in a guest's `fit` frame. Raises Refused with the reason in words."""
    try:
        data, fit = body["data"], body["fit"]
        request = TrainingRequest(
            model=canonical_model(body["model"]),
            compile=canonical_compile(body["compile"]),
            x=read_array(data["x"], "x"),
            y=read_array(data["y"], "y"),
            sample_weight=_optional(data.get("sample_weight")),
            validation=tuple(read_array(item, "validation_data") for item in data.get("validation") or ()),
            fit=_fit(fit),
            learning_rates=tuple(_learning_rate(item) for item in body["learning_rates"]),
            parent=parent,
            batch_logs=bool(body["batch_hooks"]),
        )
        canonical_request(request)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise Refused(f"the description of the training is malformed ({type(error).__name__})") from error
    if request.x.shape[:1] != request.y.shape[:1]:
        raise Refused("there are not as many labels as images")
    return request


def training_fingerprint(request: TrainingRequest) -> str:
    """Digest over all that decides the logs of each epoch; how long to train, who watches, and spelling are left out."""
    body = canonical_request(request).model_dump(mode="json", exclude={"batch_logs"})
    for reference in (body["x"], body["y"], body["sample_weight"], *body["validation"]):
        if reference:
            reference.pop("original_dtype")
    body["fit"].pop("epochs")
    return fingerprint(body)


def architecture_fingerprint(request: TrainingRequest) -> str:
    """Digest over the network alone, and the shape of what is fed to it."""
    return fingerprint({"model": canonical_request(request).model, "input": request.x.shape[1:]})


def read_array(value: Any, what: str) -> ArrayRef:
    """A reference to an array. Raises Refused if it is malformed or absurd."""
    reference = ArrayRef(
        digest=str(value["digest"]),
        dtype=str(value["dtype"]),
        shape=tuple(int(item) for item in value["shape"]),
        original_dtype=str(value["original_dtype"])[:20],
    )
    if len(reference.digest) != 64 or not set(reference.digest) <= set("0123456789abcdef"):
        raise Refused(f"the digest of {what} is malformed")
    if not reference.shape or reference.shape[0] > MAX_SAMPLES or len(reference.shape) > 6 or min(reference.shape) < 1:
        raise Refused(f"{what} has the shape {reference.shape}, which is not trained here")
    return reference


def _optional(value: Any) -> ArrayRef | None:
    return None if value is None else read_array(value, "sample_weight")


def read_fit(value: dict[str, Any]) -> dict[str, Any]:
    """The settings of a `fit` as keywords."""
    return {**value, "validation_freq": _frequency(value["validation_freq"])}


def _fit(value: dict[str, Any]) -> FitSettings:
    settings = FitSettings(**read_fit(value))
    if not (0 <= settings.initial_epoch <= 10_000 and 0 <= settings.epochs <= 100_000):
        raise Refused(f"epochs={settings.epochs}, initial_epoch={settings.initial_epoch} is out of range")
    if not (1 <= settings.batch_size <= MAX_SAMPLES and 0 <= settings.validation_split < 1):
        raise Refused(f"batch_size={settings.batch_size}, validation_split={settings.validation_split} is out of range")
    return settings


def _frequency(value: Any) -> int | tuple[int, ...]:
    return tuple(int(item) for item in value[:1000]) if isinstance(value, list) else int(value)


def _learning_rate(value: dict[str, Any]) -> LearningRate:
    kind = value["kind"]
    if kind == "table":
        return LearningRate(kind="table", table=tuple(float(item) for item in value["table"][:1000]))
    if kind != "ReduceLROnPlateau":
        raise Refused(f"the learning-rate rule {str(kind)[:40]} is not known")
    config = {str(key)[:20]: item for key, item in value["config"].items() if isinstance(item, int | float | str)}
    return LearningRate(kind="ReduceLROnPlateau", config=config)
