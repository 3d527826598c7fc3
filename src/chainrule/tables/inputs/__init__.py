"""What input columns become: the choice of a transform for each, the transforms, and the encoder of all."""
