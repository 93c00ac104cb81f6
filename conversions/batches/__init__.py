"""The edge of batches: many files, one wish."""
