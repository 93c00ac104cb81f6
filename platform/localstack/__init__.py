"""What a machine without Docker needs: embedded PostgreSQL and Redis, a front, supervision.

Plain Python for Linux, no Django: the product's own commands run as child processes.
"""
