"""Tables and what networks make of them: reading, columns, encoding of inputs, targets, metrics, batches."""
