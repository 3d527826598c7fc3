"""Programs in other languages that compute the answers of a program from its JSON; each becomes part of the export."""
