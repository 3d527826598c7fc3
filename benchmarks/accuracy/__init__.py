"""Time to accuracy: how long each library trains until 88% and 90% of Fashion-MNIST's test images are right.

One definition for all: 784-256-128-10 relu, softmax cross-entropy, float32, from weights and an order of rows that a
seed draws; batch, rule and rates as each recipe likes, and whether inputs are centred. About every 6,000 rows the test
images are classified, which is not counted, nor is compilation.

The time is the number of updates until the goal, the median over seeds, times the time of an update. Updates are
counted on one thread, and depend neither on the machine nor on what else it does; those of all recipes are timed in
turns.
"""
