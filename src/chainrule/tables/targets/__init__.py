"""What target columns become: the choice for each, classes or numbers, and the targets of all."""
