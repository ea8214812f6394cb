"""Everything that touches files, text engines and databases; and the flows that join the floors below."""
