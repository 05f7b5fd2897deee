"""`python -m askamu`."""

from askamu.cli import main

main()
