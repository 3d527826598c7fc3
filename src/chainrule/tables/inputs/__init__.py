"""What input columns become: the choice of a transform for each, the transforms, and the encoder of all."""

from chainrule.tables.inputs.encoder import Encoder

__all__ = ["Encoder"]
