"""The edge of signed addresses of results."""
