"""Tools: what people come to do with a file, each mapped to engines and operations."""
