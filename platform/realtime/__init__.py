"""The process where clients wait: event streams, WebSockets, requests that wait for a job's end."""
