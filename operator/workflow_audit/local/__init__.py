"""A real control plane and a real PostgreSQL as plain processes: for demo, tests, development.

No container engine takes part. What always holds, and what the tests check:
- Everything listens on 127.0.0.1 only, on free ports, and asks for a certificate or password.
- A binary is run only after its checksum was compared.
- A process is stopped only if pid and creation time are the recorded ones.
- A foreground environment leaves nothing behind, not even after SIGKILL of its owner.

Nothing is imported here: the guardian of an environment lives in this package too, and it has
to start fast and to stay small.
"""
