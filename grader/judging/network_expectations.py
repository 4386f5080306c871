"""Expectations about the network: its layers, shapes, parameters, classes, and how it is compiled."""

from collections.abc import Mapping, Sequence
from typing import Any

from grader.judging.evidence import Evidence
from grader.judging.marks import PersonNeeded, fail
from grader.judging.network import (
    CONVOLUTIONS,
    POOLINGS,
    Applied,
    activations,
    applied_layers,
    final_activation,
    same_size,
    uses_logits,
)
from grader.judging.wording import number, plural, short
from grader.model.observation import Fit
from grader.model.training import Description


def expect_layer_counts(evidence: Evidence, *, convolutions: int, poolings: int, of: Mapping[str, int]) -> None:
    """The graph applies this many convolutions and poolings of any class, of which the classes in `of`."""
    layers = layers_of(evidence.fit)
    for what, kinds, wanted in (("convolution", CONVOLUTIONS, convolutions), ("pooling", POOLINGS, poolings)):
        found = [layer for layer in layers if layer.class_name in kinds]
        count = sum(layer.times for layer in found)
        if count != wanted:
            fail(count_message(found, count, what, wanted, evidence.layer_names))
    for kind, wanted in of.items():
        same = sum(layer.times for layer in layers if layer.class_name == kind)
        if same != wanted:
            others = ", ".join(layer.class_name for layer in layers if layer.class_name in CONVOLUTIONS | POOLINGS)
            fail(
                f"Your model has {number(same)} {kind} {plural('layer', same)}; this exercise asks for "
                f"{number(wanted)}. Found: {others or 'none'}."
            )


def count_message(found: list[Applied], count: int, what: str, wanted: int, names: Mapping[str, str]) -> str:
    """How many layers of a sort there are, by the student's own names."""
    if not found:
        return f"Your model has no {what} layer; this exercise asks for {number(wanted)}. Add one."
    kinds = sorted({layer.class_name for layer in found})
    listed = ", ".join(
        names.get(layer.name, layer.name) + (f" called {layer.times} times" if layer.times > 1 else "")
        for layer in found
    )
    kind = kinds[0] if len(kinds) == 1 else what
    if len(found) < count:
        return (
            f"Your model applies {what} layers {number(count)} times ({listed}); this exercise allows {number(wanted)}. "
            "Call the layer once."
        )
    remedy = "Remove one." if count == wanted + 1 else f"Keep {number(wanted)}." if count > wanted else "Add one."
    allows = "allows" if count > wanted else "asks for"
    return f"Your model has {number(count)} {kind} {plural('layer', count)} ({listed}); this exercise {allows} {number(wanted)}. {remedy}"


def expect_shapes_fit(evidence: Evidence, network: Description) -> None:
    """Keras can build the network, and each convolution and pooling has the size that its formula gives."""
    if network.problem:
        fail(f"Keras cannot build your network: {network.problem}")
    configs = {layer.name: layer for layer in layers_of(evidence.fit)} if not needs_person(evidence.fit) else {}
    before = network.input_shape
    for layer in network.layers:
        applied = configs.get(layer.name)
        if applied is not None and before is not None and layer.output_shape is not None and len(before) == 4:
            expect_spatial_size(applied, before, layer.output_shape, evidence.layer_names)
        before = layer.output_shape


def expect_spatial_size(
    layer: Applied, before: tuple[int | None, ...], after: tuple[int | None, ...], names: Mapping[str, str]
) -> None:
    """Height and width after a Conv2D or MaxPooling2D follow from those before it."""
    kernel = layer.config.get("kernel_size") or layer.config.get("pool_size")
    if layer.class_name not in ("Conv2D", "MaxPooling2D", "AveragePooling2D") or not kernel or layer.times > 1:
        return
    if layer.config.get("data_format") == "channels_first" or layer.config.get("dilation_rate", [1, 1]) != [1, 1]:
        return
    for axis in (1, 2):
        size, stride = before[axis], layer.config["strides"][axis - 1]
        if size is None:
            continue
        wanted = same_size(size, kernel[axis - 1], stride, layer.config["padding"])
        if after[axis] != wanted:
            fail(
                f"The output of {names.get(layer.name, layer.name)} has the shape {after}; {wanted} was expected along "
                f"axis {axis}."
            )


def expect_output_shapes(evidence: Evidence, network: Description, shapes: Sequence[tuple[int, ...]]) -> None:
    """The outputs of the layers have these shapes, layer by layer, the batch axis left out."""
    if network.problem:
        fail(f"Keras cannot build your network: {network.problem}")
    found = [layer.output_shape[1:] if layer.output_shape else None for layer in network.layers]
    if len(found) != len(shapes):
        fail(
            f"Your network has {number(len(found))} {plural('layer', len(found))}; the outputs asked for are {short(list(shapes))}."
        )
    for layer, have, wanted in zip(network.layers, found, shapes, strict=True):
        if have != tuple(wanted):
            name = evidence.layer_names.get(layer.name, layer.name)
            fail(f"The output of {name} ({layer.class_name}) has the shape {have}; {tuple(wanted)} is asked for.")


def expect_parameters(network: Description, parameters: int) -> None:
    """The network has this number of parameters in all."""
    if network.problem:
        fail(f"Keras cannot build your network: {network.problem}")
    if network.parameters != parameters:
        each = ", ".join(f"{layer.class_name} {layer.parameters:,}" for layer in network.layers if layer.parameters)
        fail(f"Your network has {network.parameters:,} parameters ({each}); {parameters:,} are asked for.")


def expect_classes(evidence: Evidence, network: Description, classes: int) -> None:
    """The network ends in `classes` outputs: softmax, or logits with a loss that expects them."""
    output = network.output_shape
    if output is None or len(output) != 2 or output[1] != classes:
        found = output[-1] if output else "no"
        fail(
            f"Your network ends in {found} outputs; there are {classes} classes. Make the last layer Dense({classes})."
        )
    fit = evidence.fit
    if fit is not None and fit.request is None:
        activation, logits = claimed_activation(fit), False
    else:
        request = request_of(fit)
        activation, logits = final_activation(request.model), uses_logits(request.compile)
    if activation == "softmax" and not logits:
        return
    if activation == "linear" and logits:
        return
    if activation == "softmax":
        fail(
            "Your last layer applies softmax, but the loss is told to expect logits (from_logits=True). Use one of them."
        )
    fail(
        f"Your last layer has the activation {activation}; the {classes} classes need softmax. "
        f"Write Dense({classes}, activation='softmax')."
    )


def expect_compiled(
    fit: Fit, *, optimizer: str | None = None, losses: Sequence[str] = (), metric: str | None = None
) -> None:
    """The model is compiled with this class of optimizer, one of these losses, and a metric that logs under this name.

    Losses are given as words (`sparse_categorical_crossentropy`); the class of the same name is as good.
    """
    compiled = request_of(fit).compile
    if optimizer is not None and compiled["optimizer"]["class_name"].lower() != optimizer.lower():
        fail(
            f"Your model is compiled with the optimizer {compiled['optimizer']['class_name']}; {optimizer} is asked for."
        )
    loss = compiled["loss"]
    word = loss if isinstance(loss, str) else str(loss["class_name"]) if loss else "none"
    if losses and word.replace("_", "").lower() not in {name.replace("_", "").lower() for name in losses}:
        fail(f"Your model is compiled with the loss {word}; {' or '.join(losses)} is asked for.")
    if metric is not None and not any(metric in key or key == metric[:3] for key in logged_keys(fit)):
        fail(f"Your model logs {', '.join(logged_keys(fit)) or 'nothing'}; compile it with metrics=['{metric}'].")


def logged_keys(fit: Fit) -> list[str]:
    """The keys that Keras logs for this fit."""
    curves = [curve for curve in (fit.played, *fit.drills) if curve is not None and curve.supplied]
    return list(curves[0].supplied[0]) if curves else []


def request_of(fit: Fit | None) -> Any:
    """The request of a fit that could be captured; PersonNeeded for one that could not."""
    if fit is None or fit.request is None:
        raise PersonNeeded(f"your training cannot be examined, because {fit.refused if fit else 'there was none'}")
    return fit.request


def needs_person(fit: Fit | None) -> bool:
    """True for a training that ran inside the sandbox, whose network is known only by its own words."""
    return fit is None or fit.request is None


def expect_hidden_activation(evidence: Evidence, activation: str) -> None:
    """Every convolution and dense layer but the last has this activation.

    A network that cannot be taken out of the program passes: a person looks at it anyway.
    """
    fit = evidence.fit
    if fit is None or fit.request is None:
        return
    for layer, found in activations(layers_of(fit))[:-1]:
        if found != activation:
            name = evidence.layer_names.get(layer.name, layer.name)
            fail(
                f"Your layer {name} ({layer.class_name}) has the activation {found}; {activation} is asked for. Write "
                f"activation='{activation}'."
            )


def layers_of(fit: Fit | None) -> list[Applied]:
    """The layers of the graded network: from its config, or as the program describes them where there is none."""
    if fit is not None and fit.request is None and fit.claimed_layers:
        return [
            Applied(str(layer["name"]), str(layer["class_name"]), int(layer["times"]), {})
            for layer in fit.claimed_layers
        ]
    return applied_layers(request_of(fit).model)


def claimed_activation(fit: Fit) -> str:
    """The last layer's activation as the program describes it."""
    return str(fit.claimed_layers[-1]["activation"]).removesuffix("_v2") if fit.claimed_layers else "unknown"
