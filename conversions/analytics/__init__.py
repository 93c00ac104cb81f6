"""The edge of the daily sums."""
