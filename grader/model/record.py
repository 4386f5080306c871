"""What all records share: frozen, strict about unknown keys, JSON in and out."""

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen value that survives a round trip through JSON (NaN and infinities included)."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="constants")
