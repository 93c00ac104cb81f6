"""Who may do what, played line by line over HTTP against a running `make serve`.

    .venv/bin/python -m loadtests.access [--seed N] [--demo var/demo.json] [--only 3 --only 5]

Lines are those of the issue: 1 accounts, 2 second factor, 3 tenants, 4 roles, 5 keys, 6 limits,
7 idempotency, 8 errors, 9 audit, 10 isolation, 11 staff. Every value (names, addresses, passwords,
roles, networks, the caller's own IP) comes from the seed, so that each run uses others. Nothing is
read but answers, and mails from the folder that demo.json names. What HTTP can't show (only hashes
stored, the purge after 30 days, keys of idempotency after 24 h, life without Redis, OpenID against
a provider) is held by the tests of the suite.
"""
