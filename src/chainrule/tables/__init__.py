"""What a table is: sources of rows, the profile of a column, what columns become as inputs and as targets."""
