"""Half an hour of everything that goes wrong: `make soak`, or `PYTHONPATH=tests python -m soak`.

docs/explanation/performance.md says what is done, which promises are held against the
result, and how it went.
"""
