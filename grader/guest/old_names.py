"""Names of TensorFlow 1 that course material still uses: `logs['acc']`, `history.history['acc']`."""

from collections.abc import Callable
from typing import Any

from keras.src.callbacks import callback_list

OLD = {"acc": "accuracy", "val_acc": "val_accuracy"}


class AliasedLogs(dict[str, Any]):
    """A dictionary of logs in which `acc` also finds `accuracy`, with a note to the student."""

    def __init__(self, values: dict[str, Any], note: Callable[[str, str, str], None]) -> None:
        super().__init__(values)
        self._note = note

    def __missing__(self, key: str) -> Any:
        new = OLD.get(key)
        if new is None or not super().__contains__(new):
            raise KeyError(key)
        self._note("old_name", "", f"'{key}' is the TensorFlow 1 name; current Keras calls it '{new}'. Use '{new}'.")
        return super().__getitem__(new)

    def get(self, key: str, default: Any = None) -> Any:
        """As `dict.get`, with the old names."""
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or super().__contains__(OLD.get(str(key)))


def serve_old_names(note: Callable[[str, str, str], None]) -> None:
    """Give callbacks logs in which the old names work."""
    real = callback_list.python_utils.pythonify_logs

    class Utils:
        """Stands for Keras's `python_utils` inside the callback list."""

        @staticmethod
        def pythonify_logs(logs: Any) -> Any:
            return AliasedLogs(real(logs), note)

    callback_list.python_utils = Utils
